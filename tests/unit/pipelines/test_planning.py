"""Budgets add up; evidence belongs to one leaf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline import prompts
from document_worker.pipeline.nodes.split import budgets, make_plan
from outline_worker.pipeline.nodes.validate import build, clean_title, distinct, find_faults, from_questions, shares
from outline_worker.pipeline.schemas import OutlineDraft, SectionDraft, SubsectionDraft
from shared.contracts.commands import ContextFile, DocumentPayload
from shared.contracts.ids import JobRef
from shared.contracts.outline import Outline, OutlineNode
from shared.llm.tokens import estimate_prompt_tokens


def _leaves(lengths: list[int | None]) -> list[OutlineNode]:
    return [OutlineNode(id=f"s{n}", title=f"T{n}", target_words=words) for n, words in enumerate(lengths)]


@given(
    st.lists(st.one_of(st.none(), st.integers(1, 5_000)), min_size=1, max_size=60),
    st.one_of(st.none(), st.integers(1, 100_000)),
)
def test_budgets_add_up_to_what_was_asked(lengths: list[int | None], total: int | None) -> None:
    found = budgets(_leaves(lengths), total)
    assert len(found) == len(lengths)
    assert min(found.values()) >= 1
    if total is not None:
        assert sum(found.values()) == max(total, len(lengths))
    elif None not in lengths:
        assert list(found.values()) == lengths


@given(st.integers(1, 200_000), st.integers(1, 500))
def test_shares_add_up(total: int, parts: int) -> None:
    found = shares(total, parts)
    assert sum(found) == max(total, parts)
    assert max(found) - min(found) <= 1


def test_each_passage_has_one_section() -> None:
    outline = Outline(
        title="Bees", nodes=[OutlineNode(title="Honey and nectar"), OutlineNode(title="Queens and drones")]
    ).with_ids()
    files = [
        ContextFile(name="a.txt", text="Nectar becomes honey."),
        ContextFile(name="b.txt", text="One queen, many drones, and honey too."),
        ContextFile(name="c.txt", text="Copper prices."),
    ]
    payload = DocumentPayload(outline=outline, context_files=files)
    planned = make_plan(JobRef("job"), payload, context_tokens=4_096)
    ledger = planned.ledger
    names = {passage.key: ledger.source(passage.source_id).name for passage in ledger.passages}
    assert [[names[key] for key in leaf.evidence] for leaf in planned.plan.leaves()] == [["a.txt"], ["b.txt"]]
    assert {name: [passage.key for passage in given] for name, given in planned.evidence.items()} == {
        leaf.id: leaf.evidence for leaf in planned.plan.leaves()
    }


def test_no_research_means_no_evidence() -> None:
    payload = DocumentPayload(
        outline=Outline(title="Bees", nodes=[OutlineNode(title="Honey")]).with_ids(),
        context_files=[ContextFile(name="a.txt", text="Nectar becomes honey.")],
        research="none",
    )
    assert make_plan(JobRef("job"), payload, context_tokens=4_096).ledger.passages == []


@pytest.mark.parametrize("text", ["Bees make honey from nectar. " * 20_000, "蜜蜂采集花蜜酿成蜂蜜。" * 20_000])
def test_a_section_prompt_fits_into_a_small_context(text: str) -> None:
    nodes = [OutlineNode(title=f"Honey 蜂蜜 {n} " + "x" * 250, summary="s" * 2_000) for n in range(500)]
    outline = Outline(title="Bees", nodes=nodes).with_ids()
    payload = DocumentPayload(outline=outline, context_files=[ContextFile(name="a.txt", text=text)])
    planned = make_plan(JobRef("job"), payload, context_tokens=4_096)
    for leaf in planned.plan.leaves()[::100]:
        passages = planned.evidence.get(leaf.id, [])
        asked = prompts.section(planned.plan, leaf, passages, contents_tokens=409)
        assert estimate_prompt_tokens(asked) < 4_096 * 2 / 3


def test_titles_lose_their_numbers() -> None:
    for title in (
        "1. The Hive",
        "Section 2: The Hive",
        "III. The Hive",
        "1.2 . The Hive",
        "第三章 The Hive",
        "2、The Hive",
    ):
        assert clean_title(title) == "The Hive"
    for title in ("1984 in books", "2008: the crisis", "V. S. Naipaul", "X: the app", "第一章节的历史"):
        assert clean_title(title) == title
    assert clean_title("Civic life") == "Civic life"


def _draft(*titles: str) -> OutlineDraft:
    return OutlineDraft(title="Doc", sections=[SectionDraft(title=title, summary="It tells.") for title in titles])


def test_doubles_are_dropped_and_named() -> None:
    draft = _draft("The Hive", "1. the hive", "Honey")
    kept = distinct(draft.sections)
    assert [section.title for section in kept] == ["The Hive", "Honey"]
    assert any("same" in fault for fault in find_faults(draft, kept, "en"))


def test_the_wrong_language_is_a_fault() -> None:
    draft = _draft("The Hive", "Honey")
    assert any("Chinese" in fault for fault in find_faults(draft, draft.sections, "zh"))
    assert find_faults(draft, draft.sections, "en") == []
    assert any(
        "subject" in fault for fault in find_faults(_draft("Section 1", "Honey"), _draft("Section 1").sections, "en")
    )


def test_questions_stand_in_for_a_plan() -> None:
    assert [section.title for section in from_questions(["What is a hive?"])] == ["What is a hive?"]


def test_built_outlines_have_ids_and_budgets() -> None:
    sections = [
        SectionDraft(
            title="The Hive",
            summary="It tells.",
            subsections=[
                SubsectionDraft(title="Queen", summary="It tells."),
                SubsectionDraft(title="Drones", summary="It tells."),
            ],
        ),
        SectionDraft(title="Honey", summary="It tells."),
    ]
    outline = build("1. Bees", sections, "en", 1_000)
    assert outline.title == "Bees"
    assert [leaf.id for leaf in outline.leaves()] == ["s1.1", "s1.2", "s2"]
    assert [leaf.target_words for leaf in outline.leaves()] == [334, 333, 333]
