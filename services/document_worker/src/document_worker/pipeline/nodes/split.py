"""Who writes what: leaves, budgets, terms, and each passage of evidence for one leaf only."""

import asyncio
from collections.abc import Mapping, Sequence

from langgraph.runtime import Runtime

from document_worker.pipeline.evidence.dealing import deal
from document_worker.pipeline.evidence.nearness import vectors_of
from document_worker.pipeline.prompts import planning
from document_worker.pipeline.schemas import Evidence, Keywords
from document_worker.pipeline.state import DocumentContext, DocumentState
from document_worker.pipeline.writing.terms import shared_terms
from shared.contracts.commands import DocumentPayload, ReferenceStyleName
from shared.contracts.outline import Outline, OutlineNode, Research
from shared.contracts.plan import LEDGER, PLAN, Plan, PlannedSection, evidence_field
from shared.contracts.roles import leaf_roles
from shared.contracts.shape import budgets
from shared.evidence import Ledger, Passage
from shared.evidence.hybrid import HybridRanking
from shared.language.text import detect_language, is_han, units
from shared.llm import BudgetExceededError, ChatRequest, ModelOutputInvalidError, complete_json, estimate_tokens

_MOST_PASSAGES = 16
_KEYWORDS_AT_ONCE = 30
_TRANSLATING = "search words in the language of the sources"


async def split(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Plan the document."""
    context = runtime.context
    context.progress("split", "Planning the sections", 3)
    outline = context.outline
    # Parsing and ranking large evidence takes a while, and the loop keeps the leases of other jobs.
    ledger = await asyncio.to_thread(Ledger.model_validate_json, await context.desk.require(LEDGER))
    language = context.payload.language or outline.language or detect_language(_headings(outline))
    queries = await _queries(context, outline, ledger, language)
    passages, wanted, degradations = await vectors_of(context, ledger, list(queries.values()))
    ranked = await asyncio.to_thread(
        lambda: HybridRanking(ledger.passages, passages).score_all(list(queries.values()), wanted)
    )
    evidence = await asyncio.to_thread(
        assign, ledger, outline, dict(zip(queries, ranked, strict=True)), context.context_tokens // 4,
        outline.research(context.payload.research),
    )  # fmt: skip
    plan = make_plan(str(context.ref), outline, context.payload, language, evidence)
    sources = {source.id: source for source in ledger.sources}
    for section_id, given in evidence.items():
        addresses = sorted({url for passage in given if (url := sources[passage.source_id].url)})
        stored = Evidence(passages=given, addresses=addresses)
        await context.desk.store(evidence_field(section_id), stored.model_dump_json().encode())
    await context.desk.store(PLAN, plan.model_dump_json().encode())
    context.known_plan.append(plan)
    leaves = plan.leaves()
    context.progress("split", f"{len(leaves)} sections to write", 5)
    return {
        "sections": [leaf.id for leaf in leaves if leaf.role == "body"],
        "closings": [leaf.id for leaf in leaves if leaf.role != "body"],
        "degradations": [degradation.model_dump() for degradation in degradations],
        "left_out": sorted(context.without),
    }


def make_plan(
    job: str, outline: Outline, payload: DocumentPayload, language: str, evidence: Mapping[str, Sequence[Passage]]
) -> Plan:
    """The plan of a document, for evidence that is dealt out already."""
    leaves = outline.leaves()
    lengths = budgets(leaves, payload.target_words)
    roles = leaf_roles(outline)
    allowed = outline.research(payload.research)
    sections = [
        PlannedSection(
            id=node.id or "",
            title=node.title,
            level=level,
            summary=node.summary,
            leaf=not node.children,
            role=roles.get(node.id or "", "body"),
            target_words=lengths.get(node.id or "", 0),
            evidence=[passage.key for passage in evidence.get(node.id or "", [])],
            research=allowed.get(node.id or ""),
        )
        for node, level in outline.walk()
    ]
    usual: ReferenceStyleName = "gb-t-7714-2015" if language.partition("-")[0].lower() == "zh" else "ieee"
    return Plan(
        title=outline.title,
        language=language,
        task_prompt=payload.task_prompt or "",
        sections=sections,
        job=job,
        terms=shared_terms(outline),
        reference_style=payload.reference_style or usual,
    )


def assign(
    ledger: Ledger,
    outline: Outline,
    scores: Mapping[str, Mapping[int, float]],
    room_tokens: int,
    allowed: Mapping[str, Research],
) -> dict[str, list[Passage]]:
    """Each passage to one section at most, best first, as much as a prompt bears and a section can use, and of what it
    may rest on.
    """
    roles = leaf_roles(outline)
    names = [leaf.id or "" for leaf in outline.leaves() if roles.get(leaf.id or "", "body") == "body"]
    sizes = [estimate_tokens(passage.text) for passage in ledger.passages]
    doubles = _doubles(ledger.passages)
    found = {source.id for source in ledger.sources if source.provider != "files"}
    barred = {
        "none": set(range(len(ledger.passages))),
        "context_only": {index for index, passage in enumerate(ledger.passages) if passage.source_id in found},
        "web": set[int](),
    }
    offered = [
        {index: score for index, score in scores[name].items() if index not in doubles | barred[allowed[name]]}
        for name in names
    ]
    dealt = deal(offered, sizes, room_tokens, _MOST_PASSAGES)
    return {
        name: [ledger.passages[index] for index in indexes]
        for name, indexes in zip(names, dealt, strict=True)
        if indexes
    }


def _doubles(passages: Sequence[Passage]) -> set[int]:
    """Passages that say, word for word, what an earlier one says: two sections would each be given the same to tell."""
    seen: set[str] = set()
    doubles = set()
    for index, passage in enumerate(passages):
        text = " ".join(units(passage.text))
        if text in seen:
            doubles.add(index)
        seen.add(text)
    return doubles


async def _queries(context: DocumentContext, outline: Outline, ledger: Ledger, language: str) -> dict[str, str]:
    """What each leaf is about, by its id; also in the language of the sources where that is another one."""
    leaves = outline.leaves()
    queries = {leaf.id or "": f"{leaf.title} {leaf.summary}" for leaf in leaves}
    foreign = _foreign_language(ledger, language)
    if foreign is None or context.desk.time_is_short() or context.goes_without(_TRANSLATING):
        return queries
    for start in range(0, len(leaves), _KEYWORDS_AT_ONCE):
        batch = leaves[start : start + _KEYWORDS_AT_ONCE]
        for leaf, keywords in zip(batch, await _keywords(context, batch, foreign), strict=False):
            queries[leaf.id or ""] += f" {keywords}"
    return queries


async def _keywords(context: DocumentContext, leaves: Sequence[OutlineNode], language: str) -> list[str]:
    """Search words for each leaf; none where the model does not give them in the form asked for."""
    request = ChatRequest(
        planning.keywords([leaf.title for leaf in leaves], language),
        max_tokens=min(context.answer_tokens, 100 + 40 * len(leaves)),
        temperature=0.0,
        model=context.payload.model,
    )
    try:
        return (await complete_json(context.model, request, Keywords, meter=context.spend)).keywords
    except ModelOutputInvalidError:
        return []
    except BudgetExceededError:
        context.without.add(_TRANSLATING)
        return []


def _foreign_language(ledger: Ledger, language: str) -> str | None:
    """The language of sources in which no word of the outline can occur."""
    others = [
        source.language for source in ledger.sources if source.language and is_han(source.language) != is_han(language)
    ]
    return max(set(others), key=others.count) if others else None


def _headings(outline: Outline) -> str:
    return " ".join([outline.title, *(node.title for node, _ in outline.walk())])
