"""The page and the picture of the benchmarks, from given figures."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks import book
from tests.benchmarks.line import Bar, Book, Check, Entry, Line, shown
from tests.benchmarks.page import page, rows
from tests.benchmarks.picture import WIDTH, picture

SVG = "{http://www.w3.org/2000/svg}"
MET = Check("half & half", 4.0, 5.0, "ms")
MISSED = Check("drain", 0.75, 1.5, "×", at_least=True)
TOLD = Check("beside it", 1_234.5, None, "jobs/s")
FIGURES = Book(
    machine={"processor": "Abacus", "cores": "2", "memory": "4.0 GiB", "kernel": "Linux 6"},
    versions={"Python": "3.11.7"},
    entries={
        "life": Entry(
            Line(
                name="life",
                what="The life of a job",
                method="With care.",
                checks=[MISSED, TOLD, MET],
                figures={"runs": [1.0, 2.0], "nested": {"none": None}},
                commands=["worker <now>"],
                bars=[Bar("ours", 750.0, ours=True), Bar("<theirs>", 1_000.0)],
            ),
            at="2026-01-02 03:04 UTC",
            seconds=12.3,
            persistence="everysec",
            quick=True,
        )
    },
)


def test_a_row_tells_the_bar_what_was_measured_and_how_far_off_it_is() -> None:
    assert rows(FIGURES.entries["life"]) == [
        "| `life` | drain | ≥ 1.50 × | 0.75 × | **missed** by 50% |",
        "|  | beside it | none | 1,234 jobs/s |  |",
        "|  | half & half | ≤ 5 ms | 4 ms | met by 20% |",
    ]


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (Check("", 0, 0, ""), "met"),
        (Check("", 3, 0, "keys"), "**missed** by 3"),
        (Check("", 5.0, 5.0, ""), "met by 0%"),
        (Check("", 10.0, 5.0, ""), "**missed** by 100%"),
        (Check("", 3.0, 1.5, "", at_least=True), "met by 100%"),
        (TOLD, ""),
    ],
)
def test_verdicts(check: Check, verdict: str) -> None:
    assert check.verdict == verdict


def test_a_line_is_met_where_all_its_bars_are() -> None:
    line = FIGURES.entries["life"].line
    assert not line.met
    assert Line("x", "", "", [MET, TOLD], {}).met


def test_the_page_names_machine_versions_methods_and_commands() -> None:
    text = page(FIGURES)
    for part in ("Abacus, 2 cores", "Python 3.11.7", "### life", "With care.", "worker <now>", "QUICK=1", "everysec"):
        assert part in text
    assert "\n\n\n" not in text


def test_the_picture_is_xml_with_a_white_ground_and_a_bar_for_each() -> None:
    root = ElementTree.fromstring(picture(FIGURES))
    ground, *bars = root.findall(f"{SVG}rect")
    assert (ground.get("fill"), ground.get("width")) == ("#ffffff", str(WIDTH))
    # Two contenders; a track and a bar for each of the two figures that have a bar to meet.
    assert len(bars) == 2 + 2 * 2
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert "<theirs>" in words
    assert "half & half" in words
    assert not any("beside it" in (text or "") for text in words)


def test_an_empty_book_has_a_page_and_a_picture_too() -> None:
    assert "# Benchmarks" in page(Book())
    ElementTree.fromstring(picture(Book()))


def test_figures_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    assert book.read(tmp_path) == Book()
    book.write(tmp_path, FIGURES)
    assert book.read(tmp_path) == FIGURES
    assert (tmp_path / "benchmarks.md").read_text() == page(FIGURES)


def test_numbers_have_the_digits_they_deserve() -> None:
    assert [shown(number) for number in (0, 0.123, 1.5, 12.34, 123.4, 12_345.6)] == [
        "0", "0.12", "1.50", "12.3", "123", "12,346",
    ]  # fmt: skip
