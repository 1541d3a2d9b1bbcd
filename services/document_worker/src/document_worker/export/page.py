"""The document as one web page that needs nothing else."""

import json
from html import escape
from importlib.resources import files
from string import Template

import nh3

from document_worker.export.cleaning import anchor_of
from document_worker.export.manuscript import Heading, Manuscript
from document_worker.export.nodes import Node, attributes, link, node, span, tree, words
from shared.sandbox import Pandoc

_TEXT_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "nav", "ol", "p",
    "pre", "s", "section", "div", "span", "strong", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_FORMULA_TAGS = {
    "math", "menclose", "merror", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mroot",
    "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder",
    "munderover", "none", "mprescripts", "semantics",
}  # fmt: skip
_FORMULA_ATTRIBUTES = {
    "accent", "accentunder", "columnalign", "columnspacing", "depth", "display", "displaystyle", "fence", "form",
    "height", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "notation", "rowspacing", "rspace",
    "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width", "xmlns",
}  # fmt: skip
_CLASSES = {
    "a": {"footnote-ref", "footnote-back"},
    "div": {"reference", "references", "table"},
    "section": {"footnotes"},
    "span": {"citation", "number"},
}
_CLEANER = nh3.Cleaner(
    tags=_TEXT_TAGS | _FORMULA_TAGS,
    clean_content_tags={"script", "style", "annotation"},
    attributes={
        "*": {"id"},
        "a": {"href"},
        "ol": {"start", "type"},
        **dict.fromkeys(_FORMULA_TAGS, _FORMULA_ATTRIBUTES),
    },
    allowed_classes=_CLASSES,
    tag_attribute_values={
        tag: {"style": {f"text-align: {side};" for side in ("left", "center", "right")}} for tag in ("td", "th")
    },
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer",
)


async def to_page(manuscript: Manuscript, pandoc: Pandoc) -> bytes:
    """The page; raises RenderingFailedError where pandoc cannot make it."""
    blocks = [_scrolling(block) if block["t"] == "Table" else block for block in manuscript.blocks]
    given = json.dumps(tree([*blocks, *_references(manuscript)])).encode()
    body = await pandoc.convert(
        "json", "html5", given, "--mathml", "--wrap=none", "--syntax-highlighting=none", "--shift-heading-level-by=1"
    )
    contents = await _contents(manuscript, pandoc)
    template = Template((files("document_worker.export") / "templates" / "page.html").read_text())
    page = template.substitute(
        language=manuscript.language,
        title=escape(manuscript.title),
        date=escape(manuscript.date),
        facts=escape(manuscript.facts),
        navigation=f"<nav><h2>{manuscript.contents_title}</h2>\n{contents}</nav>" if contents else "",
        body=_CLEANER.clean(body.decode()),
    )
    return page.encode()


def _scrolling(table: Node) -> Node:
    """So that a table wider than a phone does not widen the page."""
    return node("Div", [attributes("", "table"), [table]])


def _references(manuscript: Manuscript) -> list[Node]:
    if not manuscript.references:
        return []
    heading = manuscript.references
    entries = [
        node(
            "Div",
            [
                attributes(anchor_of(entry.number), "reference"),
                [
                    node(
                        "Para",
                        [span("", ["number"], [node("Str", f"[{entry.number}]")]), node("Space"), *entry.inlines],
                    )
                ],
            ],
        )
        for entry in manuscript.entries
    ]
    return [
        node("Header", [heading.level, attributes(heading.anchor), words(heading.text)]),
        node("Div", [attributes("", "references"), entries]),
    ]


async def _contents(manuscript: Manuscript, pandoc: Pandoc) -> str:
    if not manuscript.listed:
        return ""
    given = json.dumps(tree(_nested(manuscript.listed, 1))).encode()
    return _CLEANER.clean((await pandoc.convert("json", "html5", given, "--wrap=none")).decode())


def _nested(headings: list[Heading], level: int) -> list[Node]:
    """The headings of a level as a list, each with those under it."""
    items: list[list[Node]] = []
    position = 0
    while position < len(headings):
        end = position + 1
        while end < len(headings) and headings[end].level > level:
            end += 1
        heading = headings[position]
        number = [span("", ["number"], [node("Str", heading.number)]), node("Space")] if heading.number else []
        line = node("Plain", [link(f"#{heading.anchor}", [*number, *words(heading.text)])])
        items.append([line, *_nested(headings[position + 1 : end], level + 1)])
        position = end
    return [node("BulletList", items)] if items else []
