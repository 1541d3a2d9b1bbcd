"""The PDF: its text, its pages, its fonts."""

import sys
from pathlib import Path

import pypdfium2
import pytest

from document_worker.export import Exporter, Fonts, check_fonts
from document_worker.export.render import _file_name
from shared.contracts.errors import CannotStartError, PermanentError
from shared.contracts.exports import ExportFormat
from shared.sandbox import Pandoc, Sandbox
from tests.unit.export.conftest import MADE_AT, Made, pages_of
from tests.unit.export.samples import chinese, english, of


async def test_an_english_document(made: Made) -> None:
    title, contents, *body = pages_of(await made(english(), ExportFormat.PDF))

    assert " ".join(title.split()) == (
        "Power from the tides: what a small estuary can expect 22 November 2026 1,224 words, 6 references"
    )
    assert contents.startswith("Contents")
    assert "2.1 The range of the tide" in contents.replace("\u2002", " ")
    assert len(body) == 3
    assert body[0].startswith("1 Why the question is asked again".replace("1 ", "1\u2002"))
    assert body[0].rstrip().endswith("1")
    for text in ("Closes the fairway", "def mean_power", "Surveys before 2000", "海洋技术学报", "[6]"):
        assert any(text in page for page in body)


async def test_a_chinese_document(made: Made) -> None:
    pages = pages_of(await made(chinese(), ExportFormat.PDF))

    whole = "".join("".join(pages).split())
    for text in (
        "2026年11月22日",
        "目录",
        "恢复水文联系",
        "汛期内外连通",
        "手册给出的渗漏系数",
        "韩梅梅,等.",
        "参考文献",
    ):
        assert text in whole


async def test_no_heading_ends_a_page(made: Made) -> None:
    for document in (english(), chinese()):
        for page in pages_of(await made(document, ExportFormat.PDF))[2:]:
            *_, last, _number = [line for line in page.splitlines() if line.strip()]
            assert not any(last.endswith(heading) for heading in ("asked again", "schemes", "mud", "边界", "比较"))


async def test_headings_are_bookmarks_and_the_title_is_set(made: Made) -> None:
    with pypdfium2.PdfDocument(await made(chinese(), ExportFormat.PDF)) as pdf:
        titles = [mark.get_title().replace("\u2002", " ") for mark in pdf.get_toc()]
        assert pdf.get_metadata_value("Title") == "长江中游小型湿地的修复：从“堵”到“疏”"

    assert titles[:3] == ["1 问题的由来", "2 萎缩的原因", "2.1 水文联系的中断"]


async def test_a_short_document_has_no_title_page(made: Made) -> None:
    (page,) = pages_of(await made(of("# A title\n\nA text."), ExportFormat.PDF))

    assert "A text." in page


async def test_the_same_document_gives_the_same_file(made: Made) -> None:
    assert await made(chinese(), ExportFormat.PDF) == await made(chinese(), ExportFormat.PDF)


async def test_pictures_that_no_font_has_are_left_out(made: Made) -> None:
    (page,) = pages_of(await made(of("Done ✅ 😀 with → and ① and $x😀^2$."), ExportFormat.PDF))

    assert "Done" in page
    assert "→ and ①" in page
    assert "😀" not in page


async def test_letters_that_no_font_has_are_an_error_with_their_script(made: Made) -> None:
    with pytest.raises(PermanentError, match=r"Hangul.*안") as raised:
        await made(of("안녕"), ExportFormat.PDF)

    assert raised.value.code == "export_font_missing"


async def test_without_chinese_fonts_nothing_is_left_out_in_silence(pandoc: Pandoc, tmp_path: Path) -> None:
    exporter = Exporter(Sandbox(1), pandoc, Fonts((tmp_path,)))

    with pytest.raises(PermanentError) as raised:
        await exporter.export(chinese(), ExportFormat.PDF, MADE_AT)

    assert raised.value.code == "export_font_missing"


async def test_without_typst_the_file_says_what_to_install(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(PermanentError, match=r"requirements/pdf\.txt.*make serve") as raised:
        await made(of("Bees."), ExportFormat.PDF)
    assert raised.value.code == "export_failed"
    # The worker starts all the same, whatever fonts there are.
    check_fonts(Fonts((tmp_path,)))


def test_fonts_are_checked_at_the_start(tmp_path: Path) -> None:
    check_fonts(Fonts.shipped())

    with pytest.raises(CannotStartError, match=r"Noto Serif SC, Noto Sans SC are missing.*pylopdf-fonts-zh-cn"):
        check_fonts(Fonts((tmp_path,)))


async def test_formulas_that_cannot_be_set_are_shown_as_typed(made: Made) -> None:
    deep = "$" + r"\frac{1}{" * 1000 + "x" + "}" * 1000 + "$"

    pages = pages_of(await made(of(f"Before {deep} after"), ExportFormat.PDF))

    assert "frac" in "".join(pages)
    assert "after" in "".join(pages)


@pytest.mark.parametrize(
    ("title", "name"),
    [("Tides: a/b?", "Tides a b.pdf"), ("潮汐", "潮汐.pdf"), ("...", "document.pdf"), ("a\x00\n\u202eb", "a b.pdf")],
)
def test_names_of_files(title: str, name: str) -> None:
    assert _file_name(title, ExportFormat.PDF) == name
