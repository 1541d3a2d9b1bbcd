"""A text is brought to its length by whole sentences, and keeps a citation."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from document_worker.pipeline.writing.length import shortened, too_long, too_short
from shared.evidence.citations import cited_in, length_of
from shared.language.markdown import paragraphs
from shared.language.text import ends_in_sentence

_WORDS = st.lists(
    st.sampled_from(["bees", "make", "honey", "from", "nectar", "all", "summer"]), min_size=3, max_size=14
)
_SENTENCES = _WORDS.map(lambda words: " ".join(words).capitalize() + ".")
_PARAGRAPHS = st.lists(_SENTENCES, min_size=1, max_size=6).map(" ".join)
_TEXTS = st.lists(_PARAGRAPHS, min_size=1, max_size=6).map("\n\n".join)


@settings(max_examples=50)
@given(_TEXTS, st.integers(40, 120))
def test_a_shortened_text_holds_whole_sentences_of_the_text_only(text: str, target: int) -> None:
    short = shortened(text, target)
    assert ends_in_sentence(short)
    assert _sentences(short) <= _sentences(text)


@settings(max_examples=50)
@given(_TEXTS, st.integers(40, 120))
def test_it_comes_within_half_a_sentence_of_its_length(text: str, target: int) -> None:
    if length_of(text) > target:
        assert abs(length_of(shortened(text, target)) - target * 1.03) <= 14


def test_three_times_too_long() -> None:
    text = "\n\n".join("The bees of this hive make honey all summer long. " * 6 for _ in range(9))
    assert 180 <= length_of(shortened(text, 200)) <= 220


def test_the_first_citation_stays_wherever_it_stands() -> None:
    text = f"{'Nothing is cited in this sentence here. ' * 30}\n\nBut here something is [@Sabc123]. And so it ends."
    short = shortened(text, 60)
    assert cited_in(short) == ["Sabc123"]
    assert short.endswith("something is [@Sabc123].")
    assert length_of(short) <= 70


def test_chinese_is_cut_between_its_sentences() -> None:
    short = shortened("蜜蜂在夏天采集花蜜并酿成蜂蜜。" * 20, 100)
    assert short.endswith("。")
    assert 90 <= length_of(short) <= 115


@pytest.mark.parametrize(
    "block",
    [
        "```\na = 1\n\nb = 2\n```",
        "| a | b |\n|---|---|\n| one two | three |",
        "- one of them\n- two of them",
        "$$x = 1$$",
    ],
)
def test_what_belongs_together_stays_together_or_goes(block: str) -> None:
    text = f"{'It is said here. ' * 10}\n\n{block}\n\n{'It is said again. ' * 10}"
    assert paragraphs(text)[1] == block
    for target in range(40, 70):
        short = shortened(text, target)
        assert block in short or not any(line and line in short for line in block.splitlines())


def test_the_least_is_something() -> None:
    assert shortened("One sentence of some length that is longer than all of the room there is for it here.", 5)


def test_short_texts_are_left_alone() -> None:
    assert not too_long(100, 30)
    assert not too_short(3, 30)
    assert too_long(110, 100)
    assert too_short(87, 100)
    assert not too_short(88, 100)


def _sentences(text: str) -> set[str]:
    return {sentence.strip() for sentence in text.split(".")}
