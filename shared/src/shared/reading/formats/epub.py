"""EPUB: its XHTML is cleaned as HTML is before pandoc reads it."""

from lxml import etree

from shared.reading.formats.archives import documents, opened, repacked, written
from shared.reading.formats.content import HIDDEN_TEXT, Content, UnreadableError
from shared.reading.formats.converting import converted
from shared.reading.formats.described import described
from shared.reading.formats.html import strip_hidden

_LOCKS = "META-INF/encryption.xml"
_LOCKED = b"xmlenc#"
"""The encryption of XML; fonts are merely obfuscated, by other means."""


def read_epub(raw: bytes) -> Content:
    """Raises UnreadableError."""
    archive = opened(raw)
    if _LOCKS in archive.NameToInfo and _LOCKED in archive.read(_LOCKS):
        reason = "the file is encrypted; send it without a password"
        raise UnreadableError(reason)
    changed: dict[str, bytes] = {}
    warnings: list[str] = []
    for name, root in documents(archive):
        if etree.QName(root).localname == "html":
            # Tables of contents are hidden as a rule; they are no text of the book.
            etree.strip_elements(root, "{*}nav", with_tail=False)
            if strip_hidden(root):
                warnings = [HIDDEN_TEXT]
            changed[name] = written(root)
    parts = converted("epub", repacked(archive, changed))
    package = next((name for name in archive.namelist() if name.endswith(".opf")), "")
    return described(archive, package, parts, warnings)
