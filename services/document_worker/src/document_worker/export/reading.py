"""The document's Markdown as a tree, read by pandoc in a limited child."""

import asyncio
import json
import re
import unicodedata
from typing import Any

from document_worker.export.nodes import Node, node, words
from shared.contracts.text import encodable
from shared.sandbox import Pandoc

READER = (
    "commonmark-raw_html+east_asian_line_breaks+footnotes+gfm_auto_identifiers+pipe_tables+smart+strikeout"
    "+tex_math_dollars"
)
"""No attributes, spans or raw blocks: what looks like them is prose. No sub- and superscripts by ``~`` and ``^``: in
Chinese, ``10~20`` is a range."""

OPENING, CLOSING, OPENING_OF_DEFINITION = "\ue000", "\ue001", "\ue002"
"""Brackets that are no citation's. The tree does not tell ``\\[3\\]`` from ``[3]``, so they are marked before."""

_ESCAPED = re.compile(r"\\([\\\[\]])")
_DEFINITION = re.compile(r"^([ \t>*+-]*)\[(?=\d+\]:)", re.MULTILINE)
"""``[3]: address`` would turn every citation of 3 into a link to that address."""
_NOTE = re.compile(r"(?:[ \t>*+-]|\d{1,9}[.)])*\[\^[^\]\s]+\]:")
_JOINERS = "\u00ad\u200c\u200d\u200e\u200f"
"""Soft hyphen, joiners and direction marks, which scripts need."""
_MARKS = {"\\": r"\\", "[": OPENING, "]": CLOSING}
_AS_PROSE = str.maketrans({OPENING: "[", CLOSING: "]", OPENING_OF_DEFINITION: "["})
_AS_SOURCE = str.maketrans({OPENING: r"\[", CLOSING: r"\]", OPENING_OF_DEFINITION: "["})


async def read(markdown: str, pandoc: Pandoc) -> list[Node]:
    """The blocks of a text, whose escaped brackets are marked; a text nested too deeply comes as plain paragraphs.

    Raises RenderingFailedError where pandoc cannot read it within its limits.
    """
    made = await pandoc.convert(READER, "json", marked(markdown).encode())
    try:
        blocks: list[Any] = (await asyncio.to_thread(json.loads, made))["blocks"]
    except RecursionError:
        return plain_paragraphs(markdown)
    return blocks


def plain_paragraphs(markdown: str) -> list[Node]:
    """The text as it stands, without reading any markup."""
    return [node("Para", words(part)) for part in re.split(r"\n\s*\n", writable(markdown)) if part.strip()]


def marked(markdown: str) -> str:
    """The text with every bracket marked that opens or closes no citation."""
    escaped = _ESCAPED.sub(lambda found: _MARKS[found[1]], writable(markdown))
    return _without_notes_in_notes(_DEFINITION.sub(rf"\1{OPENING_OF_DEFINITION}", escaped))


def _without_notes_in_notes(markdown: str) -> str:
    """A footnote that refers to itself has no end."""
    lines: list[str] = []
    within = False
    for line in markdown.split("\n"):
        begins = _NOTE.match(line)
        ends = within and line.strip() and line[0] not in " \t" and not lines[-1].strip()
        within = bool(begins) or (within and not ends)
        start = begins.end() if begins else 0
        lines.append(line[:start] + line[start:].replace("[^", f"{OPENING_OF_DEFINITION}^") if within else line)
    return "\n".join(lines)


def writable(text: str) -> str:
    """The text without characters that files cannot hold, or that are used here as marks."""
    return "".join(char if char in "\n\t" or _is_text(char) else " " for char in encodable(text))


def as_prose(text: str) -> str:
    """Marked brackets as readers see them."""
    return text.translate(_AS_PROSE)


def as_source(text: str) -> str:
    """Marked brackets as they were typed: in code and in formulas a backslash shows."""
    return text.translate(_AS_SOURCE)


def _is_text(char: str) -> bool:
    # Of the format characters, those that turn the direction of text or hide in it are for deceiving readers.
    return char in _JOINERS or not unicodedata.category(char).startswith("C")
