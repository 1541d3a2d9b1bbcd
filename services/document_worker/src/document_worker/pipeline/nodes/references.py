"""The reference list, and the last check: every number has an entry, every entry is cited."""

from typing import Literal

from langgraph.runtime import Runtime

from document_worker.pipeline.schemas import WrittenSection
from document_worker.pipeline.state import FUSED, RESULT, DocumentContext, DocumentState, facts_field
from shared.contracts.document import DocumentResult, FileOutcome, MissingSection, Quality, Reference, SectionQuality
from shared.contracts.plan import LEDGER, Plan
from shared.retrieval import Ledger
from shared.retrieval.assembly import Assembled, to_document


async def references(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Store the finished document. Raises PermanentError ``citation_integrity`` where its citations do not add up."""
    context = runtime.context
    context.progress("references", "Checking the references", 97)
    plan = await context.plan()
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    assembled = Assembled.model_validate_json(await context.desk.require(FUSED))
    facts = [await _facts(context, leaf.id) for leaf in plan.leaves() if leaf.id not in assembled.missing]
    document = to_document(plan, ledger, assembled, {fact.id: fact.words for fact in facts})
    result = DocumentResult(document=document, quality=assess(plan, ledger, document.references, facts))
    await context.desk.store(RESULT, result.model_dump_json().encode())
    return {}


def assess(plan: Plan, ledger: Ledger, listed: list[Reference], facts: list[SectionQuality]) -> Quality:
    """What is known about the document."""
    cited = {reference.source.id for reference in listed}
    files = [
        FileOutcome(name=source.name, status="used" if source.id in cited else "not_used") for source in ledger.sources
    ]
    files += [FileOutcome(name=name, status="unreadable", detail=why) for name, why in ledger.unreadable]
    evidence: Literal["none", "given_not_matched", "given_not_cited", "cited"] = "none"
    if listed:
        evidence = "cited"
    elif any(leaf.evidence for leaf in plan.leaves()):
        evidence = "given_not_cited"
    elif ledger.passages:
        evidence = "given_not_matched"
    written = {fact.id for fact in facts}
    missing = [MissingSection(id=leaf.id, title=leaf.title) for leaf in plan.leaves() if leaf.id not in written]
    return Quality(
        target_words=sum(leaf.target_words for leaf in plan.leaves()),
        words=sum(fact.words for fact in facts),
        sections=facts,
        time_limited=bool(missing) or any(fact.out_of_time for fact in facts),
        missing_sections=missing,
        files=files,
        evidence=evidence,
    )


async def _facts(context: DocumentContext, section_id: str) -> SectionQuality:
    return WrittenSection.model_validate_json(await context.desk.require(facts_field(section_id))).quality
