"""Title, authors and date as office formats and EPUB carry them: Dublin Core elements in one of their entries."""

import zipfile
from collections.abc import Sequence

from lxml import etree

from shared.evidence.parts import Part
from shared.reading.formats.archives import entry
from shared.reading.formats.content import Content, iso_date, names, one_line

_DC = "{http://purl.org/dc/elements/1.1/}"
_DCTERMS = "{http://purl.org/dc/terms/}"
_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
_DATES = (f"{_DC}date", f"{_DCTERMS}created", f"{_META}creation-date")


def described(archive: zipfile.ZipFile, where: str, parts: tuple[Part, ...], warnings: Sequence[str] = ()) -> Content:
    """The parts with what the entry ``where`` says of them."""
    root = entry(archive, where)
    if root is None:
        return Content(parts, warnings=tuple(warnings))
    dates = (iso_date(_first(root, tag)) for tag in _DATES)
    return Content(
        parts,
        title=one_line(_first(root, f"{_DC}title")),
        authors=names([creator.text for creator in root.iter(f"{_DC}creator")]),
        issued=next((date for date in dates if date), ""),
        warnings=tuple(warnings),
    )


def _first(root: etree._Element, tag: str) -> str | None:
    return next((element.text for element in root.iter(tag)), None)
