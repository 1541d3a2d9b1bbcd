"""The reference list, and the last check: every number has an entry, every entry is cited."""

from typing import Literal

from langgraph.runtime import Runtime

from document_worker.pipeline.citations import leaked_keys, numbers_in
from document_worker.pipeline.prose import plain
from document_worker.pipeline.schemas import Fused, Plan, WrittenSection
from document_worker.pipeline.state import FUSED, LEDGER, PLAN, RESULT, DocumentContext, DocumentState, facts_field
from shared.contracts.document import (
    Document,
    DocumentResult,
    FileOutcome,
    Quality,
    Reference,
    SectionInfo,
    SectionQuality,
)
from shared.contracts.errors import PermanentError
from shared.retrieval import Ledger
from shared.retrieval.text import is_han


async def references(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Store the finished document. Raises PermanentError ``citation_integrity`` where its citations do not add up."""
    context = runtime.context
    context.progress("references", "Checking the references", 97)
    plan = Plan.model_validate_json(await context.desk.require(PLAN))
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    fused = Fused.model_validate_json(await context.desk.require(FUSED))
    listed = [Reference(number=n, source=ledger.source(name)) for n, name in enumerate(fused.source_ids, 1)]
    check_integrity(fused.body, listed)
    facts = [await _facts(context, leaf.id) for leaf in plan.leaves()]
    words = {fact.id: fact.words for fact in facts}
    document = Document(
        title=plan.title,
        language=plan.language,
        markdown=with_list(fused.body, listed, plan.language),
        sections=[
            SectionInfo(id=section.id, title=section.title, level=section.level, words=words.get(section.id, 0))
            for section in plan.sections
        ],
        references=listed,
        words=sum(words.values()),
    )
    result = DocumentResult(document=document, quality=assess(plan, ledger, listed, facts))
    await context.desk.store(RESULT, result.model_dump_json().encode())
    return {}


def check_integrity(body: str, listed: list[Reference]) -> None:
    """{n in text} = {n in list} = 1..N, or PermanentError."""
    in_text, in_list = numbers_in(body), {reference.number for reference in listed}
    leaked = leaked_keys(body)
    if in_text != in_list or leaked:
        code = "citation_integrity"
        raise PermanentError(code, f"Cited {sorted(in_text)}, listed {sorted(in_list)}, left over {leaked}.")


def with_list(body: str, listed: list[Reference], language: str) -> str:
    """The document with its reference list, or as it is where nothing is cited."""
    if not listed:
        return body + "\n"
    heading = "参考文献" if is_han(language) else "References"
    entries = "\n\n".join(f"\\[{item.number}\\] {plain(item.source.name)}" for item in listed)
    return f"{body}\n\n## {heading}\n\n{entries}\n"


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
    return Quality(
        target_words=sum(leaf.target_words for leaf in plan.leaves()),
        words=sum(fact.words for fact in facts),
        sections=facts,
        files=files,
        evidence=evidence,
    )


async def _facts(context: DocumentContext, section_id: str) -> SectionQuality:
    return WrittenSection.model_validate_json(await context.desk.require(facts_field(section_id))).quality
