"""A model's answer is fitted into its place without adding a word."""

from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.prose import tidy
from shared.retrieval.text import ends_in_sentence


def test_the_title_is_not_said_twice() -> None:
    for opening in ("## The Hive\n\n", "**The Hive**\n", "The Hive:\n", "\n# the hive\n"):
        assert tidy(opening + "It hums.", "The Hive", 1) == "It hums."


def test_inner_headings_sink_below_the_section() -> None:
    assert tidy("Text.\n\n# More\n\nText.", "Other", 2) == "Text.\n\n#### More\n\nText."
    assert tidy("```\n# no heading\n```\n\nText.", "Other", 2).startswith("```\n# no heading")


def test_an_unfinished_sentence_goes() -> None:
    assert tidy("It hums. It was about to", "T", 1) == "It hums."
    assert tidy("它嗡嗡作响。它正要", "T", 1) == "它嗡嗡作响。"
    assert tidy("It hums [@S1a2b3c]. And the", "T", 1) == "It hums [@S1a2b3c]."
    assert tidy("He said “yes.” Then", "T", 1) == "He said “yes.”"


def test_a_wrapping_fence_goes() -> None:
    assert tidy("```markdown\nIt hums.\n```", "T", 1) == "It hums."


def test_lists_may_end_without_a_full_stop() -> None:
    assert tidy("Parts:\n\n- queen\n- workers", "T", 1).endswith("- workers")


@given(st.text(alphabet="ab .!?。\n", max_size=80))
def test_nothing_is_added(text: str) -> None:
    tidied = tidy(text, "Title", 1)
    assert tidied in text
    assert not tidied or ends_in_sentence(tidied) or not any(mark in tidied for mark in ".!?。")
