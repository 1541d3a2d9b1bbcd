"""The document as DOCX: what pandoc writes, with a table of contents that is filled, and dressed in our own styles."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from document_worker.export.cleaning import anchor_of
from document_worker.export.dressing import dress
from document_worker.export.manuscript import Heading, Manuscript
from document_worker.export.nodes import Node, attributes, node, span, tree, words
from shared.sandbox import Pandoc

_OPENXML = "openxml"
_DEEPEST_LISTED = 3
_TAB = "<w:r><w:tab/></w:r>"
_PAGE = (
    '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1418" w:right="1418" w:bottom="1531" w:left="1418" '
    'w:header="709" w:footer="709" w:gutter="0"/>'
)
_END_OF_FRONT = f'<w:p><w:pPr><w:sectPr><w:type w:val="nextPage"/>{_PAGE}</w:sectPr></w:pPr></w:p>'

_RULE = node("RawBlock", [_OPENXML, (
    '<w:p><w:pPr><w:pBdr><w:bottom w:val="single" w:sz="4" w:space="1" w:color="AAAAAA"/></w:pBdr>'
    '<w:spacing w:before="60" w:after="240" w:line="240" w:lineRule="auto"/><w:ind w:left="2700" w:right="2700"/>'
    '</w:pPr></w:p>'
)])  # fmt: skip


async def to_docx(manuscript: Manuscript, made_at: datetime, pandoc: Pandoc) -> bytes:
    """The file; raises RenderingFailedError where pandoc cannot make it."""
    body = [_RULE if block["t"] == "HorizontalRule" else block for block in manuscript.blocks]
    blocks = [*_front(manuscript), *body, *_references(manuscript)]
    meta = {"title": manuscript.title, "subtitle": manuscript.facts, "date": manuscript.date}
    given = tree(blocks, {name: node("MetaInlines", words(text)) for name, text in meta.items() if text})
    made = await pandoc.convert("json", "docx", json.dumps(given).encode(), "--syntax-highlighting=none")
    return await asyncio.to_thread(dress, made, manuscript, made_at)


def _front(manuscript: Manuscript) -> list[Node]:
    """The table of contents, and the end of the section without page numbers that it shares with the title."""
    parts: list[str] = []
    if listed := [heading for heading in manuscript.listed if heading.level <= _DEEPEST_LISTED]:
        before = "<w:pageBreakBefore/>" if manuscript.has_title_page else ""
        title = escape(manuscript.contents_title)
        parts.append(f'<w:p><w:pPr><w:pStyle w:val="TOCHeading"/>{before}</w:pPr><w:r><w:t>{title}</w:t></w:r></w:p>')
        parts.extend(_contents(listed))
    if manuscript.has_title_page:
        parts.append(_END_OF_FRONT)
    return [node("RawBlock", [_OPENXML, "".join(parts)])] if parts else []


def _contents(listed: Sequence[Heading]) -> list[str]:
    """The field of a table of contents with its entries, so that it is not empty before it is updated."""
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> TOC \\o "1-{_DEEPEST_LISTED}" \\h \\z \\u </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    return [
        f'<w:p><w:pPr><w:pStyle w:val="TOC{heading.level}"/></w:pPr>{begin if position == 0 else ""}'
        f'<w:hyperlink w:anchor="{heading.anchor}" w:history="1">{_line(heading)}</w:hyperlink>'
        f"{end if position == len(listed) - 1 else ''}</w:p>"
        for position, heading in enumerate(listed)
    ]


def _line(heading: Heading) -> str:
    """Without a page number: only a word processor knows it, and none is better than a wrong one."""
    line = f"{heading.number} {heading.text}".strip()
    return f'<w:r><w:t xml:space="preserve">{escape(line)}</w:t></w:r>'


def _references(manuscript: Manuscript) -> list[Node]:
    heading = manuscript.references
    if not heading:
        return []
    entries = [
        node("Para", [
            span(anchor_of(entry.number), [], [node("Str", f"[{entry.number}]")]),
            node("RawInline", [_OPENXML, _TAB]),
            *entry.inlines,
        ])
        for entry in manuscript.entries
    ]  # fmt: skip
    return [
        node("Header", [heading.level, attributes(heading.anchor), words(heading.text)]),
        node("Div", [attributes("", custom_style="Bibliography"), entries]),
    ]
