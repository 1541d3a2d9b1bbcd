"""What a file is, by its content. Its name and what was said of it decide only between kinds of text."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import puremagic

from shared.contracts.commands import ContextFile
from shared.reading.formats.archives import opened
from shared.reading.formats.content import UnreadableError

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EPUB = "application/epub+zip"
ODT = "application/vnd.oasis.opendocument.text"
HTML = "text/html"
MARKDOWN = "text/markdown"
CSV = "text/csv"
PLAIN = "text/plain"

_ZIP = "application/zip"
_OLE = "application/x-ole-storage"
_BY_ENTRY = {"word/document.xml": DOCX, "ppt/presentation.xml": PPTX, "xl/workbook.xml": XLSX}
_BY_NAME = {
    ".html": HTML, ".htm": HTML, ".xhtml": HTML, ".md": MARKDOWN, ".markdown": MARKDOWN, ".csv": CSV, ".tsv": CSV,
}  # fmt: skip
_BY_WORD = {HTML: HTML, "application/xhtml+xml": HTML, MARKDOWN: MARKDOWN, "text/x-markdown": MARKDOWN, CSV: CSV}
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = 4_096
_PDF_WITHIN = 1_024
_SURE = 0.3
_TEXTUAL = ("text/", "application/json", "application/xml", "application/x-", "message/")


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A media type, and why such a file is not read, if it is not."""

    media_type: str
    refused: str = ""


def sniff(file: ContextFile, raw: bytes) -> Sniffed:
    """What the bytes of a file are."""
    head = raw[:_HEAD]
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Sniffed(PDF)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(raw)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole(raw)
    if head.lstrip().startswith(b"{\\rtf"):
        return Sniffed("application/rtf", "RTF files are not read; save it as .docx")
    if _HTML.match(head) or _HTML.match(head.replace(b"\0", b"").lstrip(b"\xff\xfe")):
        return Sniffed(HTML)
    return _binary(head) or Sniffed(_text(file))


def _archive(raw: bytes) -> Sniffed:
    try:
        archive = opened(raw)
    except UnreadableError as refusal:
        return Sniffed(_ZIP, refusal.reason)
    names = archive.NameToInfo
    if "mimetype" in names and names["mimetype"].file_size < _HEAD:
        said = archive.read("mimetype").decode("ascii", "replace").strip()
        if said in {EPUB, ODT}:
            return Sniffed(said)
        if said.startswith("application/vnd.oasis.opendocument."):
            return Sniffed(said, "of the OpenDocument formats only texts (.odt) are read")
    for name, media_type in _BY_ENTRY.items():
        if name in names:
            return Sniffed(media_type)
    return Sniffed(_ZIP, "ZIP archives are not read; send the files that are in it")


def _ole(raw: bytes) -> Sniffed:
    if "EncryptedPackage".encode("utf-16-le") in raw:
        return Sniffed(_OLE, "the file is encrypted; send it without a password")
    return Sniffed(_OLE, "old Office formats are not read; save it as .docx")


def _binary(head: bytes) -> Sniffed | None:
    """What is known not to be text, and why it is not read."""
    if not _has_controls(head):
        return None
    try:
        guess = puremagic.magic_string(head)[0]
    except (puremagic.PureError, IndexError):
        # No guess: puremagic 1 raises its own error; puremagic 2, locked for Python 3.12 and newer, returns no guesses.
        return None
    sure = guess.confidence >= _SURE and guess.mime_type and not guess.mime_type.startswith(_TEXTUAL)
    return Sniffed(guess.mime_type, f"{guess.mime_type} files are not read") if sure else None


def _has_controls(head: bytes) -> bool:
    return bool(re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head))


def _text(file: ContextFile) -> str:
    by_name = _BY_NAME.get(PurePosixPath(file.name).suffix.lower())
    return _BY_WORD.get(file.media_type or "", "") or by_name or PLAIN
