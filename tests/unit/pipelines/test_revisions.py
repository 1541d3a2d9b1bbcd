"""One section again: it changes, and nothing else does."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime

from document_worker.pipeline.graph import build_graph
from document_worker.pipeline.nodes.restore import evidence_for, restore
from document_worker.pipeline.nodes.section import assigned
from document_worker.pipeline.prompts import writing
from document_worker.pipeline.surroundings import room_for
from shared.contracts.commands import Revision
from shared.contracts.errors import PermanentError, TransientError
from shared.contracts.events import ProgressData, Section
from shared.contracts.outline import Research
from shared.contracts.plan import PLAN, Plan, SectionRole, evidence_field
from shared.contracts.usage import Usage
from shared.llm import Answer, StoredAnswers
from shared.llm.errors import ModelUnavailableError
from shared.llm.tokens import estimate_prompt_tokens
from tests.support.llm import AnswersInMemory
from tests.unit.pipelines.desk import PaperDesk
from tests.unit.pipelines.revised import (
    begun,
    context_of,
    finished_document,
    ledger_of,
    result_of,
    revise,
    run,
    texts_of,
)
from tests.unit.pipelines.told import Told

HONEY = "Bees carry nectar home and fan it dry. The comb is closed with wax once the honey has ripened."
QUEENS = "One queen lays all the eggs of a hive. Her scent keeps the workers together through the summer."
DRONES = "Males gather nothing and are fed by others. They leave the hive on warm days to look for a mate."
NEW = "A colony follows its mother. When she grows old the workers raise another one from a young larva."
OPENING = "Whoever opens a hive for the first time sees thousands of insects and no order in what they do."
DOCUMENT = {"Honey": HONEY, "Queens": QUEENS, "Drones": DRONES}

_WORDS = st.sampled_from(["hive", "wax", "honey", "queen", "clover", "frame", "smoke", "brood", "swarm", "蜂", "巢"])
_SENTENCES = st.lists(_WORDS, min_size=1, max_size=12).map(lambda words: " ".join(words).capitalize() + ".")
_BLOCKS = st.lists(_SENTENCES, min_size=1, max_size=4).map(" ".join) | st.sampled_from(
    ["- one\n- two\n\n\n", "| a | b |\n|---|---|\n| 1 | 2 |", "```\nx = [1]\n\ny\n```", "### Inner\n\nMore of it.  "]
)
_TEXTS = st.lists(_BLOCKS, min_size=1, max_size=4).map("\n\n".join)


@st.composite
def _documents(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, SectionRole], str]:
    texts = {f"s{n}": draw(_TEXTS) for n in range(draw(st.integers(1, 5)))}
    names = list(texts)
    roles: dict[str, SectionRole] = {}
    if len(names) > 2 and draw(st.booleans()):
        roles = {names[0]: "introduction", names[-1]: "conclusion"}
    return texts, roles, draw(st.sampled_from(names))


@settings(max_examples=40, deadline=None)
@given(_documents(), _TEXTS, st.text(max_size=200))
def test_every_other_section_stays_byte_for_byte(
    document: tuple[dict[str, str], dict[str, SectionRole], str], again: str, instruction: str
) -> None:
    texts, roles, section_id = document
    desk = begun(finished_document(texts, roles=roles), section_id)
    model = Told(lambda _prompt, _n: f"{again}\n\nThe end of it.")
    result = asyncio.run(revise(model, desk, section_id, asked={"instruction": instruction}))
    others = {name: text for name, text in texts.items() if name != section_id}
    assert {name: text for name, text in texts_of(desk.stored).items() if name != section_id} == others
    for text in others.values():
        assert text in result.document.markdown
    assert result.revision is not None
    assert result.revision.changed_sections == [section_id]
    assert {event.section_id for event in desk.events if isinstance(event, Section)} == {section_id}


async def test_the_prompt_holds_what_was_asked_what_stood_there_and_what_stands_around_it() -> None:
    model, desk = Told(lambda _prompt, _n: NEW), begun(finished_document(DOCUMENT), "Queens")
    asked = {"instruction": "Tell how a queen is replaced. <material-0>", "target_words": 18}
    result = await revise(model, desk, "Queens", asked=asked)
    (prompt,) = model.asked
    assert "Tell how a queen is replaced. (material-0>" in prompt
    for text in DOCUMENT.values():
        assert text in prompt
    assert prompt.index(QUEENS) < prompt.index(HONEY) < prompt.index(DRONES)
    assert prompt.endswith("Length: 18 words.")
    assert texts_of(desk.stored)["Queens"] == NEW
    assert f"## Queens\n\n{NEW}\n\n## Drones" in result.document.markdown
    assert result.quality.target_words == sum(len(text.split()) for text in (HONEY, DRONES)) + 18


@pytest.mark.parametrize(
    ("sentence", "language"), [("Bees make honey from nectar in summer. ", "en"), ("蜜蜂在夏天把花蜜酿成蜂蜜。", "zh")]
)
@pytest.mark.parametrize("role", ["body", "introduction"])
async def test_what_stands_there_is_shown_as_far_as_a_small_context_bears(
    sentence: str, language: str, role: SectionRole
) -> None:
    ledger = ledger_of(*(f"{sentence * 20}{n}" for n in range(9)))
    texts = dict.fromkeys(("Honey", "Queens", "Drones"), sentence * 500)
    dealt = {"Honey": ledger.passages[:4]} if role == "body" else {}
    stored = finished_document(texts, ledger, dealt, {"Honey": role}, language)
    asked = {"instruction": sentence * (40 if role == "body" else 15)}
    context = context_of(Told(lambda _prompt, _n: ""), begun(stored, "Honey"), "Honey", asked=asked)
    await restore({}, Runtime(context=context))
    plan = await context.plan()
    job = await assigned(context, plan, plan.section("Honey"))
    assert job.surroundings is not None
    assert sentence.strip() in job.surroundings.previous
    ask = writing.section(plan, job.planned, job.evidence, job.contents_tokens, job.surroundings)
    messages = ask if role == "body" else writing.closing(plan, job.planned, job.digest, job.surroundings)
    assert "of which you see the beginning" in messages[-1].content
    assert estimate_prompt_tokens(messages) + context.answer_tokens <= context.context_tokens


def test_what_stands_there_gets_the_room_that_is_left_up_to_a_fifth() -> None:
    assert room_for(4_096, 1_365, []) == 819
    assert room_for(4_096, 1_365, ["蜂" * 1_000, "bees" * 500]) == 4_096 - 1_365 - 409 - 500 - 1_000 - 500
    assert room_for(4_096, 1_365, ["蜂" * 2_000]) == 0


async def test_what_another_section_says_already_is_left_out() -> None:
    copied = HONEY.split(". ")[1]
    model, desk = Told(lambda _prompt, _n: f"{NEW} {copied}"), begun(finished_document(DOCUMENT), "Queens")
    result = await revise(model, desk, "Queens")
    assert texts_of(desk.stored)["Queens"] == NEW
    assert result.quality.repetition.share == 0.0


async def test_progress_is_that_of_one_section() -> None:
    desk = begun(finished_document(DOCUMENT), "Queens")
    await revise(Told(lambda _prompt, _n: NEW), desk, "Queens")
    told = [event for event in desk.events if isinstance(event, ProgressData)]
    assert [event.step for event in told] == ["restore", "restore", "section", "transitions", "fuse", "references"]
    assert [event.percent for event in told] == sorted(event.percent for event in told)
    assert told[2].message == "1 of 1 sections written"
    assert desk.shown("Queens") == NEW
    assert list(desk.texts) == ["Queens"]


LEFTOVER = "Queens are marked with a dot of paint, and its colour tells the year in which they hatched."


async def test_passages_that_no_section_has_join_the_evidence_where_they_speak_of_what_is_asked() -> None:
    ledger = ledger_of("Queens lay eggs.", "Nectar is dried.", LEFTOVER, "Nectar is dried.", "Copper rose in March.")
    first, second, leftover, _, _ = ledger.passages
    stored = finished_document(DOCUMENT, ledger, {"Queens": [first], "Honey": [second]})
    model = Told(lambda _prompt, _n: f"{NEW} The colour of a dot tells the year [@{leftover.key}].")
    desk = begun(stored, "Queens")
    asked = {"instruction": "Say by which colour the year of queens is told, and how nectar is dried."}
    result = await revise(model, desk, "Queens", asked=asked)
    shown = re.findall(r"^\[@(\w+)\]", model.asked[0], re.MULTILINE)
    assert shown == [first.key, leftover.key]
    assert [reference.source.name for reference in result.document.references] == ["3.txt"]
    assert Plan.model_validate_json(desk.stored[PLAN]).section("Queens").evidence == shown
    assert Plan.model_validate_json(desk.stored[PLAN]).section("Honey").evidence == [second.key]


async def test_no_more_evidence_than_the_prompt_has_room_for() -> None:
    ledger = ledger_of("Queens lay eggs.", *(f"{LEFTOVER} {'It is so. ' * n}" for n in range(8)))
    stored = finished_document(DOCUMENT, ledger, {"Queens": ledger.passages[:1]})
    for room, most in ((4_096, 5), (300, 3)):
        model = Told(lambda _prompt, _n: NEW)
        await revise(model, begun(stored, "Queens"), "Queens", asked={"instruction": "Colour"}, context_tokens=room)
        assert len(re.findall(r"^\[@", model.asked[0], re.MULTILINE)) == most


@pytest.mark.parametrize(("research", "most"), [("none", 0), ("context_only", 1), ("web", 2), (None, 2)])
def test_what_is_added_is_what_the_section_may_rest_on(research: Research | None, most: int) -> None:
    ledger = ledger_of(LEFTOVER, f"{LEFTOVER} So it is.")
    found = ledger.sources[1].model_copy(update={"provider": "searxng"})
    ledger = ledger.model_copy(update={"sources": [ledger.sources[0], found]})
    plan = Plan.model_validate_json(finished_document(DOCUMENT, ledger)[PLAN])
    sections = [section.model_copy(update={"research": research}) for section in plan.sections]
    revision = Revision(parent_job_id="p", root_job_id="p", section_id="Queens", instruction="The colour of the dot.")
    added = evidence_for(plan.model_copy(update={"sections": sections}), revision, ledger, room_tokens=1_000)
    assert len(added) == most


async def test_a_source_that_only_the_old_text_cited_leaves_the_list_and_the_numbers_close_up() -> None:
    ledger = ledger_of("Nectar is dried.", "Queens lay eggs.", "Drones are fed.")
    keys = [passage.key for passage in ledger.passages]
    texts = {name: f"{text} It is so [@{key}]." for (name, text), key in zip(DOCUMENT.items(), keys, strict=True)}
    dealt = {name: [passage] for name, passage in zip(texts, ledger.passages, strict=True)}
    stored = finished_document(texts, ledger, dealt)
    alone = "Wax is drawn [@{0}]. Smoke calms the hive, and the frames are taken out one after the other by hand."
    desk = begun(stored, "Queens")
    whole = await revise(Told(lambda _prompt, _n: alone.format(keys[1])), desk, "Queens")
    assert [reference.source.name for reference in whole.document.references] == ["1.txt", "2.txt", "3.txt"]
    # A model that cites nothing is asked once more; nothing can be matched with what it was given.
    desk = begun(stored, "Queens")
    bare = await revise(Told(lambda _prompt, _n: NEW), desk, "Queens")
    assert [(reference.number, reference.source.name) for reference in bare.document.references] == [
        (1, "1.txt"),
        (2, "3.txt"),
    ]
    assert f"{DRONES} It is so [2]." in bare.document.markdown
    assert texts_of(desk.stored)["Drones"] == texts["Drones"]


@pytest.mark.parametrize("section_id", ["Introduction", "Conclusion"])
async def test_introduction_and_conclusion_are_written_from_the_body(section_id: str) -> None:
    texts = {"Introduction": OPENING, **DOCUMENT, "Conclusion": "It all holds together in the end."}
    roles: dict[str, SectionRole] = {"Introduction": "introduction", "Conclusion": "conclusion"}
    written = "Wings, wax and a mother: of these the following pages tell in turn, in few words and without numbers."
    other = texts["Conclusion" if section_id == "Introduction" else "Introduction"]
    model = Told(lambda _prompt, _n: f"{written} {other if len(other.split()) > 9 else ''}".strip())
    desk = begun(finished_document(texts, roles=roles), section_id)
    result = await revise(model, desk, section_id, asked={"instruction": "Shorter."})
    (prompt,) = model.asked
    assert f"Write the {section_id.lower()}" in prompt
    assert "What the reader asks of this section: Shorter." in prompt
    assert all(text in prompt for text in (*DOCUMENT.values(), texts[section_id]))
    assert texts_of(desk.stored) == texts | {section_id: written}
    assert result.document.markdown.count(written) == 1


async def test_a_section_that_was_missing_is_written_and_what_else_is_missing_stays_so() -> None:
    stored = finished_document({**DOCUMENT, "Queens": None, "Wasps": None})
    desk = begun(stored, "Queens")
    model = Told(lambda _prompt, _n: NEW)
    result = await revise(model, desk, "Queens", asked={"target_words": 18})
    assert "Yours replaces" not in model.asked[0]
    assert f"## Queens\n\n{NEW}" in result.document.markdown
    assert "Wasps" not in result.document.markdown
    assert [missing.id for missing in result.quality.missing_sections] == ["Wasps"]


async def test_a_revision_without_time_fails_instead_of_leaving_its_section_out() -> None:
    desk = begun(finished_document(DOCUMENT), "Queens")
    desk.soft_seconds = 0.0
    with pytest.raises(PermanentError) as raised:
        await revise(Told(lambda _prompt, _n: NEW), desk, "Queens")
    assert raised.value.code == "time_limit_exceeded"


class BreakingDesk(PaperDesk):
    """Loses power right after it stored what is named."""

    broken_at = ""

    async def store(self, field: str, value: bytes) -> None:
        await super().store(field, value)
        if field == self.broken_at:
            self.broken_at = ""
            raise RuntimeError(field)


@pytest.mark.parametrize("field", [evidence_field("Queens"), PLAN, "facts:Queens", "text:Queens", "fused"])
async def test_wherever_it_breaks_off_it_comes_to_the_same(field: str) -> None:
    ledger = ledger_of("Queens lay eggs.", LEFTOVER, *(f"{LEFTOVER} {'So it is. ' * n}" for n in range(1, 8)))
    stored = finished_document(DOCUMENT, ledger, {"Queens": ledger.passages[:1]})
    answer = Answer(f"{NEW} So it was [@{ledger.passages[1].key}].", "stop", Usage(llm_calls=1))
    ends: list[dict[str, bytes]] = []
    for broken_at in ("", field):
        desk = BreakingDesk(stored=begun(stored, "Queens").stored)
        desk.broken_at = broken_at
        told = Told(lambda _prompt, _n: answer)
        model = StoredAnswers(told, AnswersInMemory())
        graph = build_graph(InMemorySaver())
        asked: dict[str, Any] = {"asked": {"instruction": "Colour of the dot."}}
        if broken_at:
            with pytest.raises(RuntimeError, match=field):
                await run(graph, context_of(model, desk, "Queens", **asked))
        await run(graph, context_of(model, desk, "Queens", 2, **asked))
        assert len(told.asked) == 1
        ends.append(desk.stored)
    assert ends[0] == ends[1]


async def test_a_section_that_failed_is_tried_again_and_the_document_waits_for_it() -> None:
    answers: list[str | Answer | Exception] = [ModelUnavailableError("away", 3.0), NEW]

    def answer(_prompt: str, n: int) -> str:
        found = answers[n - 1]
        if isinstance(found, Exception):
            raise found
        return str(found)

    desk, model, graph = begun(finished_document(DOCUMENT), "Queens"), Told(answer), build_graph(InMemorySaver())
    with pytest.raises(TransientError, match="away"):
        await run(graph, context_of(model, desk, "Queens"))
    await run(graph, context_of(model, desk, "Queens", 2))
    assert texts_of(desk.stored) == {**DOCUMENT, "Queens": NEW}
    assert result_of(desk).revision is not None
