"""The reference list in its style, the last check, and what is known about the document."""

import asyncio
from collections.abc import Mapping
from typing import Literal

from langgraph.runtime import Runtime

from document_worker.pipeline.checks.claims import CheckedClaim
from document_worker.pipeline.checks.quality import assess, judged
from document_worker.pipeline.judging import judge
from document_worker.pipeline.schemas import WrittenSection
from document_worker.pipeline.state import FUSED, RESULT, DocumentContext, DocumentState
from shared.contracts.document import Degradation, DegradationCode, Document, DocumentResult, RevisionInfo
from shared.contracts.plan import LEDGER, Plan, facts_field, previous_field, text_field
from shared.evidence import Ledger
from shared.evidence.assembly import Assembled, to_document
from shared.evidence.citations import length_of
from shared.llm import BudgetExceededError

_JUDGING = "a second opinion on doubtful sentences"


async def references(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Store the finished document. Raises CitationIntegrityError where its citations do not add up."""
    context = runtime.context
    context.progress("references", "Checking the references", 97)
    plan = await context.plan()
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    assembled = Assembled.model_validate_json(await context.desk.require(FUSED))
    written = [leaf.id for leaf in plan.leaves() if leaf.id not in assembled.missing]
    texts = {name: (await context.desk.require(text_field(name))).decode() for name in written}
    document = await _document(context, plan, ledger, assembled, texts)
    facts = [await _facts(context, name) for name in written]
    # Holding sentences against passages is a matter of their number, and the loop keeps the leases of other jobs.
    claims = await asyncio.to_thread(judged, plan, ledger, texts)
    judged_by: Literal["offline", "model"] = "offline"
    doubtful = any(claim.verdict == "weak" for found in claims.values() for claim in found)
    if context.judge and not context.desk.time_is_short() and not (doubtful and context.goes_without(_JUDGING)):
        claims, judged_by = await _second_opinion(context, ledger, claims)
    degradations = _degradations(state, context)
    quality = await asyncio.to_thread(
        lambda: assess(plan, ledger, document, texts, facts, claims, degradations, judge=judged_by)
    )
    result = DocumentResult(document=document, quality=quality, revision=await _revision(context, plan, texts))
    await context.desk.store(RESULT, result.model_dump_json().encode())
    return {}


def _degradations(state: DocumentState, context: DocumentContext) -> list[Degradation]:
    """Of all steps; what was left out for want of budget in one, the planning's with it."""
    found = [Degradation.model_validate(each) for each in state.get("degradations", [])]
    degradations = [each for each in found if each.code != DegradationCode.BUDGET_LIMITED]
    limited = [each.message for each in found if each.code == DegradationCode.BUDGET_LIMITED]
    left_out = sorted({*state.get("left_out", []), *context.without})
    if left_out:
        limited.append(f"The budget ran short, so these were left out: {', '.join(left_out)}.")
    if limited:
        degradations.append(Degradation(code=DegradationCode.BUDGET_LIMITED, message=" ".join(limited)))
    if context.estimates:
        message = "The model's endpoint does not report what it uses: tokens are estimated."
        degradations.append(Degradation(code=DegradationCode.USAGE_ESTIMATED, message=message))
    return degradations


async def _second_opinion(
    context: DocumentContext, ledger: Ledger, claims: dict[str, list[CheckedClaim]]
) -> tuple[dict[str, list[CheckedClaim]], Literal["offline", "model"]]:
    """The model's, where it comes in time: a finished document does not wait for it."""
    try:
        async with asyncio.timeout(context.desk.text_seconds_left()) as scope:
            return await judge(context, ledger, claims), "model"
    except BudgetExceededError:
        context.without.add(_JUDGING)
        return claims, "offline"
    except TimeoutError:
        if not scope.expired():
            raise
        return claims, "offline"


async def _document(
    context: DocumentContext, plan: Plan, ledger: Ledger, assembled: Assembled, texts: Mapping[str, str]
) -> Document:
    sources = [ledger.source(name) for name in assembled.source_ids]
    entries = await context.formatter.format(sources, plan.reference_style) if sources else []
    words = {name: length_of(text) for name, text in texts.items()}
    return await asyncio.to_thread(to_document, plan, ledger, assembled, words, entries)


async def _revision(context: DocumentContext, plan: Plan, texts: Mapping[str, str]) -> RevisionInfo | None:
    """What was changed, where a document that stood already was."""
    revision = context.payload.revision
    if revision is None:
        return None
    stood = {name: await context.desk.load(previous_field(name)) for name in texts}
    changed = {name for name, text in stood.items() if text is not None and text.decode() != texts[name]}
    return RevisionInfo(
        parent_job_id=revision.parent_job_id,
        root_job_id=revision.root_job_id,
        section_id=revision.section_id,
        changed_sections=[leaf.id for leaf in plan.leaves() if leaf.id in {revision.section_id, *changed}],
    )


async def _facts(context: DocumentContext, section_id: str) -> WrittenSection:
    return WrittenSection.read(await context.desk.require(facts_field(section_id)))
