"""A file that cannot be read says why, and harms no other."""

import pytest

from shared.evidence.parts import ReadFile
from shared.reading.reading import MOST_CHARACTERS, read_file
from tests.support.made_files import (
    archive,
    changed,
    context_file,
    docx,
    drawn_pdf,
    encrypted_pdf,
    entries,
    paragraph,
    run,
    written,
)

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "the file is encrypted; send it without a password"
TOO_MUCH = "the file unpacks to more than is allowed"
GOOD = docx(paragraph(run("Bees hum.")))


def read(raw: bytes, name: str = "a.docx") -> ReadFile:
    return read_file(context_file(name, raw))


def reason(raw: bytes, name: str = "a.docx") -> str:
    file = read(raw, name)
    assert (file.parts, file.name) == ((), name)
    return file.unreadable


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (encrypted_pdf(), "the PDF is encrypted; send it without a password"),
        (drawn_pdf("1 0 0 rg 10 10 100 100 re f"), "the PDF holds no text, only pictures"),
        (drawn_pdf(*[""] * 2_001), "the PDF has more than 2000 pages"),
        (b"%PDF-1.7 and nothing else", "the PDF is damaged"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), ENCRYPTED),
        (OLE + b"\0" * 600, "old Office formats are not read; save it as .docx"),
        (b"{\\rtf1 Bees}", "RTF files are not read; save it as .docx"),
        (archive({"a.txt": "Bees"}), "ZIP archives are not read; send the files that are in it"),
        (archive({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
         "of the OpenDocument formats only texts (.odt) are read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "image/png files are not read"),
        (b"", "the file holds no text"),
        (b" \n\t ", "the file holds no text"),
        ("\u200b\ufeff".encode(), "the file holds no text"),
        (b"<html><script>x()</script></html>", "the file holds no text"),
        (b"\x00\x01\x02\x03", "no text in UTF-8, UTF-16, GB 18030 or Windows-1252"),
        (b"\x81\x8d\x8f\x90\x9d bees", "no text in UTF-8, UTF-16, GB 18030 or Windows-1252"),
    ],
)  # fmt: skip
def test_what_is_not_read(raw: bytes, why: str) -> None:
    assert reason(raw) == why


@pytest.mark.parametrize("form", ["docx", "pptx", "odt", "epub"])
def test_an_empty_document(form: str) -> None:
    made = written(form, "")
    assert reason(made) == "the file holds no text" or read(made).text.strip("\u00a0 ")


def test_locked_books_and_texts() -> None:
    locks = {"META-INF/encryption.xml": '<e Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'}
    assert reason(archive({**entries(written("epub", "# A\n\nb")), **locks})) == ENCRYPTED

    text = changed(
        written("odt", "b"),
        "META-INF/manifest.xml",
        "</manifest:manifest>",
        "<e:encryption-data xmlns:e='e'/></manifest:manifest>",
    )
    assert reason(text) == ENCRYPTED


def test_an_archive_with_a_password() -> None:
    # The flag of the first entry, in its own header and in the directory.
    locked = bytearray(GOOD)
    locked[6] |= 1
    locked[GOOD.index(b"PK\x01\x02") + 8] |= 1
    assert reason(bytes(locked)) == ENCRYPTED


@pytest.mark.parametrize(
    "evil",
    [
        {"word/media/a.xml": b" " * 201_000_000},
        {"word/media/a.xml": b" " * 11_000_000},
        {f"word/{number}.xml": "" for number in range(5_001)},
        {"../../etc/passwd": "x"},
        {"/etc/passwd": "x"},
    ],
    ids=["size", "ratio", "entries", "above", "absolute"],
)
def test_archives_that_unpack_to_more_than_is_allowed(evil: dict[str, str | bytes]) -> None:
    assert reason(archive({**entries(GOOD), **evil})) == TOO_MUCH


def test_an_archive_that_breaks_off() -> None:
    assert reason(GOOD[: len(GOOD) // 2]) == "the file is damaged: its ZIP directory cannot be read"


def test_an_entry_that_is_not_what_its_checksum_says() -> None:
    packed = archive({**entries(GOOD), "word/document.xml": "x" * 100})
    spoilt = packed.replace(packed[packed.index(b"word/document.xml") + 17 :][:6], b"\x00" * 6, 1)
    assert reason(spoilt).startswith("the file is damaged")


@pytest.mark.parametrize("form", ["docx", "pptx", "odt", "epub"])
@pytest.mark.parametrize("content", [b"no XML", b"<a><b></a>", b""])
def test_parts_that_are_no_xml(form: str, content: bytes) -> None:
    spoilt = {
        name: content if name.endswith((".xml", ".xhtml")) else raw for name, raw in entries(written(form, "x")).items()
    }
    assert reason(archive(spoilt)).startswith("the file is damaged")


def test_parts_that_are_not_there() -> None:
    assert "damaged" in reason(archive({"xl/workbook.xml": "<workbook/>", "xl/_rels/workbook.xml.rels": "<"}))
    assert reason(archive({"mimetype": "application/epub+zip"})).startswith("the file is damaged")
    assert reason(archive({"mimetype": "application/vnd.oasis.opendocument.text"})).startswith("the file is damaged")


def test_entities_are_not_multiplied() -> None:
    laughs = "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
    bomb = changed(GOOD, "word/document.xml", "<w:document", f'<!DOCTYPE x [<!ENTITY a "ha">{laughs}]><w:document')
    assert "ha" not in read(changed(bomb, "word/document.xml", "Bees", "&j;")).text


def test_entities_do_not_fetch_files() -> None:
    outside = changed(
        GOOD, "word/document.xml", "<w:document", '<!DOCTYPE x [<!ENTITY a SYSTEM "/etc/passwd">]><w:document'
    )
    assert "root:" not in read(changed(outside, "word/document.xml", "Bees", "&a;")).text


def test_more_text_than_is_allowed() -> None:
    assert reason(b"bees " * (MOST_CHARACTERS // 5 + 1), "a.txt") == (
        "the file holds more text than is allowed (20,000,000 characters)"
    )


def test_a_single_line_of_ten_megabytes_is_read() -> None:
    assert len(read(b"bees " * 2_000_000, "a.txt").text) == 10_000_000
