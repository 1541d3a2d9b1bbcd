"""Context files of every format: their text, where it stands, and what they say of themselves."""

import pytest

from shared.evidence.parts import Part, ReadFile
from shared.reading.files import FileReader
from shared.reading.reading import read_file
from shared.sandbox import Sandbox
from tests.support.made_files import (
    cells,
    changed,
    context_file,
    docx,
    drawn_pdf,
    paragraph,
    pdf,
    run,
    written,
    xlsx,
)

MARKDOWN = """---
title: Bees / 蜜蜂
author: [Ann Lee, 李明]
date: 2024-03-01
---

# Intro

Bees hum[^1]. A [link](http://example.com) and $5.

[^1]: Not all of them.

## 数据

| hive | bees |
|------|------|
| A    | 60   |

- one
- two

蜜蜂采蜜。

# Methods

We count.
"""
PDF = r"""
#set page(width: 420pt, height: 300pt)
#set document(title: "Hive report", author: ("Ann Lee", "Li Ming"), date: datetime(year: 2024, month: 3, day: 1))
#set par(justify: true)
Bees carry nectar home, and in the hive it is fanned with the wings until most of its water has gone; what is left
is honey, which keeps for years.

A second paragraph.
#pagebreak()
蜜蜂采集花蜜，把它带回蜂巢，在那里扇动翅膀，直到大部分水分蒸发，剩下的就是可以保存多年的蜂蜜，一只工蜂一生只酿十二分之一茶匙。

六万只蜜蜂。
"""


def read(name: str, raw: bytes, media_type: str | None = None) -> ReadFile:
    return read_file(context_file(name, raw, media_type))


@pytest.mark.parametrize("form", ["docx", "odt", "epub"])
def test_documents_of_office_programs(form: str) -> None:
    file = read(f"bees.{form}", written(form, MARKDOWN))

    assert (file.title, file.authors, file.warnings) == ("Bees / 蜜蜂", ("Ann Lee", "李明"), ())
    # What stands before the first heading is the title page, if anything.
    assert [part for part in file.parts if part.heading] == [
        Part("Bees hum (Not all of them.). A link and $5.", heading="Intro"),
        Part("hive | bees\nA | 60\n\n- one\n- two\n\n蜜蜂采蜜。", heading="Intro > 数据"),
        Part("We count.", heading="Methods"),
    ]


def test_the_date_of_a_book() -> None:
    assert read("bees.epub", written("epub", MARKDOWN)).issued == "2024-03-01"


def test_slides_have_numbers() -> None:
    file = read("bees.pptx", written("pptx", MARKDOWN))

    assert file.media_type.endswith("presentation")
    assert [(part.page, part.heading) for part in file.parts] == [
        (1, "Bees / 蜜蜂"), (2, "Intro"), (3, ""), (4, "Methods"), (5, "Notes"),
    ]  # fmt: skip
    assert "hive | bees" in file.text


def test_a_workbook_as_its_reader_sees_it() -> None:
    styles = '<fonts><font/></fonts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    numbers = (
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>蜂箱</t></is></c><c r="C1"><v>30</v></c>'
        '<c r="D1"><v>0.10000000000000001</v></c><c r="E1" s="1"><v>45352</v></c><c r="F1" t="b"><v>1</v></c></row>'
        '<row r="2"/><row r="3"><c r="A3" t="str"><f>A1</f><v>made</v></c></row></sheetData>'
    )

    file = read("bees.xlsx", xlsx({"Hives": numbers, "Notes": cells([["Bees hum."]])}, styles=styles))

    assert file.parts == (
        Part("蜂箱 |  | 30 | 0.1 | 2024-03-01 | TRUE\nmade", heading="Hives"),
        Part("Bees hum.", heading="Notes"),
    )


def test_pages_of_a_pdf_and_its_paragraphs() -> None:
    file = read("bees.pdf", pdf(PDF))

    assert file.parts[0].text == (
        "Bees carry nectar home, and in the hive it is fanned with the wings until most of its water has gone; what is "
        "left is honey, which keeps for years.\n\nA second paragraph."
    )
    assert file.parts[1].text.split("\n\n") == PDF.strip().split("\n")[-3::2]
    assert [part.page for part in file.parts] == [1, 2]
    assert (file.title, file.authors, file.issued) == ("Hive report", ("Ann Lee", "Li Ming"), "2024-03-01")


def test_html_as_a_browser_shows_it() -> None:
    page = """<!doctype html><html lang="en"><head><title> Bees &amp; honey </title>
    <meta name="author" content="Ann Lee"><meta property="article:published_time" content="2024-03-01T10:00:00Z">
    </head><body><nav>Home</nav><h1>Bees</h1><p>They <b>hum</b>.<h2>Data</h2><table><tr><th>hive<th>bees
    <tr><td>A<td>60</table><ul><li>one<li>two</ul><details><summary>More</summary>Open.</details></body></html>"""

    file = read("page", page.encode())

    assert (file.media_type, file.title, file.authors, file.issued) == (
        "text/html", "Bees & honey", ("Ann Lee",), "2024-03-01",
    )  # fmt: skip
    assert file.parts[1:] == (
        Part("They hum.", heading="Bees"),
        Part("hive | bees\nA | 60\n\n- one\n- two\n\nMore\n\nOpen.", heading="Bees > Data"),
    )


def test_a_page_in_an_encoding_that_it_names() -> None:
    page = '<html><meta charset="big5"><p>蜜蜂採集花蜜釀成蜂蜜</p></html>'
    assert read("page.html", page.encode("big5")).text == "蜜蜂採集花蜜釀成蜂蜜"


def test_markdown_stays_as_it_is_written() -> None:
    file = read("bees.md", MARKDOWN.encode())

    assert (file.title, file.authors, file.issued) == ("Bees / 蜜蜂", ("Ann Lee", "李明"), "2024-03-01")
    assert [part.heading for part in file.parts] == ["Intro", "Intro > 数据", "Methods"]
    assert "A [link](http://example.com)" in file.text


def test_headings_of_markdown_in_all_their_ways() -> None:
    text = (
        "Top\n===\n\nOne\n---\n\na\n\n### Deep C# ###\n\n```\n# no heading\n```\n\n## Empty\n\n#hash\n\n---\n\n## Last"
    )

    assert read("a.md", text.encode()).parts == (
        Part("a", heading="Top > One"),
        Part("```\n# no heading\n```", heading="Top > One > Deep C#"),
        Part("#hash\n\n---", heading="Top > Empty"),
        Part("Last", heading="Top > Last"),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_text_in_many_encodings(encoding: str) -> None:
    text = "蜜蜂 (bees) 采集花蜜，酿成蜂蜜。"
    assert read("a.txt", text.encode(encoding)).text == text


def test_text_in_windows_1252() -> None:
    assert read("a.txt", "Die Universität Köln – schön.".encode("cp1252")).text == "Die Universität Köln – schön."


@pytest.mark.parametrize(
    ("name", "raw", "media_type"),
    [
        ("a.txt", drawn_pdf("BT /F 12 Tf 50 300 Td (Bees hum.) Tj ET"), "application/pdf"),
        ("a.pdf", b"Bees hum.", "text/plain"),
        ("a.pdf", docx(paragraph(run("Bees hum."))), "officedocument.wordprocessingml.document"),
        ("a.docx", xlsx({"S": cells([["Bees hum."]])}), "officedocument.spreadsheetml.sheet"),
        ("a.docx", b"<html><p>Bees hum.</p></html>", "text/html"),
        ("a.zip", written("epub", "# A\n\nBees hum."), "application/epub+zip"),
        ("a.csv", b"Bees hum.", "text/csv"),
    ],
)
def test_a_file_is_what_its_bytes_are(name: str, raw: bytes, media_type: str) -> None:
    file = read(name, raw, "image/png")

    assert file.media_type.endswith(media_type)
    assert "Bees hum." in file.text


def test_what_was_said_of_a_file_decides_between_kinds_of_text() -> None:
    assert read("notes", b"# A\n\nb", "text/markdown").parts == (Part("b", heading="A"),)
    assert read("notes", b"# A\n\nb", "text/plain").parts == (Part("# A\n\nb"),)


def test_invisible_characters_are_taken_out_of_every_text() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all")

    file = read("a.txt", f"Bees{hidden} h\u200bum\u202e.".encode())

    assert (file.text, file.warnings) == ("Bees hum.", ("invisible characters were left out",))
    assert read("a.txt", "a\u00adb".encode()).warnings == ()


def test_a_document_that_lacks_its_usual_parts() -> None:
    bare = changed(docx(paragraph(run("Bees hum."))), "word/styles.xml", "w:styles", "w:gone")
    assert read("a.docx", bare).text == "Bees hum."


async def test_all_of_them_in_one_child() -> None:
    files = [context_file(f"bees.{form}", written(form, MARKDOWN)) for form in ("docx", "pptx", "odt", "epub")]
    files += [context_file("bees.pdf", pdf(PDF)), context_file("bees.md", MARKDOWN.encode())]

    outcomes = await FileReader(Sandbox(1)).read(files)

    assert outcomes == [read_file(file) for file in files]
    assert [file.unreadable for file in outcomes] == [""] * 6
