"""After the fan-out: all written, or the time is over, or the attempt ends with the failure that asks for the longest
wait.
"""

from collections.abc import Set as AbstractSet

from langgraph.runtime import Runtime

from document_worker.pipeline.state import DocumentContext, DocumentState
from shared.contracts.errors import PermanentError, TransientError


async def collect(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Raise what stopped a section in this attempt. Failures of earlier attempts are what is written again next."""
    done = set(state.get("done", []))
    context = runtime.context
    failures = [
        failure
        for failure in state.get("failed", [])
        if failure["fence"] == context.fence and failure["section_id"] not in done
    ]
    for failure in failures:
        if not failure["retryable"]:
            raise PermanentError(failure["code"], failure["message"])
    leaves = {*state["sections"], *state.get("closings", [])}
    if context.desk.time_is_short() and not leaves <= context.finished:
        return _end_early(context, leaves)
    if failures:
        slowest = max(failures, key=lambda failure: failure["retry_after_seconds"])
        raise TransientError(slowest["code"], slowest["message"], slowest["retry_after_seconds"] or None)
    return {}


def _end_early(context: DocumentContext, leaves: AbstractSet[str]) -> DocumentState:
    """Finish with the sections there are; raises PermanentError ``time_limit_exceeded`` where there are none."""
    if not leaves & context.finished:
        code = "time_limit_exceeded"
        raise PermanentError(code, "The soft time limit came before any section was finished.")
    return {"ended_early": True}
