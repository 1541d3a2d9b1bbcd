"""After the fan-out: all written, or the attempt ends with the failure that asks for the longest wait."""

from langgraph.runtime import Runtime

from document_worker.pipeline.state import DocumentContext, DocumentState
from shared.contracts.errors import PermanentError, TransientError


async def collect(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Raise what stopped a section in this attempt. Failures of earlier attempts are what is written again next."""
    done = set(state.get("done", []))
    fence = runtime.context.fence
    failures = [
        failure
        for failure in state.get("failed", [])
        if failure["fence"] == fence and failure["section_id"] not in done
    ]
    for failure in failures:
        if not failure["retryable"]:
            raise PermanentError(failure["code"], failure["message"])
    if failures:
        slowest = max(failures, key=lambda failure: failure["retry_after_seconds"])
        raise TransientError(slowest["code"], slowest["message"], slowest["retry_after_seconds"] or None)
    return {}
