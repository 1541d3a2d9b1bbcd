"""The first plan, from the request alone."""

from langgraph.runtime import Runtime
from pydantic import BaseModel

from outline_worker.pipeline import prompts
from outline_worker.pipeline.schemas import draft_schema
from outline_worker.pipeline.state import OutlineContext, OutlineState
from shared.contracts.shape import is_framed
from shared.llm import ChatRequest, Message, complete_json

REFINING = "refining the outline by the evidence"


async def draft(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Propose an outline. Where evidence waits, but no time or budget is left to refine by it, its quality says so."""
    context = runtime.context
    context.progress("draft", "Drafting the outline", 40)
    found = await ask(context, state, prompts.draft(request_of(context, state), []), temperature=0.3)
    cannot_refine = bool(state.get("passages")) and context.desk.time_is_short()
    too_dear = bool(state.get("passages")) and context.budget.is_short()
    return {
        "draft": found.model_dump_json(),
        "time_limited": state.get("time_limited", False) or cannot_refine,
        "left_out": [REFINING] if too_dear else [],
    }


def request_of(context: OutlineContext, state: OutlineState) -> prompts.Request:
    """What the prompts need of context and state."""
    return prompts.Request(
        job=str(context.ref),
        prompt=context.task_prompt,
        language=state["language"],
        brief=state["brief"],
        questions=list(zip(state["viewpoints"], state["questions"], strict=True)),
        shape=context.shape(state["language"]),
        framed=is_framed(state["language"], context.target_words),
    )


async def ask(
    context: OutlineContext, state: OutlineState, messages: tuple[Message, ...], *, temperature: float
) -> BaseModel:
    """A draft from the model. Raises what ``complete_json`` raises."""
    shape = context.shape(state["language"])
    request = ChatRequest(
        messages,
        max_tokens=min(context.answer_tokens, shape.answer_tokens),
        temperature=temperature,
        model=context.command.model,
    )
    schema = draft_schema(shape.sections, shape.subsections)
    return await complete_json(context.model, request, schema, meter=context.spend)
