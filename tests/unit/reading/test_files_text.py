"""What readers of all formats share: lines to paragraphs, headings to parts, colours, names, dates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.evidence.parts import Part
from shared.reading.formats.colours import alike, colour
from shared.reading.formats.content import Heading, cut, iso_date, names
from shared.reading.formats.decoding import visible
from shared.reading.formats.lines import joined
from shared.reading.formats.plain import read_markdown

LINES = [
    "蜜蜂采集花蜜，把它带回蜂巢，在那里扇动翅膀，",
    "直到大部分水分蒸发。",
    "六万只蜜蜂住在一个蜂巢里，各有各的分工，没有",
]


def test_lines_of_print_become_paragraphs() -> None:
    latin = [
        "Bees carry nectar home and fan it with their wings un\x02",
        "til most of its water has gone, and then",
        "rest.",
    ]
    assert joined("\r\n".join(latin)) == f"{latin[0][:-1]}{latin[1]} {latin[2]}"
    assert joined("\r\n".join(LINES)) == f"{LINES[0]}{LINES[1]}\n\n{LINES[2]}"
    assert joined("- one thing that is long enough to fill it\n- two") == (
        "- one thing that is long enough to fill it\n\n- two"
    )
    assert joined("") == ""


@given(st.text(alphabet="ab 蜂。.-\n", max_size=300))
def test_joining_lines_keeps_every_word(text: str) -> None:
    assert "".join(joined(text).split()) == "".join(text.split())


@given(st.lists(st.sampled_from(["text", "", Heading(1, "A"), Heading(2, "B"), Heading(3, "C", 4)]), max_size=12))
def test_parts_are_the_lines_under_their_headings(pieces: list[Heading | str]) -> None:
    parts = cut(pieces)
    shown = [line for part in parts for line in part.text.split("\n") if line]
    bare = {"A", "B", "C"}
    assert [line for line in shown if line not in bare] == [piece for piece in pieces if piece == "text"]
    assert all(part.text.strip() for part in parts)


def test_a_heading_over_nothing_is_kept_but_one_over_others_is_not() -> None:
    pieces: list[Heading | str] = [Heading(1, "A"), Heading(2, "B"), "text", Heading(2, "C"), Heading(1, "D")]
    assert cut(pieces) == (Part("text", heading="A > B"), Part("C", heading="A > C"), Part("D", heading="D"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("#fff", (255, 255, 255)), ("FFFFFF", (255, 255, 255)), ("#11223344", (17, 34, 51)), ("White", (255, 255, 255)),
     ("rgb(1, 2,3)", (1, 2, 3)), ("rgba(300 2 3 / 50%)", (255, 2, 3)), ("auto", None), ("inherit", None), ("", None),
     (None, None), ("#12345", None)],
)  # fmt: skip
def test_colours(written: str | None, meant: tuple[int, int, int] | None) -> None:
    assert colour(written) == meant


def test_colours_that_cannot_be_told_apart() -> None:
    assert alike((255, 255, 255), (250, 250, 244))
    assert not alike((255, 255, 255), (255, 255, 0))


def test_names_and_dates() -> None:
    assert names(["Ann Lee; Bo Li", "李明、王芳", None, "Ann Lee"]) == ("Ann Lee", "Bo Li", "李明", "王芳")
    assert names(["Ann Lee, Bo Li"]) == ("Ann Lee", "Bo Li")
    assert names(["Lee, Ann"]) == ("Lee, Ann",)
    dates = ["D:20240301120000Z", "2024-03-01T10:00:00Z", "2024-03", "2024", "1 March 2024", "", None]
    assert [iso_date(date) for date in dates] == ["2024-03-01", "2024-03-01", "2024-03", "2024", "", "", ""]


def test_what_is_invisible_is_counted() -> None:
    assert visible("a\u200bb\u2067c\ud800\x07\r\nd\fe") == ("abc\nd\n\ne", 2)


@given(st.text(alphabet="#=-`~ <>!ab\n[]/:", max_size=200))
def test_any_markdown_is_read(text: str) -> None:
    parts = read_markdown(text.encode()).parts
    assert all(part.text.strip() for part in parts)
