"""The beginning of a revision: the document that stands, with one of its sections still to write."""

import asyncio
from collections.abc import Sequence

from langgraph.runtime import Runtime

from document_worker.pipeline.schemas import Evidence
from document_worker.pipeline.state import DocumentContext, DocumentState
from shared.contracts.commands import Revision
from shared.contracts.outline import Research
from shared.contracts.plan import LEDGER, PLAN, Plan, PlannedSection, evidence_field
from shared.evidence import Ledger, Passage
from shared.evidence.ranking import Ranking
from shared.language.text import units
from shared.llm import estimate_tokens

_MOST_ADDED = 4


async def restore(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Make the parent's plan the job's own. Texts, facts and evidence of all other sections lie there already."""
    context = runtime.context
    revision = context.payload.revision
    assert revision is not None
    context.progress("restore", "Reading the document as it stands", 1)
    plan = Plan.model_validate_json(await context.desk.require(PLAN))
    # Written last: a plan with this job's name has all that goes with it.
    if plan.job != str(context.ref):
        ledger = await asyncio.to_thread(Ledger.model_validate_json, await context.desk.require(LEDGER))
        room = context.context_tokens // 4
        passages = await asyncio.to_thread(evidence_for, plan, revision, ledger, room)
        evidence = Evidence(passages=passages, addresses=_addresses(ledger, passages))
        await context.desk.store(evidence_field(revision.section_id), evidence.model_dump_json().encode())
        plan = revised(plan, str(context.ref), revision, passages)
        await context.desk.store(PLAN, plan.model_dump_json().encode())
    context.known_plan.append(plan)
    planned = plan.section(revision.section_id)
    context.progress("restore", "One section to write", 5)
    return {
        "sections": [planned.id] if planned.role == "body" else [],
        "closings": [planned.id] if planned.role != "body" else [],
        "smoothed": True,
    }


def revised(plan: Plan, job: str, revision: Revision, evidence: Sequence[Passage]) -> Plan:
    """The plan with what is asked of the section."""

    def changed(section: PlannedSection) -> PlannedSection:
        if section.id != revision.section_id:
            return section
        asked = {
            "instruction": revision.instruction,
            "target_words": revision.target_words or section.target_words,
            "evidence": [passage.key for passage in evidence],
        }
        return section.model_copy(update=asked)

    return plan.model_copy(update={"job": job, "sections": [changed(section) for section in plan.sections]})


def evidence_for(plan: Plan, revision: Revision, ledger: Ledger, room_tokens: int) -> list[Passage]:
    """What the section rested on, and a few passages that no section has and that speak of what is asked, as far as the
    prompt has room. A passage that says, word for word, what another section was given is that section's to tell.
    """
    known = {passage.key: passage for passage in ledger.passages}
    planned = plan.section(revision.section_id)
    given = [known[key] for key in planned.evidence if key in known]
    if planned.role != "body":
        return given
    dealt = [known[key] for leaf in plan.leaves() for key in leaf.evidence if key in known]
    told = {_spelt(passage) for passage in dealt}
    allowed = {source.id for source in ledger.sources if _may_use(planned.research, source.provider)}
    room = room_tokens - sum(estimate_tokens(passage.text) for passage in given)
    added: list[Passage] = []
    for passage in Ranking(ledger.passages).best(revision.instruction, len(ledger.passages)):
        size = estimate_tokens(passage.text)
        if len(added) == _MOST_ADDED:
            break
        if size <= room and passage.source_id in allowed and _spelt(passage) not in told:
            added.append(passage)
            told.add(_spelt(passage))
            room -= size
    return [*given, *added]


def _may_use(research: Research | None, provider: str) -> bool:
    """Whether a section may rest on what was found so."""
    return research != "none" and (research != "context_only" or provider == "files")


def _spelt(passage: Passage) -> str:
    return " ".join(units(passage.text))


def _addresses(ledger: Ledger, passages: Sequence[Passage]) -> list[str]:
    urls = {source.id: source.url for source in ledger.sources}
    return sorted({url for passage in passages if (url := urls[passage.source_id])})
