"""Who writes what: leaves, budgets, and each passage of evidence for one leaf only."""

import asyncio
from collections import defaultdict

from langgraph.runtime import Runtime

from document_worker.pipeline.schemas import Plan, PlannedSection
from document_worker.pipeline.state import LEDGER, PLAN, DocumentContext, DocumentState
from shared.contracts.commands import DocumentPayload
from shared.contracts.ids import JobRef
from shared.contracts.outline import Outline, OutlineNode
from shared.retrieval import Ledger, Ranking, build_ledger, read_files
from shared.retrieval.text import detect_language

WORDS_PER_LEAF = 250
"""Where neither the outline nor the request says how long."""
_CHARACTERS_PER_TOKEN = 3


async def split(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Plan the document."""
    context = runtime.context
    context.progress("split", "Planning the sections", 2)
    # Reading and ranking large files takes a while, and the loop keeps the leases of other jobs.
    ledger, plan = await asyncio.to_thread(make_plan, context.ref, context.payload, context.context_tokens)
    await context.desk.store(LEDGER, ledger.model_dump_json().encode())
    await context.desk.store(PLAN, plan.model_dump_json().encode())
    leaves = [section.id for section in plan.leaves()]
    context.progress("split", f"{len(leaves)} sections to write", 5)
    return {"sections": leaves}


def make_plan(ref: JobRef, payload: DocumentPayload, context_tokens: int) -> tuple[Ledger, Plan]:
    """The evidence and the plan of a document."""
    outline = payload.outline
    files = payload.context_files if payload.research != "none" else []
    ledger = build_ledger(str(ref), read_files(files))
    evidence = assign(ledger, outline, context_tokens * _CHARACTERS_PER_TOKEN // 3)
    lengths = budgets(outline.leaves(), payload.target_words)
    sections = [
        PlannedSection(
            id=node.id or "",
            title=node.title,
            level=level,
            summary=node.summary,
            leaf=not node.children,
            target_words=lengths.get(node.id or "", 0),
            evidence=evidence.get(node.id or "", []),
        )
        for node, level in outline.walk()
    ]
    titles = " ".join([outline.title, *(section.title for section in sections)])
    return ledger, Plan(
        title=outline.title,
        language=payload.language or outline.language or detect_language(titles),
        task_prompt=payload.task_prompt or "",
        sections=sections,
    )


def budgets(leaves: list[OutlineNode], total: int | None) -> dict[str, int]:
    """Words for each leaf. A total of the request is kept exactly, in the outline's proportions."""
    wished = {leaf.id or "": float(leaf.target_words or 0) for leaf in leaves}
    known = [words for words in wished.values() if words]
    usual = sum(known) / len(known) if known else (total or WORDS_PER_LEAF * len(leaves)) / len(leaves)
    weights = {name: words or usual for name, words in wished.items()}
    whole = total or round(sum(weights.values()))
    return _apportioned(weights, max(whole, len(leaves)))


def _apportioned(weights: dict[str, float], whole: int) -> dict[str, int]:
    """Largest remainders (Hare quota), at least one word each."""
    scale = whole / sum(weights.values())
    exact = {name: weight * scale for name, weight in weights.items()}
    shares = {name: max(1, int(value)) for name, value in exact.items()}
    rest = whole - sum(shares.values())
    for name in sorted(exact, key=lambda name: shares[name] - exact[name])[: max(rest, 0)]:
        shares[name] += 1
    while rest < 0:
        # Those raised to one word took more than there was: the longest give it back.
        longest = max(shares, key=lambda name: shares[name])
        shares[longest] -= 1
        rest += 1
    return shares


def assign(ledger: Ledger, outline: Outline, room_characters: int) -> dict[str, list[str]]:
    """Each passage to the leaf it speaks of most, best first, as much as a prompt bears."""
    ranking = Ranking(ledger.passages)
    scores = {leaf.id or "": ranking.scores(f"{leaf.title} {leaf.summary}") for leaf in outline.leaves()}
    found: dict[str, list[tuple[float, str, int]]] = defaultdict(list)
    for index, passage in enumerate(ledger.passages):
        name = max(scores, key=lambda name: scores[name][index])
        if scores[name][index] > 0:
            found[name].append((scores[name][index], passage.key, len(passage.text)))
    return {name: _fitting(sorted(items, reverse=True), room_characters) for name, items in found.items()}


def _fitting(items: list[tuple[float, str, int]], room: int) -> list[str]:
    kept = []
    for _, key, length in items:
        if length <= room:
            kept.append(key)
            room -= length
    return kept
