"""Text objects of a PDF page that nobody sees: unpainted, transparent, tiny, off the page, covered, or in the colour of
what is behind them.
"""

import ctypes
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from shared.reading.formats.colours import WHITE, Colour, alike

_DEEPEST_FORM = 8
_SMALLEST_POINTS = 1.0
_FAINTEST = 12
"""Alpha of 255."""
_SMALLEST_AREA = 16.0
_MOST_PAINTED = 2_000
_UNPAINTED = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    bottom: float
    right: float
    top: float

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.bottom <= y <= self.top

    def meets(self, other: "_Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


@dataclass(frozen=True, slots=True)
class _Held:
    """An object, and the form it is in if it is not on the page itself."""

    raw: object
    form: object | None


@dataclass(frozen=True, slots=True)
class _Painted:
    """A filled shape; without a colour where it is a picture or a gradient."""

    order: int
    box: _Box
    colour: Colour | None
    opaque: bool


@dataclass(frozen=True, slots=True)
class _Text:
    order: int
    held: _Held
    box: _Box
    points: float
    mode: int
    colour: Colour
    alpha: int


@dataclass(slots=True)
class _Scene:
    """What a page paints, in its order."""

    texts: list[_Text] = field(default_factory=list)
    painted: list[_Painted] = field(default_factory=list)

    def hides(self, text: _Text, page: _Box) -> bool:
        if text.mode in _UNPAINTED or text.alpha <= _FAINTEST or text.points < _SMALLEST_POINTS:
            return True
        if not text.box.meets(page):
            return True
        x, y = (text.box.left + text.box.right) / 2, (text.box.bottom + text.box.top) / 2
        behind: Colour | None = WHITE
        for shape in self.painted:
            if shape.box.holds(x, y):
                if shape.order > text.order and shape.opaque:
                    return True
                behind = shape.colour if shape.order < text.order else behind
        return behind is not None and alike(text.colour, behind)


def remove_hidden(page: pypdfium2.PdfPage) -> bool:
    """Take the text that the page does not show out of it, as it is in memory; whether there was any."""
    scene = _Scene()
    for order, (held, matrix) in enumerate(_objects(page)):
        kind = pdfium.FPDFPageObj_GetType(held.raw)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            scene.texts.append(_text(held, matrix, order))
        elif kind in {pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING}:
            shape = _shape(held.raw, kind, matrix, order)
            if shape is not None and len(scene.painted) < _MOST_PAINTED:
                scene.painted.append(shape)
    area = _Box(*page.get_cropbox())
    hidden = [text.held for text in scene.texts if scene.hides(text, area)]
    for held in hidden:
        if held.form is None:
            pdfium.FPDFPage_RemoveObject(page, held.raw)
        else:
            pdfium.FPDFFormObj_RemoveObject(held.form, held.raw)
        pdfium.FPDFPageObj_Destroy(held.raw)
    return bool(hidden)


def _objects(page: pypdfium2.PdfPage) -> Iterator[tuple[_Held, pypdfium2.PdfMatrix]]:
    """Every object with the matrix of the forms it is in, in the order of painting."""
    count = pdfium.FPDFPage_CountObjects(page)
    start = pypdfium2.PdfMatrix()
    waiting = [(_Held(pdfium.FPDFPage_GetObject(page, at), None), start, 0) for at in reversed(range(count))]
    while waiting:
        held, matrix, depth = waiting.pop()
        yield held, matrix
        form = held.raw
        if pdfium.FPDFPageObj_GetType(form) == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST_FORM:
            inner = _matrix(form).multiply(matrix)
            inside = reversed(range(pdfium.FPDFFormObj_CountObjects(form)))
            waiting += [(_Held(pdfium.FPDFFormObj_GetObject(form, at), form), inner, depth + 1) for at in inside]


def _text(held: _Held, matrix: pypdfium2.PdfMatrix, order: int) -> _Text:
    raw = held.raw
    mode = pdfium.FPDFTextObj_GetTextRenderMode(raw)
    size = ctypes.c_float()
    pdfium.FPDFTextObj_GetFontSize(raw, size)
    _, _, c, d, _, _ = _matrix(raw).multiply(matrix).get()
    stroked = mode == pdfium.FPDF_TEXTRENDERMODE_STROKE
    red, green, blue, alpha = _rgba(
        raw, pdfium.FPDFPageObj_GetStrokeColor if stroked else pdfium.FPDFPageObj_GetFillColor
    )
    points = abs(size.value) * math.hypot(c, d)
    return _Text(order, held, _box(raw, matrix), points, mode, (red, green, blue), alpha)


def _shape(raw: object, kind: int, matrix: pypdfium2.PdfMatrix, order: int) -> _Painted | None:
    """What a path, a picture or a gradient covers, or None where it is too little to write on."""
    box = _box(raw, matrix)
    if box.area < _SMALLEST_AREA:
        return None
    if kind != pdfium.FPDF_PAGEOBJ_PATH:
        return _Painted(order, box, None, opaque=False)
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(raw, fill, stroke)
    red, green, blue, alpha = _rgba(raw, pdfium.FPDFPageObj_GetFillColor)
    if fill.value == pdfium.FPDF_FILLMODE_NONE or alpha <= _FAINTEST:
        return None
    return _Painted(order, box, (red, green, blue), opaque=not pdfium.FPDFPageObj_HasTransparency(raw))


def _matrix(raw: object) -> pypdfium2.PdfMatrix:
    found = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(raw, found)
    return pypdfium2.PdfMatrix.from_raw(found)


def _box(raw: object, matrix: pypdfium2.PdfMatrix) -> _Box:
    sides = [ctypes.c_float() for _ in range(4)]
    pdfium.FPDFPageObj_GetBounds(raw, *sides)
    left, bottom, right, top = (side.value for side in sides)
    corners = [matrix.on_point(x, y) for x in (left, right) for y in (bottom, top)]
    across, up = [x for x, _ in corners], [y for _, y in corners]
    return _Box(min(across), min(up), max(across), max(up))


def _rgba(raw: object, ask: Callable[..., int]) -> tuple[int, int, int, int]:
    """Opaque black where the colour is none that numbers tell, such as a pattern."""
    channels = [ctypes.c_uint() for _ in range(4)]
    if not ask(raw, *channels):
        return 0, 0, 0, 255
    red, green, blue, alpha = (channel.value for channel in channels)
    return red, green, blue, alpha
