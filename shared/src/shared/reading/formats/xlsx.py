"""Workbooks, without their hidden sheets, rows, columns and cells.

Read here and not by pandoc, which passes over texts in place, shows 30 as 30.0 and dates as numbers of days.
"""

import datetime
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from shared.evidence.parts import Part
from shared.reading.formats.archives import entry, opened, parsed
from shared.reading.formats.colours import WHITE, alike, colour
from shared.reading.formats.content import Content, one_line
from shared.reading.formats.described import described

_X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SHEETS = "hidden sheets were left out"
_CELLS = "hidden rows, columns or cells were left out"
_ON = {"1", "true"}
_DAY_ZERO = datetime.datetime(1899, 12, 30)  # noqa: DTZ001
_LAST_DAY = 2_958_465
"""31 December 9999."""
_DATE_FORMATS = {*map(str, range(14, 23)), "45", "46", "47"}
_DATE_CODE = re.compile(r"(?:[^\"\[]|\"[^\"]*\"|\[[^\]]*\])*?[ymdhs]", re.IGNORECASE)
_WIDEST_GAP = 20


@dataclass(frozen=True, slots=True)
class _Book:
    """What the cells of all sheets refer to."""

    texts: list[str]
    unseen: frozenset[str]
    """Indexes of the formats that show nothing: ``;;;``, or white on nothing."""
    dates: frozenset[str]
    """Indexes of the formats that show a number of days as a date."""


def read_xlsx(raw: bytes) -> Content:
    """Raises UnreadableError."""
    archive = opened(raw)
    book = _book(archive)
    warnings: list[str] = []
    parts: list[Part] = []
    for sheet, path in _sheets(archive):
        if sheet.get("state", "visible") != "visible":
            warnings += [_SHEETS] if _SHEETS not in warnings else []
            continue
        root = parsed(archive.read(path))
        if _strip(root, book.unseen) and _CELLS not in warnings:
            warnings.append(_CELLS)
        lines = [line for line in _lines(root, book) if line]
        parts.append(Part("\n".join(lines), heading=one_line(sheet.get("name"))))
    return described(archive, "docProps/core.xml", tuple(parts), warnings)


def _sheets(archive: zipfile.ZipFile) -> Iterator[tuple[etree._Element, str]]:
    relations = entry(archive, "xl/_rels/workbook.xml.rels")
    targets = {} if relations is None else {each.get("Id"): each.get("Target", "") for each in relations}
    for sheet in parsed(archive.read("xl/workbook.xml")).iter(f"{_X}sheet"):
        path = posixpath.normpath(posixpath.join("/xl", targets.get(sheet.get(f"{_R}id"), ""))).lstrip("/")
        if path in archive.NameToInfo:
            yield sheet, path


def _strip(sheet: etree._Element, unseen: frozenset[str]) -> bool:
    """Take out rows, columns and cells that are not shown; whether there were any with something in them."""
    spans = [_span(column) for column in sheet.iter(f"{_X}col") if column.get("hidden") in _ON]
    found = False
    for row in sheet.iter(f"{_X}row"):
        all_hidden = row.get("hidden") in _ON
        for cell in list(row.iter(f"{_X}c")):
            number = _column(cell)
            if all_hidden or cell.get("s") in unseen or any(first <= number <= last for first, last in spans):
                found = found or bool("".join(cell.itertext()).strip())
                row.remove(cell)
    return found


def _lines(sheet: etree._Element, book: _Book) -> Iterator[str]:
    for row in sheet.iter(f"{_X}row"):
        shown: list[str] = []
        at = 0
        for cell in row.iter(f"{_X}c"):
            number = _column(cell) or at + 1
            shown += [""] * min(number - at - 1, _WIDEST_GAP)
            shown.append(one_line(_text(cell, book), 32_767))
            at = number
        while shown and not shown[-1]:
            shown.pop()
        yield " | ".join(shown)


def _text(cell: etree._Element, book: _Book) -> str:
    kind = cell.get("t", "n")
    value: str = cell.findtext(f"{_X}v", "").strip()
    if kind == "inlineStr":
        return "".join(cell.itertext(f"{_X}t"))
    if kind == "s":
        return book.texts[int(value)] if value.isdecimal() and int(value) < len(book.texts) else ""
    if kind == "b":
        return "TRUE" if value in _ON else "FALSE"
    return _number(value, is_date=cell.get("s", "0") in book.dates) if kind == "n" else value


def _number(value: str, *, is_date: bool) -> str:
    """As a reader sees it: without the digits that only binary fractions have, a number of days as a date."""
    try:
        number = float(value)
    except ValueError:
        return value
    if is_date and 0 < number < _LAST_DAY:
        text = (_DAY_ZERO + datetime.timedelta(days=number)).isoformat(" ", "minutes")
        return text[11:] if number < 1 else text.removesuffix(" 00:00")
    return f"{number:.15g}" if "." in value else value


def _book(archive: zipfile.ZipFile) -> _Book:
    shared = entry(archive, "xl/sharedStrings.xml")
    items = [] if shared is None else shared.iter(f"{_X}si")
    texts = ["".join(text for text in item.itertext(f"{_X}t")) for item in items]
    styles = entry(archive, "xl/styles.xml")
    if styles is None:
        return _Book(texts, frozenset(), frozenset())
    codes = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iter(f"{_X}numFmt")}
    blank = {name for name, code in codes.items() if code and not code.strip(";")}
    dates = _DATE_FORMATS | {name for name, code in codes.items() if name and _DATE_CODE.match(code)}
    fonts = styles.find(f"{_X}fonts")
    white = {str(index) for index, font in enumerate(() if fonts is None else fonts) if _is_white(font)}
    formats = styles.find(f"{_X}cellXfs")
    numbered = [(str(index), each) for index, each in enumerate(() if formats is None else formats)]
    unseen = {
        index
        for index, each in numbered
        if each.get("numFmtId") in blank or (each.get("fontId") in white and each.get("fillId", "0") == "0")
    }
    return _Book(
        texts, frozenset(unseen), frozenset(index for index, each in numbered if each.get("numFmtId") in dates)
    )


def _is_white(font: etree._Element) -> bool:
    element = font.find(f"{_X}color")
    argb = "" if element is None else element.get("rgb", "")
    written = colour(argb[-6:])
    return written is not None and alike(written, WHITE)


def _span(column: etree._Element) -> tuple[int, int]:
    first, last = column.get("min", ""), column.get("max", "")
    return (int(first), int(last)) if first.isdecimal() and last.isdecimal() else (0, 0)


def _column(cell: etree._Element) -> int:
    """The number of the column of a cell such as ``AB12``; 0 where it does not say."""
    number = 0
    for letter in cell.get("r", ""):
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
