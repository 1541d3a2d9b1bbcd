"""HTML: what a browser would show of it, by tags, attributes, inline styles, and what the page's own style sheet says
of a tag, a class or an id. Colours count only where they are inline: who inherits one from a sheet is not worked out.
"""

import re

import lxml.html
from lxml import etree

from shared.reading.formats.colours import WHITE, alike, colour
from shared.reading.formats.content import HIDDEN_TEXT, Content, UnreadableError, iso_date, names, one_line
from shared.reading.formats.converting import converted
from shared.reading.formats.decoding import decoded

_NEVER_TEXT = (
    "script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "canvas", "video", "audio", "img",
    "select", "datalist", "input", "textarea", "button", "map",
)  # fmt: skip
_GONE = {
    "display": re.compile(r"none"),
    "visibility": re.compile(r"hidden|collapse"),
    "opacity": re.compile(r"0+%?|0?\.0\d*"),
    "font-size": re.compile(r"0+(?:\.0+)?[a-z%]*|0?\.0\d*[a-z%]*|(?:0?\.\d+|1)(?:px|pt)"),
    "left": re.compile(r"-\d{3,}.*"),
    "right": re.compile(r"-\d{3,}.*"),
    "top": re.compile(r"-\d{3,}.*"),
    "margin-left": re.compile(r"-\d{3,}.*"),
    "text-indent": re.compile(r"-\d{3,}.*"),
    "clip": re.compile(r"rect\((?:0(?:px)?[ ,]*){4}\)|rect\((?:1px[ ,]*){4}\)"),
    "clip-path": re.compile(r"inset\((?:50|100)%\).*"),
    "transform": re.compile(r"scale\(0*\.?0*\)"),
    "color": re.compile(r"transparent|rgba\(.*[,/]\s*0*\.?0*\s*\)"),
}
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CONDITIONAL = re.compile(r"@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIDES = ("height", "max-height", "width", "max-width")
_ZERO = re.compile(r"[01](?:px)?")
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{3,20})", re.IGNORECASE)
_CHARSETS = {"big5", "shift_jis", "euc-jp", "euc-kr", "koi8-r", "windows-1250", "windows-1251", "iso-8859-2"}
_PARSER = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
_DATES = ("article:published_time", "dc.date", "dcterms.created", "dc.date.issued", "citation_publication_date", "date")
_CHARACTERS_NOBODY_SENDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_html(raw: bytes) -> Content:
    """Raises UnreadableError."""
    text = _CHARACTERS_NOBODY_SENDS.sub("", _decoded(raw))
    root = _root(text.encode("utf-8", "replace"))
    meta = _meta(root)
    title = one_line(root.findtext(".//title") or meta.get("og:title") or meta.get("citation_title"))
    hidden = strip_hidden(root)
    return Content(
        converted("html", etree.tostring(root, method="html", encoding="utf-8", with_tail=False)),
        title=title,
        authors=names([meta.get(name) for name in ("author", "dc.creator", "citation_author")]),
        issued=next((date for date in (iso_date(meta.get(name)) for name in _DATES) if date), ""),
        warnings=(HIDDEN_TEXT,) if hidden else (),
    )


def strip_hidden(root: etree._Element) -> bool:
    """Take out what a browser does not show; whether text was among it that only hiding kept from being seen."""
    hiding = _hiding_selectors(" ".join(root.itertext("{*}style")))
    etree.strip_elements(root, *(f"{{*}}{tag}" for tag in _NEVER_TEXT), with_tail=False)
    unseen = [element for element in root.iter("*") if _hidden(element) or not hiding.isdisjoint(_selectors(element))]
    found = False
    for element in unseen:
        found = found or bool("".join(element.itertext()).strip())
        # Its tail is not in it.
        element.text = None
        del element[:]
    return found


def style_of(element: etree._Element) -> dict[str, str]:
    """The declarations of its ``style`` attribute, in lower case."""
    return _declarations(element.get("style") or "")


def _declarations(written: str) -> dict[str, str]:
    pairs = (declaration.partition(":") for declaration in written.lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs}


def _hiding_selectors(sheet: str) -> set[str]:
    """The selectors of a style sheet that name one tag, class or id and hide it on every screen."""
    rules = _RULE.findall(_CONDITIONAL.sub("", _CSS_COMMENT.sub("", sheet)))
    hiding = (selectors for selectors, declarations in rules if hides(_declarations(declarations)))
    # Pages hide themselves until their scripts have run.
    return {selector.strip() for selectors in hiding for selector in selectors.split(",")} - {"html", "body"}


def _selectors(element: etree._Element) -> set[str]:
    """The selectors that name this element by a single thing, or by its tag and one."""
    tag = etree.QName(element).localname
    named = [f".{name}" for name in (element.get("class") or "").split()]
    named += [f"#{element.get('id')}"] if element.get("id") else []
    return {tag, *named, *(f"{tag}{name}" for name in named)}


def hides(style: dict[str, str]) -> bool:
    """Whether these declarations alone keep text from being seen."""
    cut_off = style.get("overflow") == "hidden" and any(_ZERO.fullmatch(style.get(side, "")) for side in _SIDES)
    return cut_off or any(name in style and pattern.fullmatch(style[name]) for name, pattern in _GONE.items())


def _hidden(element: etree._Element) -> bool:
    attributes = element.attrib
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").lower() == "true":
        return True
    style = style_of(element)
    if hides(style):
        return True
    text = colour(style.get("color") or attributes.get("color"))
    return text is not None and alike(text, _behind(element))


def _behind(element: etree._Element) -> tuple[int, int, int]:
    """The nearest background that is set here or further out; white where none is."""
    for each in (element, *element.iterancestors()):
        style = style_of(each)
        background = style.get("background-color") or style.get("background") or each.get("bgcolor")
        if background:
            # A picture or a gradient cannot be told apart from the text.
            return colour(background.split(" ")[0]) or (128, 128, 128)
    return WHITE


def _decoded(raw: bytes) -> str:
    """By the page's own word where it names an encoding that is not among the usual ones."""
    named = _CHARSET.search(raw[:2048])
    charset = named[1].decode().lower() if named else ""
    return decoded(raw, (charset,) if charset in _CHARSETS else ())


def _root(raw: bytes) -> etree._Element:
    try:
        return lxml.html.document_fromstring(raw, parser=_PARSER)
    except etree.ParserError as error:
        reason = "the file holds no text"
        raise UnreadableError(reason) from error


def _meta(root: etree._Element) -> dict[str, str]:
    """The first content of each meta element, by its name in lower case."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("name") or element.get("property") or ""
        found.setdefault(name.lower(), element.get("content") or "")
    return found
