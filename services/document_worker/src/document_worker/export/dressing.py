"""Styles, fonts, page and footer of a DOCX file: pandoc's own are replaced in what it wrote."""

import io
import zipfile
from datetime import datetime
from importlib.resources import files
from string import Template

from lxml import etree

from document_worker.export.manuscript import Manuscript
from shared.language.text import is_han

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_FOOTER = "rIdFooter"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
_SIZES = (32, 27, 24, 22, 22, 22)
"""Half points, by level of heading."""
_EARLIEST_YEAR = 1980
"""Of a date in a zip archive."""


def dress(docx: bytes, manuscript: Manuscript, made_at: datetime) -> bytes:
    """The file in our styles; the same for the same input."""
    with zipfile.ZipFile(io.BytesIO(docx)) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    parts["word/styles.xml"] = _restyled(parts["word/styles.xml"], manuscript)
    parts["word/fontTable.xml"] = _template("word-fonts.xml").encode()
    parts["word/footer1.xml"] = _template("word-footer.xml").encode()
    parts["word/document.xml"] = _paged(parts["word/document.xml"], manuscript)
    parts["word/_rels/document.xml.rels"] = _with_child(
        parts["word/_rels/document.xml.rels"],
        f"{{{_PACKAGE}/relationships}}Relationship",
        {"Id": _FOOTER, "Type": f"{_R}/footer", "Target": "footer1.xml"},
    )
    parts["[Content_Types].xml"] = _with_child(
        parts["[Content_Types].xml"],
        f"{{{_PACKAGE}/content-types}}Override",
        {
            "PartName": "/word/footer1.xml",
            "ContentType": "application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml",
        },
    )
    parts["docProps/core.xml"] = _dated(parts["docProps/core.xml"], made_at)
    return _packed(parts, made_at)


def _template(name: str) -> str:
    return (files("document_worker.export") / "templates" / name).read_text()


def _restyled(styles: bytes, manuscript: Manuscript) -> bytes:
    theirs = etree.fromstring(styles, _PARSER)
    ours = etree.fromstring(_styles(manuscript).encode(), _PARSER)
    by_id = {style.get(f"{{{_W}}}styleId"): style for style in theirs.iterfind(f"{{{_W}}}style")}
    for element in ours:
        identifier = element.get(f"{{{_W}}}styleId")
        replaced = by_id.get(identifier) if identifier else theirs.find(f"{{{_W}}}docDefaults")
        if replaced is None:
            theirs.append(element)
        else:
            theirs.replace(replaced, element)
    return _written(theirs)


def _styles(manuscript: Manuscript) -> str:
    chinese = is_han(manuscript.language)
    return Template(_template("word-styles.xml")).substitute(
        # Word breaks Latin words anywhere where their language is said to be Chinese.
        language="en-US" if chinese else manuscript.language,
        hint=' w:hint="eastAsia"' if chinese else "",
        indent='<w:ind w:firstLineChars="200" w:firstLine="440"/>' if chinese else "",
        line="320" if chinese else "288",
        title_space="4200" if manuscript.has_title_page else "0",
        title_size="52" if manuscript.has_title_page else "40",
        headings="".join(map(_heading_style, range(1, len(_SIZES) + 1))),
        contents="".join(map(_contents_style, range(1, 4))),
    )


def _heading_style(level: int) -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/>'
        '<w:basedOn w:val="Normal"/><w:next w:val="BodyText"/><w:qFormat/>'
        f'<w:pPr><w:keepNext/><w:keepLines/><w:spacing w:before="{400 - 40 * level}" w:after="120" w:line="264" '
        f'w:lineRule="auto"/><w:outlineLvl w:val="{level - 1}"/></w:pPr>'
        '<w:rPr><w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:eastAsia="Noto Sans SC" w:cs="Arial"/><w:b/>'
        f'<w:sz w:val="{_SIZES[level - 1]}"/></w:rPr></w:style>'
    )


def _contents_style(level: int) -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="TOC{level}"><w:name w:val="toc {level}"/><w:basedOn w:val="Normal"/>'
        '<w:pPr><w:tabs><w:tab w:val="right" w:leader="dot" w:pos="9070"/></w:tabs>'
        f'<w:spacing w:before="{80 if level == 1 else 0}" w:after="40" w:line="264" w:lineRule="auto"/>'
        f'<w:ind w:left="{(level - 1) * 330}" w:right="560"/></w:pPr></w:style>'
    )


def _paged(document: bytes, manuscript: Manuscript) -> bytes:
    root = etree.fromstring(document, _PARSER)
    last = root.find(f"{{{_W}}}body/{{{_W}}}sectPr")
    start = '<w:pgNumType w:start="1"/>' if manuscript.has_title_page else ""
    ours = etree.fromstring(
        f'<w:sectPr xmlns:w="{_W}" xmlns:r="{_R}"><w:footerReference w:type="default" r:id="{_FOOTER}"/>'
        '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1418" w:right="1418" w:bottom="1531" w:left="1418" '
        f'w:header="709" w:footer="709" w:gutter="0"/>{start}</w:sectPr>',
        _PARSER,
    )
    last.getparent().replace(last, ours)
    for row in root.iter(f"{{{_W}}}tr"):
        _keep_whole(row)
    return _written(root)


def _keep_whole(row: etree._Element) -> None:
    properties = row.find(f"{{{_W}}}trPr")
    if properties is None:
        properties = etree.Element(f"{{{_W}}}trPr")
        row.insert(0, properties)
    properties.insert(0, etree.Element(f"{{{_W}}}cantSplit"))


def _with_child(part: bytes, tag: str, values: dict[str, str]) -> bytes:
    root = etree.fromstring(part, _PARSER)
    etree.SubElement(root, tag, values)
    return _written(root)


def _dated(core: bytes, made_at: datetime) -> bytes:
    root = etree.fromstring(core, _PARSER)
    for name in ("created", "modified"):
        for element in root.iterfind(f"{{http://purl.org/dc/terms/}}{name}"):
            element.text = f"{made_at:%Y-%m-%dT%H:%M:%SZ}"
    return _written(root)


def _written(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def _packed(parts: dict[str, bytes], made_at: datetime) -> bytes:
    packed = io.BytesIO()
    stamp = (max(made_at.year, _EARLIEST_YEAR), *made_at.timetuple()[1:6])
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, stamp), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
