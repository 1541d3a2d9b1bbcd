"""OpenDocument texts. What is hidden in them is taken out before pandoc reads them."""

from collections.abc import Iterable

from lxml import etree

from shared.reading.formats.archives import entry, opened, parsed, repacked, written
from shared.reading.formats.colours import WHITE, alike, colour
from shared.reading.formats.content import HIDDEN_TEXT, Content, UnreadableError
from shared.reading.formats.converting import converted
from shared.reading.formats.described import described

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_MANIFEST = "META-INF/manifest.xml"
_SMALLEST_POINTS = 1.0
_MOST_STYLES_ABOVE = 20
_STYLED = (f"{_TEXT}span", f"{_TEXT}p", f"{_TEXT}h", f"{_TEXT}section", f"{_TABLE}table-cell", f"{_TABLE}table")
_ALWAYS_HIDDEN = {f"{_TEXT}hidden-text", f"{_TEXT}hidden-paragraph", f"{_TEXT}tracked-changes"}


def read_odt(raw: bytes) -> Content:
    """Raises UnreadableError."""
    archive = opened(raw)
    if _MANIFEST in archive.NameToInfo and b"encryption-data" in archive.read(_MANIFEST):
        reason = "the file is encrypted; send it without a password"
        raise UnreadableError(reason)
    root = parsed(archive.read("content.xml"))
    shared = entry(archive, "styles.xml")
    warnings = [HIDDEN_TEXT] if _strip(root, _Styles(each for each in (shared, root) if each is not None)) else []
    changed = {"content.xml": written(root)}
    return described(archive, "meta.xml", converted("odt", repacked(archive, changed)), warnings)


class _Styles:
    """Properties by the name of a style, each with those of its parents."""

    def __init__(self, roots: Iterable[etree._Element]) -> None:
        self._elements = {
            style.get(f"{_STYLE}name", ""): style for root in roots for style in root.iter(f"{_STYLE}style")
        }

    def properties(self, name: str | None) -> dict[str, str]:
        """By their names without a name space."""
        found: dict[str, str] = {}
        for _ in range(_MOST_STYLES_ABOVE):
            style = self._elements.get(name or "")
            if style is None:
                break
            for group in style.iter(f"{_STYLE}*"):
                for key, value in group.attrib.items():
                    found.setdefault(etree.QName(key).localname, value)
            name = style.get(f"{_STYLE}parent-style-name")
        return found


def _strip(root: etree._Element, styles: _Styles) -> bool:
    """Take out what nobody sees; whether there was any text in it."""
    unseen = [element for element in root.iter(*_STYLED) if _unseen(element, styles)]
    found = False
    for element in (*unseen, *root.iter(*_ALWAYS_HIDDEN)):
        found = found or bool("".join(element.itertext()).strip())
        element.text = None
        del element[:]
    return found


def _unseen(element: etree._Element, styles: _Styles) -> bool:
    own = styles.properties(_style_name(element))
    if "none" in {own.get("display"), element.get(f"{_TEXT}display")}:
        return True
    size = own.get("font-size", "")
    if size.endswith("pt") and _number(size.removesuffix("pt")) <= _SMALLEST_POINTS:
        return True
    text = colour(own.get("color"))
    return text is not None and alike(text, _behind(element, styles))


def _behind(element: etree._Element, styles: _Styles) -> tuple[int, int, int]:
    for each in (element, *element.iterancestors(*_STYLED)):
        background = colour(styles.properties(_style_name(each)).get("background-color"))
        if background is not None:
            return background
    return WHITE


def _style_name(element: etree._Element) -> str | None:
    name: str | None = element.get(f"{_TEXT}style-name") or element.get(f"{_TABLE}style-name")
    return name


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
