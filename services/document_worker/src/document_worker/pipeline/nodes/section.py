"""One section: written with its text streaming, completed where it was cut off, checked, stored."""

import asyncio
from dataclasses import dataclass

from langgraph.runtime import Runtime

from document_worker.pipeline import prompts
from document_worker.pipeline.prose import tidy
from document_worker.pipeline.schemas import Evidence, WrittenSection
from document_worker.pipeline.state import (
    DocumentContext,
    DocumentState,
    Failure,
    SectionTask,
    evidence_field,
    facts_field,
)
from document_worker.pipeline.streamed import StreamedText
from shared.contracts.document import SectionQuality
from shared.contracts.errors import DraftlineError, TransientError
from shared.contracts.events import Section
from shared.contracts.plan import Plan, PlannedSection, text_field
from shared.llm import Answer, ChatRequest, Message
from shared.retrieval import Passage
from shared.retrieval.citations import Checked, keep_known, length_of
from shared.retrieval.text import holds_sentence

MAX_CONTINUATIONS = 2
_TOKENS_PER_UNIT = 1.6
_TOKENS_PER_CITATION = 10
"""Tokens a Han character or a Latin word usually takes. A text cut off before its length is gone on with."""


async def section(task: SectionTask, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Write one section. A failure is part of the state: raised, it would cancel the sections beside it."""
    context, section_id = runtime.context, task["section_id"]
    out_of_time = context.desk.time_is_short() and section_id not in context.finished
    if context.doomed or out_of_time:
        # The job fails for good, or has to come to its end: what is not begun yet is not paid for.
        return {}
    try:
        await write(context, section_id)
    except DraftlineError as error:
        if not error.retryable:
            context.doomed.add(section_id)
        wait = error.retry_after_seconds if isinstance(error, TransientError) else None
        failure = Failure(
            section_id=section_id,
            fence=context.fence,
            code=error.code,
            message=error.message,
            retryable=error.retryable,
            retry_after_seconds=wait or 0.0,
        )
        return {"failed": [failure]}
    return {"done": [section_id]}


async def write(context: DocumentContext, section_id: str) -> None:
    """Write, check and store a section, unless an earlier attempt already has."""
    plan = await context.plan()
    planned = plan.section(section_id)
    streamed = StreamedText(context, section_id)
    stored = await context.desk.load(text_field(section_id)) if section_id in context.finished else None
    if stored is None:
        context.pace.begin()
        given = await context.desk.load(evidence_field(section_id)) if planned.evidence else None
        evidence = Evidence.model_validate_json(given).passages if given else []
        draft = await _compose(context, plan, planned, evidence, streamed)
        text = await _store(context, planned, draft)
    else:
        text = stored.decode()
    if text != streamed.shown:
        streamed.replace(text)
    _announce(context, plan, planned, streamed, text)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote."""

    text: str
    cut: bool
    """It stops before its end."""
    out_of_time: bool = False


async def _compose(
    context: DocumentContext, plan: Plan, planned: PlannedSection, evidence: list[Passage], streamed: StreamedText
) -> Draft:
    """The model's text; where the time is over, as far as it has come. Begun in time, it has some more to end."""
    desk, loop = context.desk, asyncio.get_running_loop()
    try:
        async with asyncio.timeout(desk.soft_seconds_left()) as scope:

            def allow_more() -> None:
                if not scope.expired():
                    scope.reschedule(loop.time() + desk.text_seconds_left())

            streamed.on_first = allow_more
            return await _write(context, plan, planned, evidence, streamed)
    except TimeoutError:
        if not scope.expired():
            raise
        return Draft(streamed.shown, cut=True, out_of_time=True)


async def _write(
    context: DocumentContext, plan: Plan, planned: PlannedSection, evidence: list[Passage], streamed: StreamedText
) -> Draft:
    """The model's whole text, gone on with where the length limit cut it."""
    messages = prompts.section(plan, planned, evidence, contents_tokens=context.context_tokens // 10)
    answer = await _ask(context, messages, planned, plan, streamed)
    parts = [answer.text]
    while answer.finish_reason == "length" and len(parts) <= MAX_CONTINUATIONS and not _enough(parts, planned):
        if context.desk.time_is_short():
            return Draft("".join(parts), cut=True, out_of_time=True)
        streamed.keep()
        # The end of the text is enough to go on from, and the whole might not fit.
        so_far = "".join(parts)[-context.context_tokens // 4 :]
        answer = await _ask(context, prompts.more(messages, so_far), planned, plan, streamed)
        parts.append(answer.text)
    return Draft("".join(parts), cut=answer.finish_reason == "length")


def _enough(parts: list[str], planned: PlannedSection) -> bool:
    """A text past its budget that still goes on is better ended at its last whole sentence."""
    return length_of("".join(parts)) >= planned.target_words


async def _ask(
    context: DocumentContext, messages: tuple[Message, ...], planned: PlannedSection, plan: Plan,
    streamed: StreamedText,
) -> Answer:  # fmt: skip
    tokens = round(planned.target_words * _TOKENS_PER_UNIT) + 60
    tokens += _TOKENS_PER_CITATION * len(planned.evidence)
    request = ChatRequest(
        messages,
        max_tokens=min(tokens, context.answer_tokens),
        temperature=0.4,
        model=context.payload.model,
    )
    # An answer that leaves nothing is not kept: the next attempt would only find it again.
    return await context.model.complete(
        request,
        sink=streamed,
        meter=context.desk.spend,
        keep=lambda answer: bool(check(answer.text, planned, cut=False).text.strip()),
    )


def check(draft: str, planned: PlannedSection, *, cut: bool) -> Checked:
    """The draft as it may stand in the document."""
    return keep_known(tidy(draft, planned.title, planned.level, cut=cut), planned.evidence)


async def _store(context: DocumentContext, planned: PlannedSection, draft: Draft) -> str:
    checked = check(draft.text, planned, cut=draft.cut)
    words = length_of(checked.text)
    if not words or (draft.out_of_time and not holds_sentence(checked.text)):
        code = "section_empty"
        raise TransientError(code, f"The model wrote nothing usable for the section {planned.title!r}.")
    facts = WrittenSection(
        quality=SectionQuality(
            id=planned.id,
            target_words=planned.target_words,
            words=words,
            citations=len(checked.cited),
            unknown_citations=checked.unknown,
            out_of_time=draft.out_of_time,
        )
    )
    await context.desk.store(facts_field(planned.id), facts.model_dump_json().encode())
    await context.desk.store(text_field(planned.id), checked.text.encode())
    return checked.text


def _announce(context: DocumentContext, plan: Plan, planned: PlannedSection, streamed: StreamedText, text: str) -> None:
    context.finished.add(planned.id)
    context.pace.end(planned)
    words = length_of(text)
    context.desk.emit(Section(section_id=planned.id, revision=streamed.revision, title=planned.title, words=words))
    leaves = plan.leaves()
    eta = context.pace.seconds_left(leaf for leaf in leaves if leaf.id not in context.finished)
    done, total = len(context.finished), len(leaves)
    context.progress("section", f"{done} of {total} sections written", 5 + 85 * done / total, planned.id, eta)
