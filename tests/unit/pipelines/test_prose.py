"""A model's answer is fitted into its place without adding a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.writing.prose import tidy
from shared.language.text import ends_in_sentence


def test_the_title_of_the_document_does_not_begin_a_section() -> None:
    for opening in ("The Life of Bees\n", "# The Life of Bees\n\n", "**The life of bees**\n\n## The Hive\n"):
        assert tidy(f"{opening}It hums.", "The Hive", 1, cut=False, document_title="The Life of Bees") == "It hums."
    for text in ("The life of bees is short.", "It hums.\n\nThe Life of Bees"):
        assert tidy(f"{text}\n\nIt ends.", "The Hive", 1, cut=False, document_title="The Life of Bees").startswith(text)


def test_the_title_is_not_said_twice() -> None:
    for opening in ("## The Hive\n\n", "**The Hive**\n", "The Hive:\n", "<<The Hive>>\n\n", "\n# the hive\n"):
        assert tidy(opening + "It hums.", "The Hive", 1, cut=False) == "It hums."


def test_inner_headings_sink_below_the_section() -> None:
    assert tidy("Text.\n\n# More\n\nText.", "Other", 2, cut=False) == "Text.\n\n#### More\n\nText."
    assert tidy("```\n# no heading\n```\n\nText.", "Other", 2, cut=False).startswith("```\n# no heading")


def test_an_unfinished_sentence_goes() -> None:
    assert tidy("It hums. It was about to", "T", 1, cut=False) == "It hums."
    assert tidy("它嗡嗡作响。它正要", "T", 1, cut=False) == "它嗡嗡作响。"
    assert tidy("It hums [@S1a2b3c]. And the", "T", 1, cut=False) == "It hums [@S1a2b3c]."
    assert tidy("He said “yes.” Then", "T", 1, cut=False) == "He said “yes.”"


def test_a_wrapping_fence_goes() -> None:
    assert tidy("```markdown\nIt hums.\n```", "T", 1, cut=False) == "It hums."


def test_a_text_that_was_cut_off_ends_with_its_last_whole_sentence() -> None:
    assert tidy("It hums. Parts:\n\n- The drones only li", "T", 1, cut=True) == "It hums."
    assert tidy("It hums.\n\n1. One\n   goes on", "T", 1, cut=True) == "It hums."


def test_a_code_block_that_never_ends_goes() -> None:
    assert tidy("It hums.\n\n```python\nx[1] = 2", "T", 1, cut=True) == "It hums."
    assert tidy("It hums.\n\n```\nx\n```", "T", 1, cut=False).endswith("```")


def test_a_citation_after_the_stop_belongs_to_the_sentence() -> None:
    for text in ("Tea came in 1610. [@Saaaaaa]", "茶传入欧洲。 [@Saaaaaa]", "Bees hum. **Bees matter.**"):
        assert tidy(text, "T", 1, cut=False) == text


def test_lists_may_end_without_a_full_stop() -> None:
    assert tidy("Parts:\n\n- queen\n- workers", "T", 1, cut=False).endswith("- workers")


@given(st.text(alphabet="ab .!?。\n", max_size=80))
def test_nothing_is_added(text: str) -> None:
    tidied = tidy(text, "Title", 1, cut=False)
    assert tidied in text
    assert not tidied or ends_in_sentence(tidied) or not any(mark in tidied for mark in ".!?。")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Sure! Here is the section:", "Let me know if you want more."),
        ("Certainly, here's the revised section.", "Hope this helps!"),
        ("Here is the draft:", "Feel free to ask for changes."),
        ("好的，以下是该部分的内容：", "希望对您有帮助。"),
        ("以下是正文：", "如需修改，请告诉我。"),
    ],
)
def test_chatter_around_the_text_goes(first: str, last: str) -> None:
    assert tidy(f"{first}\n\n## Honey\n\nBees make it.\n\n{last}", "Honey", 1, cut=False) == "Bees make it."


@pytest.mark.parametrize(
    "text",
    [
        "Here is where the river turns.\n\nIt flows on.",
        "Sure footing is needed on the slope.\n\nIt is steep.",
        "这是一条河流。\n\n它流向大海。",
        "The river turns.\n\nHope remains that it does not flood.",
        "Here is the section:",
        f"Below is a valley. {'It is long. ' * 30}This section of it is wide.\n\nIt ends.",
    ],
)
def test_text_that_sounds_like_chatter_stays(text: str) -> None:
    assert tidy(text, "Honey", 1, cut=False) == text
