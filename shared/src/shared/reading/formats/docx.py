"""Word documents. What is hidden in them is taken out before pandoc reads them."""

from dataclasses import dataclass, fields, replace

from lxml import etree

from shared.reading.formats.archives import documents, entry, opened, repacked, written
from shared.reading.formats.colours import WHITE, Colour, alike, colour
from shared.reading.formats.content import HIDDEN_TEXT, Content
from shared.reading.formats.converting import converted
from shared.reading.formats.described import described

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SMALLEST_HALF_POINTS = 2
_OFF = {"0", "false", "off", "none"}
_MOST_STYLES_ABOVE = 20


@dataclass(frozen=True, slots=True)
class _Look:
    """What decides whether text is seen; None is left to what is above."""

    hidden: bool | None = None
    text: Colour | None = None
    behind: Colour | None = None
    half_points: int | None = None

    def over(self, above: "_Look") -> "_Look":
        """This look, and where it says nothing the one above."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(above, **{name: value for name, value in said.items() if value is not None})

    @property
    def unseen(self) -> bool:
        tiny = self.half_points is not None and self.half_points <= _SMALLEST_HALF_POINTS
        return bool(self.hidden) or tiny or (self.text is not None and alike(self.text, self.behind or WHITE))


def read_docx(raw: bytes) -> Content:
    """Raises UnreadableError."""
    archive = opened(raw)
    styles = _Styles(entry(archive, "word/styles.xml"))
    changed: dict[str, bytes] = {}
    warnings: list[str] = []
    for name, root in documents(archive):
        if _strip(root, styles):
            warnings = [HIDDEN_TEXT]
        changed[name] = written(root)
    parts = converted("docx", repacked(archive, changed))
    return described(archive, "docProps/core.xml", parts, warnings)


class _Styles:
    """The looks that named styles give, each with those it is based on."""

    def __init__(self, root: etree._Element | None) -> None:
        self._elements: dict[str, etree._Element] = {}
        self._looks: dict[str, _Look] = {}
        self.usual = _Look()
        if root is not None:
            self._elements = {style.get(f"{_W}styleId", ""): style for style in root.iter(f"{_W}style")}
            defaults = root.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr")
            normal = next((name for name, style in self._elements.items() if _is_usual(style)), None)
            self.usual = self.look(normal).over(_look(defaults))

    def look(self, name: str | None, depth: int = 0) -> _Look:
        style = self._elements.get(name or "")
        if name is None or style is None or depth > _MOST_STYLES_ABOVE:
            return _Look()
        if name not in self._looks:
            based_on = _value(style, "basedOn")
            own = _look(style.find(f"{_W}rPr")).over(_look(style.find(f"{_W}pPr")))
            self._looks[name] = own.over(self.look(based_on, depth + 1))
        return self._looks[name]

    def shades(self, name: str | None) -> bool:
        """Whether a table style puts a colour behind some of its cells; which ones depends on where they are."""
        style = self._elements.get(name or "")
        return style is not None and any(_shade(shading) not in {None, WHITE} for shading in style.iter(f"{_W}shd"))


def _is_usual(style: etree._Element) -> bool:
    return style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default", "0") not in _OFF


def _strip(root: etree._Element, styles: _Styles) -> bool:
    """Take out the runs that nobody sees; whether there were any with text."""
    unseen = [run for run in root.iter(f"{_W}r") if _effective(run, root, styles).unseen]
    found = False
    for run in unseen:
        found = found or bool("".join(run.itertext(f"{_W}t")).strip())
        parent = run.getparent()
        if parent is not None:
            parent.remove(run)
    return found


def _effective(run: etree._Element, root: etree._Element, styles: _Styles) -> _Look:
    properties = run.find(f"{_W}rPr")
    look = _look(properties).over(styles.look(_value(properties, "rStyle")))
    for above in run.iterancestors(f"{_W}p", f"{_W}tc", f"{_W}tbl", f"{_W}txbxContent"):
        kind = etree.QName(above).localname
        if kind == "txbxContent":
            # It stands for itself, and may be filled in ways that are no plain colour.
            return (replace(look, text=None) if _filled(above) else look).over(styles.usual)
        if kind == "tbl":
            table = above.find(f"{_W}tblPr")
            if look.behind is None and styles.shades(_value(table, "tblStyle")):
                look = replace(look, text=None)
            look = look.over(_look(table))
        else:
            own = above.find(f"{_W}{kind}Pr")
            look = look.over(_look(own)).over(styles.look(_value(own, "pStyle")))
    background = root.find(f"{_W}background")
    page = None if background is None else colour(background.get(f"{_W}color"))
    return look.over(styles.usual).over(_Look(behind=page))


def _filled(box: etree._Element) -> bool:
    shape = next(
        (each for each in box.iterancestors() if etree.QName(each).localname in {"wsp", "shape", "rect"}), None
    )
    if shape is None:
        return False
    fills = [f"{{*}}{name}" for name in ("solidFill", "gradFill", "blipFill", "fillRef", "fill")]
    around = (each for each in shape if each is not box.getparent())
    return "fillcolor" in shape.attrib or any(True for each in around for _ in each.iter(*fills))


def _look(properties: etree._Element | None) -> _Look:
    """Of ``w:rPr``, or the shading of ``w:pPr``, ``w:tcPr`` and ``w:tblPr``."""
    if properties is None:
        return _Look()
    size = _value(properties, "sz")
    switches = [properties.find(f"{_W}{name}") for name in ("vanish", "webHidden", "specVanish")]
    said = [switch.get(f"{_W}val", "1").lower() not in _OFF for switch in switches if switch is not None]
    return _Look(
        hidden=any(said) if said else None,
        text=colour(_value(properties, "color")),
        behind=colour(_value(properties, "highlight")) or _shade(properties.find(f"{_W}shd")),
        half_points=int(size) if size and size.isdigit() else None,
    )


def _shade(shading: etree._Element | None) -> Colour | None:
    return None if shading is None else colour(shading.get(f"{_W}fill"))


def _value(properties: etree._Element | None, name: str) -> str | None:
    """The ``w:val`` of an element."""
    found = None if properties is None else properties.find(f"{_W}{name}")
    return None if found is None else found.get(f"{_W}val")
