"""The neighbours of a section that was written again: changed only where they point at what is no longer there."""

import asyncio
from dataclasses import dataclass

import structlog
from langgraph.runtime import Runtime

from document_worker.pipeline.checks.pointing import Direction, outdated
from document_worker.pipeline.nodes.section import assigned
from document_worker.pipeline.nodes.smooth import kept
from document_worker.pipeline.prompts import mending
from document_worker.pipeline.state import DocumentContext, DocumentState
from document_worker.pipeline.surroundings import neighbours_of, within
from document_worker.pipeline.writing.rewording import reworded
from shared.contracts.errors import DraftlineError
from shared.contracts.plan import Plan, PlannedSection, previous_field, text_field
from shared.evidence.citations import length_of, without_keys
from shared.language.markdown import paragraphs
from shared.llm import BudgetExceededError

log = structlog.get_logger()

_MENDING = "mending transitions"


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """The section that was written again, as it read and as it reads."""

    planned: PlannedSection
    before: str
    now: str


async def transitions(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Mend the transitions to and from the new text. Where the time is over they stay as they are."""
    context = runtime.context
    revision = context.payload.revision
    assert revision is not None
    context.progress("transitions", "Checking what stands beside it", 91)
    plan = await context.plan()
    before = await context.desk.load(previous_field(revision.section_id))
    if before is None:
        # Nobody can have pointed at what was not there.
        return {}
    now = (await context.desk.require(text_field(revision.section_id))).decode()
    rewritten = _Rewritten(plan.section(revision.section_id), before.decode(), now)
    in_front, behind = neighbours_of(plan, revision.section_id)
    await _mend(context, plan, rewritten, in_front, "ahead")
    await _mend(context, plan, rewritten, behind, "back")
    return {"left_out": sorted(context.without)}


async def _mend(
    context: DocumentContext, plan: Plan, rewritten: _Rewritten, leaf: PlannedSection | None, direction: Direction
) -> None:
    """Put the neighbour's adjoining block in other words if it points, in the direction, at what is gone."""
    # An introduction or a conclusion speaks of the whole document, not of the section beside it.
    if leaf is None or leaf.role != "body" or leaf.id not in context.finished or context.desk.time_is_short():
        return
    # An attempt that was broken off may have changed it: the same is found again, asked for again, and shown.
    stored = await context.desk.load(previous_field(leaf.id)) or await context.desk.require(text_field(leaf.id))
    text = stored.decode()
    block = paragraphs(text)[-1 if direction == "ahead" else 0]
    stale = outdated(block, direction, rewritten.before, rewritten.now)
    if not stale or block not in text or context.goes_without(_MENDING):
        return
    again = await _bridged(context, plan, rewritten, leaf, block, stale)
    if again is None or outdated(again, direction, rewritten.before, rewritten.now):
        return
    await context.desk.store(previous_field(leaf.id), text.encode())
    at = text.rindex(block) if direction == "ahead" else text.index(block)
    await kept(context, leaf, text, text[:at] + again + text[at + len(block) :])


async def _bridged(
    context: DocumentContext, plan: Plan, rewritten: _Rewritten, leaf: PlannedSection, block: str, stale: list[str]
) -> str | None:
    """The block in words that go with the new text, or None where the model has no better ones."""
    now = within(without_keys(rewritten.now), context.context_tokens // 4)
    messages = mending.bridge(plan, block, stale, rewritten.planned.title, now, max(1, length_of(block)))
    try:
        async with asyncio.timeout(context.desk.text_seconds_left()) as scope:
            return await reworded(await assigned(context, plan, leaf), block, messages)
    except DraftlineError as error:
        # What is written stands: a document with a stale pointer is better than none.
        if isinstance(error, BudgetExceededError):
            context.without.add(_MENDING)
        log.warning("transition_not_mended", section=leaf.id, code=error.code)
    except TimeoutError:
        if not scope.expired():
            raise
    return None
