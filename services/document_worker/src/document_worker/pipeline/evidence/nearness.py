"""Vectors of the passages and of what each section is about, where an endpoint gives them."""

import asyncio
from collections.abc import Sequence

from document_worker.pipeline.state import DocumentContext
from shared.contracts.document import Degradation, DegradationCode
from shared.contracts.tokens import estimate_tokens
from shared.evidence import Ledger
from shared.evidence.hybrid import Rows, pack, unpack

_EMBEDDING = "ranking passages by their meaning"
_PASSAGES = "vectors"
_QUERIES = "query_vectors"
"""Stored work: a crash does not pay for them again."""


async def vectors_of(
    context: DocumentContext, ledger: Ledger, queries: Sequence[str]
) -> tuple[Rows | None, Rows | None, list[Degradation]]:
    """Of the passages and of the queries; both or none, and then why."""
    if not ledger.passages:
        return None, None, []
    texts = [f"{one.heading} {one.text}" for one in ledger.passages]
    if context.embedder.configured and await _too_dear(context, [*texts, *queries]):
        return None, None, []
    passages, reason = await _vectors(context, _PASSAGES, texts)
    if passages is not None:
        wanted, reason = await _vectors(context, _QUERIES, queries)
        if wanted is not None and len(wanted) and len(wanted[0]) == len(passages[0]):
            return passages, wanted, []
        reason = reason or "The embedding model has changed while the job was under way."
    if reason:
        message = f"{reason} Ranked by words alone."
        return None, None, [Degradation(code=DegradationCode.EMBEDDINGS_FAILED, message=message)]
    message = "No embedding model is set: ranked by words alone."
    return None, None, [Degradation(code=DegradationCode.NO_EMBEDDINGS, message=message)]


async def _too_dear(context: DocumentContext, texts: Sequence[str]) -> bool:
    """Whether the budget is too short for embeddings. They hold no room: all of it is asked for at once."""
    if await context.desk.load(_PASSAGES) is not None:
        return False
    tokens = await asyncio.to_thread(lambda: sum(map(estimate_tokens, texts)))
    too_dear = context.budget.is_short(tokens)
    if too_dear:
        context.without.add(_EMBEDDING)
    return too_dear


async def _vectors(context: DocumentContext, name: str, texts: Sequence[str]) -> tuple[Rows | None, str]:
    stored = await context.desk.load(name)
    if stored is not None:
        return unpack(stored), ""
    found = await context.embedder.vectors(texts, context.spend)
    if found.vectors is not None:
        await context.desk.store(name, pack(found.vectors))
    return found.vectors, found.reason
