"""After the fan-out: all written, or the time is over, or the attempt ends with the failure that asks for the longest
wait.
"""

from collections.abc import Set as AbstractSet

from langgraph.runtime import Runtime

from document_worker.pipeline.state import DocumentContext, DocumentState
from shared.contracts.errors import PermanentError, TimeLimitExceededError, TransientError


async def collect(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Raise what stopped a section in this attempt. Failures of earlier attempts are what is written again next."""
    done = set(state.get("done", []))
    context = runtime.context
    failures = [error for section_id, error in context.failures.items() if section_id not in done]
    for error in failures:
        if isinstance(error, PermanentError):
            raise error
    leaves = {*state["sections"], *state.get("closings", [])}
    if context.desk.time_is_short() and not leaves <= context.finished:
        return _end_early(context, leaves)
    passing = [error for error in failures if isinstance(error, TransientError)]
    if passing:
        raise max(passing, key=lambda error: error.retry_after_seconds or 0.0)
    return {}


def _end_early(context: DocumentContext, leaves: AbstractSet[str]) -> DocumentState:
    """Finish with the sections there are; raises TimeLimitExceededError where there are none."""
    if not leaves & context.finished:
        message = "The soft time limit came before any section was finished."
        raise TimeLimitExceededError(message)
    return {"ended_early": True}
