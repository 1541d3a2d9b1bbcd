"""A document holds no address that was not given."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.checks.addresses import unlisted_addresses, without_foreign_addresses

ALLOWED = {"https://ok.example/a", "https://zh.example/wiki/蜂蜜", "http://ok.example/p_(q)"}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("See [the page](http://evil.example) now.", "See the page now."),
        ("See [the [inner] page](http://evil.example 'T').", "See the [inner] page."),
        ("![A chart](data:image/png;base64,x) shows.", "A chart shows."),
        ("[![alt](http://a.example)](http://b.example)", "alt"),
        ("Bare https://evil.example/x, and www.evil.example.", "Bare, and."),
        ("It says so (https://evil.example).", "It says so."),
        ("见https://evil.example/x。下一句。", "见。下一句。"),
        ("An <http://evil.example> autolink.", "An autolink."),
        ("A [text][1] and [1].\n\n[1]: http://evil.example 'T'\n", "A text and 1.\n\n"),
        ("<a href='http://evil.example'>x</a><img src=//e.example/p>y", "xy"),
        ("<script>fetch('x')</script>Text", "Text"),
        ("[x](javascript:alert((1)))", "x"),
        ("[x](\n http://evil.example\n)", "x"),
        ("https://ok.example/a.evil.example/", ""),
        ("- a\n  ```\n[x](http://evil.example)\n  ```\n", "- a\n  ```\nx\n  ```\n"),
    ],
)
def test_foreign_addresses_go_and_words_stay(text: str, clean: str) -> None:
    found, count = without_foreign_addresses(text, ALLOWED)
    assert found == clean
    assert count == len(unlisted_addresses(text, ALLOWED)) > 0


@pytest.mark.parametrize(
    "text",
    [
        "See [the page](https://ok.example/a) and https://ok.example/a, or (http://ok.example/p_(q)).",
        "见https://zh.example/wiki/蜂蜜。",
        "Up to [the top](#top), a[1], [@S7f3a] and [^1].\n\n[^1]: A note.\n",
        "Code `http://evil.example` and\n\n```\n[x](http://evil.example) <img>\n```\n",
        "[a][ok]\n\n[ok]: https://ok.example/a\n",
        "1 < 2 and 3 > 2.",
    ],
)
def test_what_is_allowed_or_code_stays(text: str) -> None:
    assert without_foreign_addresses(text, ALLOWED) == (text, 0)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("The class is an <<interface>>.", "The class is an «interface»."),
        ("Il dit <<oui>>.", "Il dit «oui»."),
        ("1 << 2 and 4 >> 1.", "1 << 2 and 4 >> 1."),
        ("`<<interface>>`", "`<<interface>>`"),
    ],
)
def test_a_quotation_in_ascii_is_no_tag(text: str, clean: str) -> None:
    """Without this ``<>`` was all that was left of it."""
    assert without_foreign_addresses(text, ALLOWED) == (clean, 0)


@pytest.mark.parametrize(
    "text", ["<<http://evil.example>>", "<<img src=//evil.example/x>>", "<<a href='//e.example'>>"]
)
def test_an_address_in_two_pairs_of_angles_goes(text: str) -> None:
    assert "example" not in without_foreign_addresses(text, ALLOWED)[0]


_PIECES = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "(",
            ")",
            "!",
            "<",
            ">",
            "http://",
            "https://evil.example/",
            "https://ok.example/a",
            "www.",
            "x",
            " ",
            ".",
            ":",
            "//",
            "ht",
            "tp",
            "\n",
            "\n\n",
            "[1]: ",
            "[1]",
            "`",
            "```\n",
            "<img ",
            "<a href=",
            "蜂蜜",
            "\\",
            "|",
            "- ",
        ]
    ),
    max_size=25,
).map("".join)


@given(_PIECES)
def test_no_foreign_address_is_left_and_again_changes_nothing(text: str) -> None:
    clean, _ = without_foreign_addresses(text, ALLOWED)
    assert without_foreign_addresses(clean, ALLOWED) == (clean, 0)
    prose = "" if "`" in clean else clean
    for allowed in sorted(ALLOWED, key=len, reverse=True):
        prose = prose.replace(allowed, "")
    assert not re.search(r"https?://", prose)
