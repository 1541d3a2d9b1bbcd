"""Text and Markdown. What is written stays as it is written, but for comments and hidden HTML in Markdown."""

import re
from collections.abc import Iterator

from lxml import html as lxml_html

from shared.evidence.parts import Part
from shared.reading.formats.content import HIDDEN_TEXT, Content, Heading, cut, iso_date, names, one_line
from shared.reading.formats.decoding import decoded
from shared.reading.formats.html import hides, style_of

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_PARAGRAPH = re.compile(r" {0,3}[^\s>#|*+\-`~]")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(title|author|authors|date)[ \t]*:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_CODE = re.compile(r"(^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z))", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->|^ {0,3}<!--.*\Z|^ {0,3}\[//\]:[^\n]*", re.DOTALL | re.MULTILINE)
_ELEMENT = re.compile(r"<(?P<tag>[a-z][a-z0-9]*)(?P<attributes>\s[^<>]*)?>", re.IGNORECASE)
_ALWAYS_HIDDEN = {"script", "style", "template"}


def read_plain(raw: bytes) -> Content:
    """Raises UnreadableError."""
    return Content((Part(decoded(raw)),))


def read_markdown(raw: bytes) -> Content:
    """Raises UnreadableError."""
    text = decoded(raw).replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    fields = {name.lower(): value.strip(" \"'[]") for name, value in _FIELD.findall(front[1] if front else "")}
    shown, hidden = _shown(text[front.end() :] if front else text)
    pieces = list(_pieces(shown))
    highest = [piece.title for piece in pieces if isinstance(piece, Heading) and piece.level == 1]
    return Content(
        cut(pieces),
        title=one_line(fields.get("title") or (highest[0] if len(highest) == 1 else "")),
        authors=names([(fields.get("author") or fields.get("authors", "")).replace(",", ";")]),
        issued=iso_date(fields.get("date")),
        warnings=(HIDDEN_TEXT,) if hidden else (),
    )


def _pieces(text: str) -> Iterator[Heading | str]:
    fence = ""
    held: str | None = None
    """A line that is a heading if it is underlined."""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if held is not None:
            underline = None if fence else _SETEXT.fullmatch(line)
            if underline:
                yield Heading(1 if underline[1][0] == "=" else 2, held)
                held = None
                continue
            yield held
            held = None
        if mark and (not fence or (mark[1][0] == fence[0] and len(mark[1]) >= len(fence))):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else _ATX.match(line)
        if heading:
            yield Heading(len(heading[1]), _closed(line[heading.end() :].strip()))
        elif not fence and not mark and _PARAGRAPH.match(line):
            held = line
        else:
            yield line
    if held is not None:
        yield held


def _closed(title: str) -> str:
    """A title without the number signs that may end its line."""
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else title


def _shown(text: str) -> tuple[str, bool]:
    """The text without what a reader of the rendered Markdown does not see, and whether there was any of that."""
    pieces = _CODE.split(text)
    # Each match comes with the marks of its fence.
    prose = [_without_hidden(_COMMENT.sub("", piece)) for piece in pieces[0::3]]
    code = pieces[1::3]
    shown = "".join(one + other for one, other in zip(prose, [*code, ""], strict=True))
    before, after = "".join(text.split()), "".join(shown.split())
    return shown, len(after) < len(before)


def _without_hidden(text: str) -> str:
    kept: list[str] = []
    folded = text.lower()
    at = 0
    for match in _ELEMENT.finditer(text):
        if match.start() < at or not _is_hidden(match):
            continue
        end = folded.find(f"</{match['tag'].lower()}", match.end())
        kept.append(text[at : match.start()])
        at = len(text) if end < 0 else end
    return "".join([*kept, text[at:]])


def _is_hidden(match: re.Match[str]) -> bool:
    if match["tag"].lower() in _ALWAYS_HIDDEN:
        return True
    attributes = match["attributes"] or ""
    if not re.search(r"hidden|style", attributes, re.IGNORECASE):
        return False
    element = lxml_html.fragment_fromstring(f"<span{attributes}></span>")
    return "hidden" in element.attrib or element.get("aria-hidden") == "true" or hides(style_of(element))
