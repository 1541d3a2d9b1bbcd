"""Presentations. What no slide shows is taken out before pandoc reads them."""

from lxml import etree

from shared.reading.formats.archives import documents, entry, opened, repacked, written
from shared.reading.formats.content import Content
from shared.reading.formats.converting import converted
from shared.reading.formats.described import described

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_SMALLEST_SIZE = 100
"""In hundredths of a point."""
_SHAPES = ("sp", "graphicFrame", "grpSp", "cxnSp", "pic")
_HIDDEN_SLIDE = "hidden slides were left out"
_HIDDEN_TEXT = "hidden text was left out"


def read_pptx(raw: bytes) -> Content:
    """Raises UnreadableError. Hidden slides count in the numbers of those after them."""
    archive = opened(raw)
    width, height = _slide_size(entry(archive, "ppt/presentation.xml"))
    changed: dict[str, bytes] = {}
    warnings: set[str] = set()
    for name, slide in documents(archive):
        if slide.tag == f"{_P}sld" and slide.get("show") in {"0", "false"}:
            removed = _remove(list(slide.iter(*(f"{_P}{shape}" for shape in _SHAPES))))
            warnings |= {_HIDDEN_SLIDE} if removed else set()
        elif slide.tag == f"{_P}sld" and _remove([*_unseen_shapes(slide, width, height), *_unseen_runs(slide)]):
            warnings.add(_HIDDEN_TEXT)
        changed[name] = written(slide)
    parts = converted("pptx", repacked(archive, changed))
    return described(archive, "docProps/core.xml", parts, sorted(warnings))


def _slide_size(presentation: etree._Element | None) -> tuple[int, int]:
    size = None if presentation is None else presentation.find(f"{_P}sldSz")
    return (0, 0) if size is None else (_number(size, "cx"), _number(size, "cy"))


def _unseen_shapes(slide: etree._Element, width: int, height: int) -> list[etree._Element]:
    found: list[etree._Element] = []
    for shape in slide.iter(*(f"{_P}{name}" for name in _SHAPES)):
        named = shape.find(f"*/{_P}cNvPr")
        hidden = named is not None and named.get("hidden") in {"1", "true"}
        if hidden or (width and _beside(shape, width, height)):
            found.append(shape)
    return found


def _beside(shape: etree._Element, width: int, height: int) -> bool:
    """Whether it lies off its slide. Shapes in a group count in the group's own units."""
    parent = shape.getparent()
    if parent is None or parent.tag == f"{_P}grpSp":
        return False
    frame = next(shape.iterfind(f"*/{_A}xfrm"), None)
    frame = shape.find(f"{_P}xfrm") if frame is None else frame
    offset, extent = (None, None) if frame is None else (frame.find(f"{_A}off"), frame.find(f"{_A}ext"))
    if offset is None or extent is None:
        return False
    left, top = _number(offset, "x"), _number(offset, "y")
    return left >= width or top >= height or left + _number(extent, "cx") <= 0 or top + _number(extent, "cy") <= 0


def _unseen_runs(slide: etree._Element) -> list[etree._Element]:
    sized = ((run, run.find(f"{_A}rPr")) for run in slide.iter(f"{_A}r"))
    return [run for run, look in sized if look is not None and 0 < _number(look, "sz") <= _SMALLEST_SIZE]


def _remove(elements: list[etree._Element]) -> bool:
    """Whether there was any text in them."""
    found = any("".join(each.itertext(f"{_A}t")).strip() for each in elements)
    for element in elements:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    return found


def _number(element: etree._Element, name: str) -> int:
    value = element.get(name, "0")
    return int(value) if value.lstrip("-").isdecimal() else 0
