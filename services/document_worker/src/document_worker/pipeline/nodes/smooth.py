"""The sections held against each other: what several say is said once.

Sections are written side by side, so none knows what the others said. Odd ones are smoothed first and even ones
after them, so that no two neighbours change at the same time (the order is that of AutoSurvey, Wang et al., 2024).
A section in which nothing is wrong costs no call.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog
from langgraph.runtime import Runtime

from document_worker.pipeline.checks.repetition import Gram, eight_grams
from document_worker.pipeline.nodes.section import assigned, written_percent
from document_worker.pipeline.prompts import mending
from document_worker.pipeline.state import DocumentContext, DocumentState
from document_worker.pipeline.writing.assignment import Assignment
from document_worker.pipeline.writing.drafting import extend
from document_worker.pipeline.writing.length import shortened, too_long, too_short
from document_worker.pipeline.writing.neighbours import Before, Rough, first_said, rough_blocks, said_once
from document_worker.pipeline.writing.review import clean, usable
from document_worker.pipeline.writing.rewording import reworded
from document_worker.pipeline.writing.streamed import StreamedText
from shared.contracts.errors import DraftlineError
from shared.contracts.events import Section
from shared.contracts.plan import Plan, PlannedSection, text_field
from shared.evidence.citations import length_of
from shared.language.markdown import paragraphs
from shared.language.text import reads_as
from shared.llm import BudgetExceededError

log = structlog.get_logger()

_SMOOTHING = "rewording what sections repeat"
_MOST_REWORDED = 3
"""Blocks of a section that are asked for again; what repeats beyond them is left out."""
_LONGEST_BEFORE = 600


async def smooth(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Smooth the body. Where the time is over it stays as it is."""
    context = runtime.context
    plan = await context.plan()
    texts = await context.texts(plan)
    body = [leaf for leaf in plan.leaves() if leaf.id in texts]
    for parity in (1, 0):
        if context.desk.time_is_short():
            break
        # Each sees the others as they stood before this turn. Hundreds of sections hold up the loop no longer than one.
        turn = await asyncio.to_thread(_rough_sections, body, dict(texts), parity)
        if turn and context.goes_without(_SMOOTHING):
            break
        _announce(context, plan, turn)
        changed = await _together([_smoothed(context, plan, rough) for rough in turn])
        for rough, text in zip(turn, changed, strict=True):
            texts[rough.leaf.id] = await kept(context, rough.leaf, texts[rough.leaf.id], text)
    await say_once(context, body, texts)
    return {"smoothed": True, "left_out": sorted(context.without)}


@dataclass(frozen=True, slots=True)
class _RoughSection:
    """A section that repeats what stands in front of it."""

    leaf: PlannedSection
    text: str
    before: str
    """The section in front of it."""
    said: Before
    blocks: list[Rough]


def _rough_sections(body: list[PlannedSection], texts: dict[str, str], parity: int) -> list[_RoughSection]:
    first = first_said(texts[leaf.id] for leaf in body)
    found = []
    for position, leaf in enumerate(body):
        said = Before(first, position)
        if position % 2 == parity and (rough := rough_blocks(texts[leaf.id], said)):
            before = texts[body[position - 1].id] if position else ""
            found.append(_RoughSection(leaf, texts[leaf.id], before, said, rough))
    return found


def _announce(context: DocumentContext, plan: Plan, turn: Sequence[_RoughSection]) -> None:
    """Say what is reworded in this turn, and how long that and the sections still to write will take."""
    reworded_blocks = [rough.blocks[:_MOST_REWORDED] for rough in turn]
    if not reworded_blocks:
        return
    count = sum(map(len, reworded_blocks))
    message = f"Rewording {count} paragraphs" if count > 1 else "Rewording 1 paragraph"
    leaves = plan.leaves()
    unfinished = [leaf for leaf in leaves if leaf.id not in context.finished]
    longest = max(sum(length_of(block.text) for block in found) for found in reworded_blocks)
    seconds = context.pace.seconds_for(longest, answers=max(map(len, reworded_blocks)))
    eta = None if seconds is None else seconds + (context.pace.seconds_left(unfinished) or 0.0)
    percent = written_percent(len(leaves) - len(unfinished), len(leaves))
    context.progress("smooth", f"{message} that others repeat", percent, eta_seconds=eta)


async def _smoothed(context: DocumentContext, plan: Plan, rough: _RoughSection) -> str:
    """The section's text without what earlier ones say."""
    leaf = rough.leaf
    job = replace(await assigned(context, plan, leaf), said=rough.said)
    revision = context.revisions.get(leaf.id)
    try:
        async with asyncio.timeout(context.desk.text_seconds_left()) as scope:
            text = said_once(await _reworded(job, rough), rough.said)
            if too_short(length_of(text), leaf.target_words) and not _hurried(context):
                text = await _extended(job, text)
            return text
    except DraftlineError as error:
        if isinstance(error, BudgetExceededError):
            context.without.add(_SMOOTHING)
        log.warning("not_smoothed", section=leaf.id, code=error.code)
    except TimeoutError:
        if not scope.expired():
            raise
    # What is written stands: smoothing makes a document better, and its failure must not lose it.
    if context.revisions.get(leaf.id) != revision:
        _show(context, leaf, rough.text)
    return rough.text


def _hurried(context: DocumentContext) -> bool:
    return context.desk.time_is_short() or context.goes_without(_SMOOTHING)


async def _reworded(job: Assignment, rough: _RoughSection) -> str:
    """The text with its rough blocks in other words, where the model's are better."""
    pieces = paragraphs(rough.text)
    for block in rough.blocks[:_MOST_REWORDED]:
        lead = pieces[block.number - 1] if block.number else rough.before
        words = max(1, length_of(block.text))
        messages = mending.reword(job.plan, block.text, block.said, lead[-_LONGEST_BEFORE:], words)
        pieces[block.number] = await reworded(job, block.text, messages) or block.text
    return "\n\n".join(pieces)


async def _extended(job: Assignment, text: str) -> str:
    """The text with more paragraphs in place of what was left out."""
    streamed = StreamedText(job.context, job.planned.id)
    longer = clean(await extend(job, text, streamed, usable(job)), job)
    if longer.leftovers or not reads_as(longer.text, job.plan.language):
        return text
    again = longer.text
    return shortened(again, job.planned.target_words) if too_long(longer.words, job.planned.target_words) else again


async def kept(context: DocumentContext, leaf: PlannedSection, before: str, text: str) -> str:
    """Store and show a changed text."""
    if text != before:
        await context.desk.store(text_field(leaf.id), text.encode())
        _show(context, leaf, text)
    return text


def _show(context: DocumentContext, leaf: PlannedSection, text: str) -> None:
    streamed = StreamedText(context, leaf.id)
    streamed.replace(text)
    words = length_of(text)
    context.desk.emit(Section(section_id=leaf.id, revision=streamed.revision, title=leaf.title, words=words))


async def say_once(context: DocumentContext, leaves: Iterable[PlannedSection], texts: dict[str, str]) -> None:
    """What is still said twice, as between two sections written in one turn, stays where it comes first."""
    said: set[Gram] = set()
    for leaf in leaves:
        text = await asyncio.to_thread(said_once, texts[leaf.id], said)
        texts[leaf.id] = await kept(context, leaf, texts[leaf.id], text)
        said.update(eight_grams(text))


async def _together(works: Sequence[Coroutine[object, object, str]]) -> list[str]:
    """All results; the first error ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
