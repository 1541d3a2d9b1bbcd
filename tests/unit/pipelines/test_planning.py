"""Budgets add up; evidence belongs to one leaf."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.runtime import Runtime

from document_worker.pipeline.nodes.gather import gather
from document_worker.pipeline.nodes.split import split
from document_worker.pipeline.prompts import writing
from document_worker.pipeline.schemas import Evidence
from shared.contracts.commands import ContextFile, DocumentPayload
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.plan import LEDGER, Plan
from shared.contracts.shape import budgets
from shared.evidence import Ledger, Passage
from shared.llm.tokens import estimate_prompt_tokens
from tests.support.llm import AnsweringModel
from tests.support.writing import document_context
from tests.unit.pipelines.desk import PaperDesk


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


@dataclass(frozen=True, slots=True)
class Planned:
    """What a desk holds once a document is planned."""

    plan: Plan
    ledger: Ledger
    evidence: dict[str, list[Passage]]
    degradations: list[str]


async def _planned(payload: DocumentPayload, model: Any = None, **more: Any) -> Planned:
    """As the first two nodes leave it."""
    desk = PaperDesk()
    context = document_context(model or AnsweringModel(), desk, payload, **more)
    runtime = Runtime(context=context)
    states = [await gather({}, runtime), await split({}, runtime)]
    fields = {name.removeprefix("evidence:"): raw for name, raw in desk.stored.items() if name.startswith("evidence:")}
    return Planned(
        plan=await context.plan(),
        ledger=Ledger.model_validate_json(desk.stored[LEDGER]),
        evidence={name: Evidence.model_validate_json(raw).passages for name, raw in fields.items()},
        degradations=[found["code"] for state in states for found in state["degradations"]],
    )


async def test_each_passage_has_one_section() -> None:
    outline = Outline(
        title="Bees", nodes=[OutlineNode(title="Honey and nectar"), OutlineNode(title="Queens and drones")]
    ).with_ids()
    files = [
        ContextFile(name="a.txt", text="Nectar becomes honey."),
        ContextFile(name="b.txt", text="One queen, many drones, and honey too."),
        ContextFile(name="c.txt", text="Copper prices."),
    ]
    planned = await _planned(DocumentPayload(outline=outline, context_files=files))
    names = {passage.key: planned.ledger.source(passage.source_id).name for passage in planned.ledger.passages}
    assert [[names[key] for key in leaf.evidence] for leaf in planned.plan.leaves()] == [["a.txt"], ["b.txt"]]
    assert {name: [passage.key for passage in given] for name, given in planned.evidence.items()} == {
        leaf.id: leaf.evidence for leaf in planned.plan.leaves()
    }
    assert planned.degradations == ["no_embeddings"]


async def test_no_research_means_no_evidence() -> None:
    payload = DocumentPayload(
        outline=Outline(title="Bees", nodes=[OutlineNode(title="Honey")]).with_ids(),
        context_files=[ContextFile(name="a.txt", text="Nectar becomes honey.")],
        research="none",
    )
    planned = await _planned(payload)
    assert planned.ledger.passages == []
    assert planned.degradations == []


async def test_introduction_and_conclusion_come_last_and_without_evidence() -> None:
    titles = ("Introduction", "Honey", "Introduction to queens", "Conclusion")
    outline = Outline(title="Bees", nodes=[OutlineNode(title=title) for title in titles]).with_ids()
    files = [ContextFile(name="a.txt", text="An introduction to honey, and in conclusion to queens.")]
    planned = await _planned(DocumentPayload(outline=outline, context_files=files))
    assert [leaf.role for leaf in planned.plan.leaves()] == ["introduction", "body", "body", "conclusion"]
    assert [bool(leaf.evidence) for leaf in planned.plan.leaves()][::3] == [False, False]


async def test_sources_in_another_language_are_found_by_translated_keywords() -> None:
    outline = Outline(
        title="蜜蜂", language="zh", nodes=[OutlineNode(title="蜂蜜"), OutlineNode(title="蜂王")]
    ).with_ids()
    texts = ("The nectar of flowers is made into honey.", "One queen lives in the hive for four years or so.")
    files = [ContextFile(name=f"{n}.txt", text=text) for n, text in enumerate(texts)]
    answer = json.dumps({"keywords": ["honey nectar", "queen hive"]})
    planned = await _planned(DocumentPayload(outline=outline, context_files=files), AnsweringModel(*[answer] * 20))
    given = {name: [passage.text for passage in passages] for name, passages in planned.evidence.items()}
    assert given == {"s1": [texts[0]], "s2": [texts[1]]}


async def test_keywords_in_no_known_form_fail_nothing() -> None:
    outline = Outline(title="蜜蜂", language="zh", nodes=[OutlineNode(title="蜂蜜")]).with_ids()
    files = [ContextFile(name="a.txt", text="The nectar of flowers is made into honey.")]
    planned = await _planned(DocumentPayload(outline=outline, context_files=files), AnsweringModel(*["no"] * 20))
    assert planned.evidence == {}


async def test_names_that_sections_share_are_terms() -> None:
    nodes = [
        OutlineNode(title="Honey", summary="How the Linden Valley hives use the HiveScale."),
        OutlineNode(title="Queens", summary="What the HiveScale shows in Linden Valley. Nothing else."),
    ]
    planned = await _planned(DocumentPayload(outline=Outline(title="Bees", nodes=nodes).with_ids()))
    assert sorted(planned.plan.terms) == ["HiveScale", "Linden Valley"]


@pytest.mark.parametrize(
    ("language", "asked", "style"),
    [
        ("zh-CN", None, "gb-t-7714-2015"),
        ("en", None, "ieee"),
        ("zh", "apa", "apa"),
        ("de", "GB/T 7714-2015", "gb-t-7714-2015"),
    ],
)
async def test_the_reference_style_follows_the_language_unless_asked_for(language: str, asked: Any, style: str) -> None:
    outline = Outline(title="Bees", nodes=[OutlineNode(title="Honey")]).with_ids()
    payload = DocumentPayload(outline=outline, language=language, reference_style=asked)
    assert (await _planned(payload)).plan.reference_style == style


@pytest.mark.parametrize("text", ["Bees make honey from nectar. " * 20_000, "蜜蜂采集花蜜酿成蜂蜜。" * 20_000])
async def test_a_section_prompt_fits_into_a_small_context(text: str) -> None:
    nodes = [OutlineNode(title=f"Honey 蜂蜜 {n} " + "x" * 250, summary="s" * 2_000) for n in range(500)]
    outline = Outline(title="Bees", nodes=nodes).with_ids()
    payload = DocumentPayload(outline=outline, context_files=[ContextFile(name="a.txt", text=text)])
    answer = json.dumps({"keywords": []})
    planned = await _planned(payload, AnsweringModel(*[answer] * 20))
    for leaf in planned.plan.leaves()[::100]:
        passages = planned.evidence.get(leaf.id, [])
        asked = writing.section(planned.plan, leaf, passages, contents_tokens=409)
        assert estimate_prompt_tokens(asked) < 4_096 * 2 / 3
