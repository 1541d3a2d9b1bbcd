"""Only known keys are cited, and numbers agree with sources."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.document import Reference, Source
from shared.evidence.assembly import check_integrity
from shared.evidence.citations import Numbering, keep_known, numbers_in, without_keys

KEYS = {"Saaaaaa": "file-1", "Sbbbbbb": "file-2", "Scccccc": "file-1"}


def test_known_keys_stay_and_unknown_ones_go() -> None:
    checked = keep_known("True [@Saaaaaa]. Made up [@Sffffff]. Also [@Saaaaaa] so.", KEYS)
    assert checked.text == "True [@Saaaaaa]. Made up. Also [@Saaaaaa] so."
    assert (checked.cited, checked.unknown) == (["Saaaaaa", "Saaaaaa"], 1)


def test_invented_numbers_in_prose_are_no_citations() -> None:
    checked = keep_known("Bees fly [7]. Link [8](x), index a[9], note[^1], sweet[3], [1, 2], [1-3] 【4†source】.", KEYS)
    assert checked.text == r"Bees fly. Link [8](x), index a\[9\], note[^1], sweet,,."
    assert checked.unknown == 5


@pytest.mark.parametrize(
    "text",
    ["[@Saaaaaa; @Sbbbbbb]", "[@Saaaaaa, @Sbbbbbb]", "[@Saaaaaa;@Sbbbbbb, p. 3]", "【@Saaaaaa】【@Sbbbbbb】",
     "@Saaaaaa @Sbbbbbb", r"\[@Saaaaaa] [@Sbbbbbb]", "[see @Saaaaaa and @Sbbbbbb]"],
)  # fmt: skip
def test_every_way_of_citing_is_understood(text: str) -> None:
    checked = keep_known(f"So it is {text}.", KEYS)
    assert (checked.cited, checked.unknown) == (["Saaaaaa", "Sbbbbbb"], 0)
    assert Numbering(KEYS).apply(checked.text).replace(" [2]", "[2]") == "So it is [1][2]."


def test_addresses_and_handles_in_links_are_no_citations() -> None:
    text = "Write to [ann@example.com](mailto:x) or follow [@ann](https://example.com)."
    assert keep_known(text, KEYS).text == text


def test_code_is_left_alone() -> None:
    text = "See `x[1]` and `[@Sffffff]`.\n\n```\ny[2] = [@Sffffff] [3]\n```\n"
    assert keep_known(text, KEYS).text == text
    assert numbers_in(text) == set()


def test_sources_are_numbered_by_first_appearance_and_neighbours_merge() -> None:
    numbering = Numbering(KEYS)
    assert numbering.apply("B [@Sbbbbbb] then A [@Saaaaaa][@Scccccc].") == "B [1] then A [2]."
    assert numbering.apply("Both [@Saaaaaa] [@Sbbbbbb].") == "Both [2][1]."
    assert numbering.source_ids == ["file-2", "file-1"]


def test_words_are_counted_without_citations() -> None:
    assert without_keys("One [@Saaaaaa] two.") == "One two."


_PIECES = st.lists(
    st.sampled_from(
        [
            "word ",
            "[@Saaaaaa]",
            "[@Sbbbbbb] ",
            "[@Sxxxxxx]",
            "[@Saaaaaa; @Sbbbbbb]",
            "@Saaaaaa",
            "@Sffffff ",
            "[3]",
            "[1, 2]",
            "a[1]",
            "(x)",
            "【@Saaaaaa】",
            "[",
            "]",
            "\\",
            ". ",
            "`c[1]`",
            "\n\n",
        ]
    )
)


@settings(max_examples=1_000)
@given(_PIECES)
def test_text_and_list_always_agree(pieces: list[str]) -> None:
    numbering = Numbering(KEYS)
    text = numbering.apply(keep_known("".join(pieces), KEYS).text)
    listed = [
        Reference(number=number, source=Source(id=name, name=name, media_type="text/plain"))
        for number, name in enumerate(numbering.source_ids, 1)
    ]
    check_integrity(text, listed)
