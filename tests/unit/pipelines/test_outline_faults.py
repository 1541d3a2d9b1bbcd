"""What is wrong with a draft is found, named, and mended where code can."""

import pytest

from outline_worker.pipeline import prompts
from outline_worker.pipeline.faults import distinct, find_faults, from_questions, is_useless
from outline_worker.pipeline.schemas import OutlineDraft, SectionDraft, SubsectionDraft
from outline_worker.pipeline.titles import clean_title, nearly_the_same
from shared.contracts.shape import Shape
from shared.language.leftovers import Told

FLAT = Shape(3, 0)
TELLING = "It tells with many words what the keeper of the bees has to know about the life in the hive."


def _draft(*titles: str, title: str = "Doc", summary: str = TELLING) -> OutlineDraft:
    return OutlineDraft(title=title, sections=[SectionDraft(title=each, summary=summary) for each in titles])


def _told(language: str = "en", prompt: str = "Write about bees.") -> Told:
    return Told(language, prompts.instructions(language), (prompt,))


def _faults(draft: OutlineDraft, language: str = "en", shape: Shape = FLAT) -> str:
    return "\n".join(find_faults(draft, _told(language), shape))


def test_titles_lose_their_numbers() -> None:
    for title in (
        "1. The Hive",
        "Section 2: The Hive",
        "III. The Hive",
        "1.2 . The Hive",
        "第三章 The Hive",
        "2、The Hive",
        "**The Hive**",
    ):
        assert clean_title(title) == "The Hive"
    for title in ("1984 in books", "2008: the crisis", "V. S. Naipaul", "X: the app", "第一章节的历史"):
        assert clean_title(title) == title
    assert clean_title("Civic life") == "Civic life"


def test_a_sound_draft_has_no_faults() -> None:
    assert _faults(_draft("The hive", "The queen", "The honey")) == ""
    chinese = _draft("蜂巢", "蜂王", "蜂蜜", title="蜜蜂", summary="说明蜜蜂在蜂巢里怎样生活，以及养蜂人必须知道什么。")
    assert _faults(chinese, "zh") == ""


def test_doubles_are_dropped_and_named() -> None:
    draft = _draft("The Hive", "1. the hive", "Honey")
    assert [section.title for section in distinct(draft.sections, _told())] == ["The Hive", "Honey"]
    assert "are the same" in _faults(draft)


def test_a_piece_of_the_instructions_is_no_section() -> None:
    draft = _draft("The hive", "A section title that names its subject in a few words, never", "The queen")
    assert "repeat these instructions" in _faults(draft)
    assert [part.title for part in distinct(draft.sections, _told())] == ["The hive", "The queen"]


@pytest.mark.parametrize("title", ["Mend These Flaws", "{'type'", "<>"])
def test_what_is_left_from_the_prompt_is_no_title(title: str) -> None:
    parts = [SubsectionDraft(title=each, summary=TELLING) for each in ("Workers", title, "Drones")]
    whole = SectionDraft(title="The hive", summary=TELLING, subsections=parts)
    draft = _draft("Honey", title, "Wax")
    assert "repeat these instructions" in _faults(draft)
    assert [part.title for part in distinct(draft.sections, _told())] == ["Honey", "Wax"]
    assert "repeat these instructions" in _faults(_draft("Honey", "Queens", "Wax", title=title))
    assert [part.title for part in distinct([whole], _told())[0].subsections] == ["Workers", "Drones"]


def test_a_title_in_another_script_is_named_but_not_dropped() -> None:
    draft = _draft("Honey", "蜂群的生活", "Wax")
    assert "Some titles are not written in English." in _faults(draft)
    assert len(distinct(draft.sections, _told())) == 3
    assert not find_faults(draft, _told(prompt="Explain 蜂 to me."), FLAT)


def test_the_title_of_the_document_is_no_section() -> None:
    draft = _draft("1. doc", "Honey", "Queens", "Drones")
    assert [section.title for section in distinct(draft.sections, _told(), title="Doc")] == [
        "Honey",
        "Queens",
        "Drones",
    ]
    assert "title of the whole document" in _faults(draft)


@pytest.mark.parametrize(
    ("first", "second", "language", "same"),
    [
        ("The history of bees", "History of the Bees", "en", True),
        ("Phase 1", "Phase 2", "en", False),
        ("Vitamin B", "Vitamin C", "en", False),
        ("The war in 1914", "The war in 1915", "en", False),
        ("蜜蜂的历史", "蜜蜂历史", "zh", True),
        ("第二次世界大战中的欧洲经济发展", "第二次世界大战中欧洲的经济发展", "zh", True),
        ("蜜蜂的历史", "蜜蜂的未来", "zh", False),
        ("什么", "怎样", "zh", False),
    ],
)
def test_titles_that_say_nearly_the_same_are_named_but_not_dropped(
    first: str, second: str, language: str, same: bool
) -> None:
    assert nearly_the_same(first, second, language) is same
    draft = _draft(first, second, "蜂蜜" if language == "zh" else "Honey")
    assert ("nearly the same" in _faults(draft, language)) is same
    assert len(distinct(draft.sections, _told())) == 3


def test_titles_that_name_nothing_are_named() -> None:
    assert "do not name a subject: Section 1." in _faults(_draft("Section 1", "Honey", "Queens"))
    assert "do not name a subject: Sections." in _faults(_draft("Sections", "Honey", "Queens"))
    assert "do not name a subject" not in _faults(_draft("Sections of the hive", "Honey", "Queens"))
    assert "do not name a subject: 第二部分." in _faults(_draft("第二部分", "Honey", "Queens"))


@pytest.mark.parametrize("title", ["The bees of the mountain valleys " * 8, "山谷里的蜜蜂" * 40])
def test_a_paragraph_is_no_title(title: str) -> None:
    draft = _draft(title, "Honey", "Queens")
    assert "whole paragraphs" in _faults(draft)
    kept = distinct(draft.sections, _told())[0].title
    assert 60 < len(kept) <= 120
    assert title.startswith(kept)
    assert not kept.endswith("mountai")


def test_a_summary_says_more_than_the_title() -> None:
    draft = OutlineDraft(title="Doc", sections=[SectionDraft(title=each, summary=f"{each}.") for each in "ABC"])
    assert "only repeat the title" in _faults(draft)
    assert is_useless(draft, _told())
    assert not is_useless(_draft("Honey", "Queens"), _told())


@pytest.mark.parametrize(
    ("summary", "language", "named"),
    [
        (TELLING, "zh", "Chinese"),
        (TELLING, "de", "German"),
        ("说明蜜蜂在蜂巢里怎样生活。", "en", "English"),
        ("Es erzählt, wie die Bienen im Stock leben und was der Imker über sie und die Königin wissen muss.", "de", ""),
        (f"{TELLING} (김치)", "en", ""),
    ],
)
def test_the_wrong_language_is_a_fault(summary: str, language: str, named: str) -> None:
    draft = _draft("The hive", "Honey", "Wax", summary=summary)
    assert (f"not written in {named}" in _faults(draft, language)) is bool(named)
    assert is_useless(draft, _told(language)) is bool(named)


def test_far_too_many_or_too_few_sections_are_a_fault() -> None:
    assert "needs 3 different sections, not 1" in _faults(_draft("Honey"))
    assert _faults(_draft("Honey", "Queens")) == ""
    assert "needs 3 different sections, not 7" in _faults(_draft(*(f"Topic {letter}" for letter in "bcdefgh")))
    assert "needs 2 subsections" in _faults(_draft(*(f"Topic {letter}" for letter in "bcdefg")), shape=Shape(8, 2))


def test_subsections_are_cleaned_like_sections() -> None:
    parts = [
        SubsectionDraft(title=each, summary="It tells.") for each in ("1.1. Queen", "queen", "Hive", "1.3) Drones")
    ]
    sections = [
        SectionDraft(title="The Hive", summary="It tells.", subsections=parts),
        SectionDraft(title="Honey", summary="It tells.", subsections=parts[:2]),
    ]
    found = {section.title: [part.title for part in section.subsections] for section in distinct(sections, _told())}
    assert found == {"The Hive": ["Queen", "Hive", "Drones"], "Honey": []}


def test_questions_stand_in_for_a_plan() -> None:
    assert [section.title for section in from_questions(["What is a hive?"])] == ["What is a hive?"]
