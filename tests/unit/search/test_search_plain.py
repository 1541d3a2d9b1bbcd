"""What providers send, brought into one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.document import Author
from shared.search.plain import abstract_text, author_of, date_of, iso_date, plain_text


@pytest.mark.parametrize(
    ("marked_up", "plain"),
    [
        ("  plain\n text ", "plain text"),
        ("a < b and c > d & e", "a < b and c > d & e"),
        ("<strong>Bees</strong> don&#x27;t&nbsp;sleep", "Bees don't sleep"),
        ("H<sub>2</sub>O<br>and<p>more</p>", "H2O and more"),
        ("<p>x<script>bad()</script>y<style>p{}</style></p>", "xy"),
        ("<!-- hidden -->", ""),
        ("<mml:math><mml:mi>x</mml:mi></mml:math><tex-math>$$x$$</tex-math>", "x"),
        ("&amp;lt;", "&lt;"),
        ("", ""),
    ],
)
def test_plain_text(marked_up: str, plain: str) -> None:
    assert plain_text(marked_up) == plain


def test_an_abstract_without_its_heading() -> None:
    assert abstract_text("<jats:title>Abstract</jats:title><jats:p>Abstract bees.</jats:p>") == "Abstract bees."
    assert abstract_text("<title>摘要：</title><p>蜜蜂</p>") == "蜜蜂"
    sections = "<jats:sec><jats:title>Background</jats:title><jats:p>Bees.</jats:p></jats:sec>"
    assert abstract_text(sections) == "Background Bees."
    assert abstract_text("Summary statistics of bees") == "Summary statistics of bees"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-01-05T00:00:00Z", "2024-01-05"), ("2024-1-5", "2024-01-05"), ("2024-01", "2024-01"), ("2024", "2024"),
        ("2024/02/03 11:00", "2024-02-03"), ("Tue, 05 Mar 2024 10:00:00 GMT", "2024-03-05"), ("2024-13-01", "2024"),
        ("2024-02-31", "2024-02"), ("3 days ago", ""), ("20240105", ""), ("0000-00-00", ""), ("", ""), ("٢٠٢٤", ""),
    ],
)  # fmt: skip
def test_dates(text: str, iso: str) -> None:
    assert iso_date(text) == iso


def test_dates_in_parts() -> None:
    assert [date_of(parts) for parts in ([2019, 3, 4], [2019, 3], [2019], [], [0], [2019, 0, 1])] == [
        "2019-03-04", "2019-03", "2019", "", "", "2019",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("Ashish Vaswani", Author(family="Vaswani", given="Ashish")),
        ("Vaswani, Ashish", Author(family="Vaswani", given="Ashish")),
        ("Ludwig van Beethoven", Author(family="van Beethoven", given="Ludwig")),
        ("Martin Luther King Jr.", Author(family="King Jr.", given="Martin Luther")),
        ("The ATLAS Collaboration", Author(literal="The ATLAS Collaboration")),
        ("Google, Inc.", Author(literal="Google, Inc.")),
        ("OpenAI", Author(literal="OpenAI")),
        ("王小明", Author(literal="王小明")),
        ("  ", None),
        (" , ", None),
    ],
)
def test_authors(name: str, author: Author | None) -> None:
    assert author_of(name) == author


@given(st.text("<>&;/!-# abcjats:p\"'=\n0蜜", max_size=60))
def test_any_markup_becomes_text(text: str) -> None:
    assert plain_text(text) == " ".join(plain_text(text).split())
    abstract_text(text)


@given(st.text(max_size=40))
def test_any_text_may_stand_for_a_date_or_a_name(text: str) -> None:
    assert iso_date(text) == "" or iso_date(text)[:4].isdigit()
    author_of(text)


@given(st.text("0123456789,: -+MonTueJanGMT", max_size=40))
def test_odd_dates_of_mails(text: str) -> None:
    iso_date(text)
