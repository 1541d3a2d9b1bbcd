"""ZIP archives that hold a document: checked before anything is unpacked, and packed anew without what is not read."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from lxml import etree

from shared.reading.formats.content import UnreadableError

MOST_BYTES = 200_000_000
_MOST_ENTRIES = 5_000
_SUSPECT_BYTES = 10_000_000
_MOST_RATIO = 200
_ENCRYPTED = 0x1
_KEPT = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


def opened(raw: bytes) -> zipfile.ZipFile:
    """The archive; raises UnreadableError where its directory promises more than is allowed."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except zipfile.BadZipFile as error:
        reason = "the file is damaged: its ZIP directory cannot be read"
        raise UnreadableError(reason) from error
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    astray = any(".." in PurePosixPath(entry.filename).parts or entry.filename.startswith("/") for entry in entries)
    swollen = unpacked > _SUSPECT_BYTES and unpacked > _MOST_RATIO * len(raw)
    if unpacked > MOST_BYTES or swollen or len(entries) > _MOST_ENTRIES or astray:
        reason = "the file unpacks to more than is allowed"
        raise UnreadableError(reason)
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        reason = "the file is encrypted; send it without a password"
        raise UnreadableError(reason)
    return archive


def documents(archive: zipfile.ZipFile) -> Iterator[tuple[str, etree._Element]]:
    """Every entry that may hold text, by its name, as XML: which of them are read is for the archive itself to say."""
    for name in dict.fromkeys(archive.namelist()):
        if name.lower().endswith(_KEPT):
            yield name, parsed(archive.read(name))


def repacked(archive: zipfile.ZipFile, changed: Mapping[str, bytes]) -> bytes:
    """The archive with some entries changed, and without pictures, fonts and other things that hold no text."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for name in dict.fromkeys(archive.namelist()):
            if name.lower().endswith(_KEPT) or name == "mimetype":
                target.writestr(name, changed[name] if name in changed else archive.read(name))
    return packed.getvalue()


def written(root: etree._Element) -> bytes:
    """XML as an entry of an archive, without what its document type declares."""
    raw: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return raw


def entry(archive: zipfile.ZipFile, name: str) -> etree._Element | None:
    """An entry as XML, or None where there is none."""
    return parsed(archive.read(name)) if name in archive.NameToInfo else None


def parsed(raw: bytes) -> etree._Element:
    """XML without entities, without a network; raises UnreadableError."""
    try:
        return etree.fromstring(raw, _PARSER)
    except etree.XMLSyntaxError as error:
        reason = "the file is damaged: a part of it is no XML"
        raise UnreadableError(reason) from error
