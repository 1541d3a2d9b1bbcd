"""A finished document on paper, and what becomes of it when one of its sections is written again."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from document_worker.pipeline.graph import build_graph
from document_worker.pipeline.schemas import Evidence, WrittenSection
from document_worker.pipeline.state import RESULT, DocumentContext
from document_worker.ports import Model
from shared.contracts.commands import DocumentPayload, Revision
from shared.contracts.document import DocumentResult, SectionQuality
from shared.contracts.ids import JobRef
from shared.contracts.plan import (
    LEDGER,
    PLAN,
    Plan,
    PlannedSection,
    SectionRole,
    evidence_field,
    facts_field,
    previous_field,
    section_of,
    text_field,
)
from shared.evidence import Ledger, Passage
from shared.evidence.citations import cited_in, length_of
from shared.evidence.ledger import build_ledger
from shared.evidence.parts import Part, ReadFile
from tests.support.writing import document_context
from tests.unit.pipelines.desk import PaperDesk

THREAD = {"configurable": {"thread_id": "default/again"}}


def ledger_of(*texts: str) -> Ledger:
    """One source of one passage for each text."""
    files = [ReadFile(f"{n}.txt", "text/plain", (Part(text),), language="en") for n, text in enumerate(texts, 1)]
    return build_ledger("default/parent", files)


def finished_document(
    texts: Mapping[str, str | None],
    ledger: Ledger | None = None,
    dealt: Mapping[str, Sequence[Passage]] | None = None,
    roles: Mapping[str, SectionRole] | None = None,
    language: str = "en",
) -> dict[str, bytes]:
    """The stored work of a completed job, by title (which is the id as well) and text; None for a section it lacks."""
    dealt, roles, ledger = dealt or {}, roles or {}, ledger or ledger_of()
    sections = [
        PlannedSection(
            id=name,
            title=name,
            level=1,
            summary=f"What {name} is about",
            leaf=True,
            role=roles.get(name, "body"),
            target_words=length_of(text or "") or 30,
            evidence=[passage.key for passage in dealt.get(name, [])],
        )
        for name, text in texts.items()
    ]
    plan = Plan(title="Bees", language=language, task_prompt="On bees", sections=sections, job="default/parent")
    stored = {PLAN: plan.model_dump_json().encode(), LEDGER: ledger.model_dump_json().encode()}
    for name, passages in dealt.items():
        stored[evidence_field(name)] = Evidence(passages=list(passages)).model_dump_json().encode()
    for name, text in texts.items():
        if text is not None:
            stored[text_field(name)] = text.encode()
            stored[facts_field(name)] = _facts(name, text).model_dump_json().encode()
    return stored


def _facts(name: str, text: str) -> WrittenSection:
    words, citations = length_of(text), len(cited_in(text))
    quality = SectionQuality(id=name, target_words=words or 1, words=words, citations=citations, unknown_citations=0)
    return WrittenSection(quality=quality)


def begun(stored: Mapping[str, bytes], section_id: str) -> PaperDesk:
    """The desk of a job that was accepted to write a section of the document again."""
    own = {text_field(section_id), facts_field(section_id), evidence_field(section_id)}
    desk = PaperDesk(stored={name: value for name, value in stored.items() if name not in own})
    if text_field(section_id) in stored:
        desk.stored[previous_field(section_id)] = stored[text_field(section_id)]
    return desk


def context_of(
    model: Model, desk: PaperDesk, section_id: str, attempt: int = 1, *, asked: Any = None, **more: Any
) -> DocumentContext:
    """The context of one attempt; ``asked`` are the instruction and the length."""
    revision = Revision(parent_job_id="parent", root_job_id="root", section_id=section_id, **(asked or {}))
    payload = DocumentPayload(revision=revision)
    finished = {name for field in desk.stored if (name := section_of(field)) is not None}
    context = document_context(model, desk, payload, fence=attempt + 1, finished=finished, **more)
    return dataclasses.replace(context, ref=JobRef("again"))


async def run(graph: Any, context: DocumentContext) -> None:
    """One attempt, from where the one before it ended."""
    state = (await graph.aget_state(THREAD)).values
    await graph.ainvoke(None if state else {}, THREAD, context=context, durability="sync")


async def revise(model: Model, desk: PaperDesk, section_id: str, **more: Any) -> DocumentResult:
    """The result of a job that nothing disturbs."""
    await run(build_graph(InMemorySaver()), context_of(model, desk, section_id, **more))
    return result_of(desk)


def result_of(desk: PaperDesk) -> DocumentResult:
    return DocumentResult.model_validate_json(desk.stored[RESULT])


def texts_of(stored: Mapping[str, bytes]) -> dict[str, str]:
    """The section texts that are stored, by id."""
    found = {section_of(field): value.decode() for field, value in stored.items()}
    return {name: text for name, text in found.items() if name is not None}
