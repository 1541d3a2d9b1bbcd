"""Context files to text, each with an outcome of its own."""

import mimetypes
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from shared.contracts.commands import ContextFile
from shared.retrieval.text import detect_language

_SIGNATURES = {
    b"%PDF": "PDF",
    b"PK\x03\x04": "Office and ZIP",
    b"\xd0\xcf\x11\xe0": "old Office",
    b"\x1f\x8b": "gzip",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
_HIDDEN = {"script", "style", "template", "noscript", "title"}
_BLOCKS = {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "br", "section", "article", "table"}


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A context file as text, or the reason why there is none."""

    name: str
    media_type: str
    text: str
    unreadable: str = ""


def read_files(files: Sequence[ContextFile]) -> list[ReadFile]:
    """Read every file; one that cannot be read says why and harms no other."""
    return [_read(file) for file in files]


def _read(file: ContextFile) -> ReadFile:
    raw = file.content()
    media_type = file.media_type or mimetypes.guess_type(file.name)[0] or "text/plain"
    for signature, kind in _SIGNATURES.items():
        if raw.startswith(signature):
            return ReadFile(file.name, media_type, "", f"{kind} files are not read; send the text")
    text = _decode(raw)
    if text is None:
        return ReadFile(file.name, media_type, "", "no text in UTF-8, UTF-16, GB 18030 or Windows-1252")
    if media_type == "text/html" or text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        media_type, text = "text/html", _visible(text)
    if not text.strip():
        return ReadFile(file.name, media_type, "", "the file holds no text")
    return ReadFile(file.name, media_type, text)


def _decode(raw: bytes) -> str | None:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _text(raw, "utf-16")
    text = _text(raw, "utf-8-sig") or _text(raw, "gb2312")
    if text is None:
        # GB 18030 takes most Latin text for rare characters, so it must look like Chinese.
        chinese = _text(raw, "gb18030")
        text = chinese if chinese is not None and detect_language(chinese) == "zh" else _text(raw, "cp1252")
    return text


def _text(raw: bytes, encoding: str) -> str | None:
    """The text in this encoding, or None where it is none: undecodable, or full of control characters."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    controls = sum(unicodedata.category(character) == "Cc" and character not in "\t\n\r\f" for character in text)
    return text if controls * 100 <= len(text) and "\0" not in text else None


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _visible(html: str) -> str:
    parser = _Visible()
    parser.feed(html)
    parser.close()
    return "".join(parser.pieces)
