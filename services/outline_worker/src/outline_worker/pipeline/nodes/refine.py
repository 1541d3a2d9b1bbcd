"""The better plan: held against the evidence, and mended."""

import asyncio

from langgraph.runtime import Runtime

from outline_worker.pipeline import prompts
from outline_worker.pipeline.faults import is_useless
from outline_worker.pipeline.nodes.draft import REFINING, ask, request_of
from outline_worker.pipeline.schemas import OutlineDraft
from outline_worker.pipeline.state import LEDGER, OutlineContext, OutlineState
from shared.evidence import Ledger, Passage
from shared.evidence.ranking import Ranking
from shared.language.leftovers import Told
from shared.llm import BudgetExceededError, Message, ModelOutputInvalidError, estimate_tokens
from shared.llm.tokens import estimate_prompt_tokens

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
    drafted, told = OutlineDraft.model_validate_json(state["draft"]), context.told(state["language"])
    kept: OutlineState = {"draft": state["draft"], "repairs": repairs, "faults": [], "shown": shown}
    if not evidence and not faults:
        return kept
    messages = prompts.refine(prompts.draft(request, evidence), state["draft"], faults, by_evidence=bool(evidence))
    try:
        # Warmer with each repair: a model that is stuck would only say the same again.
        found = await ask(context, state, messages, temperature=0.3 + 0.3 * repairs)
    except ModelOutputInvalidError:
        return kept
    except BudgetExceededError:
        if is_useless(drafted, told):
            raise
        return {**kept, "left_out": [*state.get("left_out", []), MENDING if faults else REFINING]}
    refined = found.model_dump_json()
    return kept if _is_worse(refined, drafted, told) else {**kept, "draft": refined}


def _is_worse(refined: str, drafted: OutlineDraft, told: Told) -> bool:
    if not is_useless(OutlineDraft.model_validate_json(refined), told):
        return False
    return not is_useless(drafted, told)


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
