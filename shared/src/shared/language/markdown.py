"""Where Markdown is prose: its blocks and sentences by their offsets, and what is code.

Careful on one side: what is called code here is code in CommonMark, too, while some rare code passes for prose.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["prose", "item", "row", "heading", "code"]

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`\n]*$)|~{3,})")
_INLINE = re.compile(r"(?<![`\\])(`+)(?!`)([^`\n|]+|[^\n|]*?[^`\n|])(?<!`)\1(?!`)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_ROW = re.compile(r"[ \t]*\|")
_REFERENCES = re.compile(r" {0,3}#{1,6}[ \t]+(?:references|bibliography|参考文献|參考文獻)[ \t#]*$", re.IGNORECASE)
_CLOSING = r"(?:[\"'”’»)\]」』）*_]|[ \t]*\[@[^\[\]\s]{1,40}\])*"
_END = re.compile(rf"[.!?…]+{_CLOSING}(?=\s|$)|[。！？]+{_CLOSING}")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|dr|mr|mrs|ms|prof|st|no|fig|figs|eq|vol|pp|p|cf|al|vs|approx|ca|sec|ch|ed|eds|jr|e\.g|i\.e)|^\s*\d+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list item, a table row, a heading or a code block; ``text[start:end]``."""

    kind: Kind
    start: int
    end: int


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text in order, without the blank lines between them."""
    open_block: Block | None = None
    fence = ""
    for start, line in _lines(text):
        end = start + len(line.rstrip("\n"))
        if fence and open_block:
            if not _leaves(line, fence):
                open_block = Block("code", open_block.start, end)
                fence = "" if _closes(line, fence) else fence
                continue
            fence = ""
        opening = _FENCE.match(line.rstrip("\n"))
        kind = "code" if opening else _kind(line)
        if kind == "prose" and open_block and open_block.kind != "code":
            open_block = Block(open_block.kind, open_block.start, end)
            continue
        if open_block:
            yield open_block
        open_block = Block(kind, start, end) if kind else None
        fence = opening[0] if opening else ""
        if open_block and kind in {"row", "heading"}:
            yield open_block
            open_block = None
    if open_block:
        yield open_block


def body(text: str) -> Iterator[Block]:
    """The blocks before the reference list."""
    for block in blocks(text):
        if block.kind == "heading" and _REFERENCES.match(text[block.start : block.end]):
            return
        yield block


def sentences(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Where each sentence of a block begins and ends, with the citations after its stop; a row is one sentence."""
    if block.kind == "row":
        yield block.start, block.end
        return
    marker = _ITEM.match(text, block.start, block.end) if block.kind == "item" else None
    start = marker.end() if marker else block.start
    code = [match.span() for match in _INLINE.finditer(text, start, block.end)]
    for match in _END.finditer(text, start, block.end):
        if _goes_on(text, start, match) or any(a <= match.start() < b for a, b in code):
            continue
        yield start, match.end()
        start = match.end() + len(text[match.end() : block.end]) - len(text[match.end() : block.end].lstrip())
    if text[start : block.end].strip():
        yield start, block.end


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with everything but code changed: fenced blocks as wholes, inline code within its line."""
    done: list[str] = []
    position = 0
    for start, end in _code_spans(text):
        done += [change(text[position:start]) if start > position else "", text[start:end]]
        position = end
    done.append(change(text[position:]) if position < len(text) else "")
    return "".join(done)


def without_code(text: str) -> str:
    """A sentence without its inline code."""
    return _INLINE.sub(" ", text)


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    for block in blocks(text):
        if block.kind == "code":
            yield block.start, block.end
        else:
            yield from (match.span() for match in _INLINE.finditer(text, block.start, block.end))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield start, text[start:end]
        start = end


def _kind(line: str) -> Kind | None:
    if not line.strip():
        return None
    if _HEADING.match(line):
        return "heading"
    if _ROW.match(line):
        return "row"
    return "item" if _ITEM.match(line) else "prose"


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence.strip()) and set(bare) == {fence[-1]}


def _leaves(line: str, fence: str) -> bool:
    """Whether a line stands further out than the fence: the list item may be over, and the code with it."""
    return bool(line.strip()) and len(line) - len(line.lstrip()) < len(fence) - len(fence.lstrip())


def _goes_on(text: str, start: int, stop: re.Match[str]) -> bool:
    """Whether the stop is the one of an abbreviation, an initial or a number."""
    if stop[0][0] != ".":
        return False
    following = text[stop.end() : stop.end() + 2].strip()
    if following[:1].islower():
        return True
    return stop[0] == "." and bool(_ABBREVIATION.search(text[max(start, stop.start() - 12) : stop.start()]))


def paragraphs(text: str) -> list[str]:
    """The parts between blank lines; a code block is one, whatever stands in it."""
    found: list[str] = []
    fenced = False
    current: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if line.strip() or fenced:
            current.append(line)
        elif current:
            found.append("\n".join(current))
            current = []
    if current:
        found.append("\n".join(current))
    return found
