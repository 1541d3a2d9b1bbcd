"""One section: written with its text streaming, checked, mended at most once, stored."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog
from langgraph.runtime import Runtime

from document_worker.pipeline.checks.repetition import Gram, eight_grams
from document_worker.pipeline.schemas import Evidence, WrittenSection
from document_worker.pipeline.state import (
    DocumentContext,
    DocumentState,
    SectionTask,
)
from document_worker.pipeline.surroundings import room_for, surroundings_of
from document_worker.pipeline.writing.assignment import Assignment
from document_worker.pipeline.writing.digest import digest_of
from document_worker.pipeline.writing.drafting import compose, extend, rewrite
from document_worker.pipeline.writing.review import (
    Cleaned,
    Fault,
    FaultKind,
    badness,
    clean,
    find_faults,
    finished,
    usable,
)
from document_worker.pipeline.writing.streamed import StreamedText
from shared.contracts.document import SectionQuality
from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from shared.contracts.events import Section
from shared.contracts.plan import Plan, PlannedSection, evidence_field, facts_field, previous_field, text_field
from shared.evidence.citations import cited_in, length_of
from shared.language.text import holds_sentence
from shared.llm import BudgetExceededError

log = structlog.get_logger()

MENDING = "mending sections"


class SectionEmptyError(TransientError):
    code = "section_empty"
    meaning = "The model wrote nothing usable for a section"
    advice = "Use a more capable model"


async def section(task: SectionTask, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Write one section. A failure is kept for ``collect``: raised here, it would cancel the sections beside it."""
    context, section_id = runtime.context, task["section_id"]
    out_of_time = context.desk.time_is_short() and section_id not in context.finished
    if context.doomed or out_of_time:
        # The job fails for good, or has to come to its end: what is not begun yet is not paid for.
        return {}
    try:
        await write(context, section_id)
    except DraftlineError as error:
        context.failures[section_id] = error
        return {}
    return {"done": [section_id], "left_out": sorted(context.without)}


async def write(context: DocumentContext, section_id: str) -> None:
    """Write, check and store a section, unless an earlier attempt already has."""
    plan = await context.plan()
    planned = plan.section(section_id)
    streamed = StreamedText(context, section_id)
    stored = await context.desk.load(text_field(section_id)) if section_id in context.finished else None
    if stored is None:
        context.pace.begin(section_id)
        text = await _written(await assigned(context, plan, planned), streamed)
    else:
        text = stored.decode()
    if text != streamed.shown:
        streamed.replace(text)
    _announce(context, plan, planned, streamed, text)


async def assigned(context: DocumentContext, plan: Plan, planned: PlannedSection) -> Assignment:
    """What the section is written from: its evidence; for an introduction or a conclusion the body of the document; and
    where a document stands already, all the rest of it.
    """
    given = await context.desk.load(evidence_field(planned.id)) if planned.evidence else None
    evidence = Evidence.model_validate_json(given) if given else Evidence(passages=[])
    body = await context.texts(plan) if planned.role != "body" else {}
    digest = digest_of(plan, body, context.context_tokens)
    job = Assignment(context, plan, planned, evidence.passages, evidence.addresses, digest)
    if context.payload.revision is not None:
        others = await _others(context, plan, planned)
        previous = await context.desk.load(previous_field(planned.id)) or b""
        shown = [plan.task_prompt[:1_000], planned.instruction, digest, *job.spans.values()]
        room = room_for(context.context_tokens, context.answer_tokens, shown)
        surroundings = surroundings_of(plan, planned.id, others, previous.decode(), room)
        return replace(job, said=await _grams(others), surroundings=surroundings)
    return replace(job, said=await _grams(body)) if body else job


async def _others(context: DocumentContext, plan: Plan, planned: PlannedSection) -> dict[str, str]:
    """The finished texts of all other sections."""
    names = [leaf.id for leaf in plan.leaves() if leaf.id in context.finished and leaf.id != planned.id]
    return {name: (await context.desk.require(text_field(name))).decode() for name in names}


async def _grams(texts: Mapping[str, str]) -> set[Gram]:
    # A long document takes a while, and the loop keeps the leases of other jobs.
    return await asyncio.to_thread(lambda: {gram for text in texts.values() for gram in eight_grams(text)})


async def _written(job: Assignment, streamed: StreamedText) -> str:
    """The section's text, stored with what is known about it."""
    draft = await compose(job, streamed, usable(job))
    cleaned = clean(draft, job)
    faults = find_faults(cleaned, job) if cleaned.words else []
    repaired: list[str] = []
    may_mend = not draft.out_of_time and not job.context.desk.time_is_short()
    if faults and may_mend and not job.context.goes_without(MENDING):
        repaired = sorted({fault.kind for fault in faults})
        cleaned = await _better(job, cleaned, faults, streamed)
    text, attributed = finished(cleaned.text, job)
    words = length_of(text)
    if not words or (draft.out_of_time and not holds_sentence(text)):
        raise SectionEmptyError(f"The model wrote nothing usable for the section {job.planned.title!r}.")
    quality = SectionQuality(
        id=job.planned.id,
        target_words=job.planned.target_words,
        words=words,
        citations=len(cited_in(text)),
        unknown_citations=cleaned.unknown,
        out_of_time=draft.out_of_time,
        evidence=len(job.evidence),
        attributed=attributed,
        repaired=repaired,
    )
    facts = WrittenSection(quality=quality, flagged=cleaned.flagged, leftovers=cleaned.leftovers)
    await job.context.desk.store(facts_field(job.planned.id), facts.stored())
    await job.context.desk.store(text_field(job.planned.id), text.encode())
    return text


async def _better(job: Assignment, cleaned: Cleaned, faults: list[Fault], streamed: StreamedText) -> Cleaned:
    """The draft mended, if that made it no worse before the time was over. What only stops the mending, such as a
    prompt that is too long with the draft in it, does not lose the draft.
    """
    try:
        async with asyncio.timeout(job.context.desk.text_seconds_left()) as scope:
            again = await _mended(job, cleaned, faults, streamed)
    except PermanentError as error:
        if isinstance(error, BudgetExceededError):
            job.context.without.add(MENDING)
        log.warning("not_mended", section=job.planned.id, code=error.code)
        return cleaned
    except TimeoutError:
        if not scope.expired():
            raise
        return cleaned
    return again if again.words and badness(find_faults(again, job)) <= badness(faults) else cleaned


async def _mended(job: Assignment, cleaned: Cleaned, faults: list[Fault], streamed: StreamedText) -> Cleaned:
    """The one repair: more text where nothing else is wrong, else the whole section again."""
    if {fault.kind for fault in faults} == {FaultKind.TOO_SHORT}:
        return clean(await extend(job, cleaned.text, streamed, usable(job)), job)
    return clean(await rewrite(job, cleaned.text, [fault.told for fault in faults], streamed, usable(job)), job)


def _announce(context: DocumentContext, plan: Plan, planned: PlannedSection, streamed: StreamedText, text: str) -> None:
    context.finished.add(planned.id)
    context.pace.end(planned)
    words = length_of(text)
    context.desk.emit(Section(section_id=planned.id, revision=streamed.revision, title=planned.title, words=words))
    # Of a document that stands already, this section is all there is to write.
    leaves = plan.leaves() if context.payload.revision is None else [planned]
    eta = context.pace.seconds_left(leaf for leaf in leaves if leaf.id not in context.finished)
    done, total = sum(leaf.id in context.finished for leaf in leaves), len(leaves)
    context.progress("section", f"{done} of {total} sections written", written_percent(done, total), planned.id, eta)


def written_percent(done: int, total: int) -> float:
    """How far a document has come of which so many sections are written."""
    return 5 + 85 * done / total
