"""The better plan: held against the evidence, and mended."""

import asyncio

from langgraph.runtime import Runtime

from outline_worker.pipeline import prompts
from outline_worker.pipeline.faults import is_useless
from outline_worker.pipeline.nodes.draft import REFINING, ask, request_of
from outline_worker.pipeline.schemas import OutlineDraft
from outline_worker.pipeline.state import LEDGER, OutlineContext, OutlineState
from shared.contracts.errors import PermanentError, TransientError
from shared.llm import Message, estimate_tokens
from shared.llm.tokens import estimate_prompt_tokens
from shared.retrieval import Ledger, Passage
from shared.retrieval.ranking import Ranking

_EVIDENCE_PASSAGES = 12
MENDING = "mending the outline"


async def refine(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Improve the draft by the evidence and by the faults that were found in it; it stays where nothing better comes.

    An answer that is no outline costs the improvement, not the job; and so does the end of the budget.
    """
    context = runtime.context
    faults = state.get("faults", [])
    context.progress("refine", "Mending the outline" if faults else "Refining the outline", 65)
    request = request_of(context, state)
    bare = prompts.refine(prompts.draft(request, []), state["draft"], faults, by_evidence=True)
    evidence, sources = await _evidence(context, state, bare)
    repairs = state.get("repairs", 0) + (1 if faults else 0)
    shown = list(dict.fromkeys([*state.get("shown", []), *sources]))
    drafted = OutlineDraft.model_validate_json(state["draft"])
    kept: OutlineState = {"draft": state["draft"], "repairs": repairs, "faults": [], "shown": shown}
    if not evidence and not faults:
        return kept
    messages = prompts.refine(prompts.draft(request, evidence), state["draft"], faults, by_evidence=bool(evidence))
    try:
        # Warmer with each repair: a model that is stuck would only say the same again.
        found = await ask(context, state, messages, temperature=0.3 + 0.3 * repairs)
    except TransientError as error:
        if error.code != "model_output_invalid":
            raise
        return kept
    except PermanentError as error:
        if error.code != "budget_exceeded" or is_useless(drafted, state["language"]):
            raise
        return {**kept, "left_out": [*state.get("left_out", []), MENDING if faults else REFINING]}
    refined = found.model_dump_json()
    return kept if _is_worse(refined, drafted, state["language"]) else {**kept, "draft": refined}


def _is_worse(refined: str, drafted: OutlineDraft, language: str) -> bool:
    if not is_useless(OutlineDraft.model_validate_json(refined), language):
        return False
    return not is_useless(drafted, language)


async def _evidence(
    context: OutlineContext, state: OutlineState, bare: tuple[Message, ...]
) -> tuple[list[Passage], list[str]]:
    """The passages nearest to the request that go with the rest of the prompt, and the names of their sources."""
    if not state.get("passages"):
        return [], []
    # Counts are estimates: half the context for what is asked leaves the answer its third in any case.
    room = min(context.context_tokens // 4, context.context_tokens // 2 - estimate_prompt_tokens(bare))
    query = " ".join([context.task_prompt, *state["questions"]])
    raw = await context.desk.require(LEDGER)
    # Ranking large files takes a while, and the loop keeps the leases of other jobs.
    return await asyncio.to_thread(choose, raw, query, room)


def choose(stored: bytes, query: str, room_tokens: int) -> tuple[list[Passage], list[str]]:
    """The best passages of a stored ledger, up to a number of tokens, and the names of their sources."""
    ledger = Ledger.model_validate_json(stored)
    chosen: list[Passage] = []
    for passage in Ranking(ledger.passages).best(query, _EVIDENCE_PASSAGES):
        tokens = estimate_tokens(passage.text)
        if tokens <= room_tokens:
            chosen.append(passage)
            room_tokens -= tokens
    return chosen, list(dict.fromkeys(ledger.source(passage.source_id).name for passage in chosen))
