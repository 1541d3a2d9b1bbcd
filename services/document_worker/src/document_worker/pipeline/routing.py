"""Where the graph goes next."""

from collections.abc import Sequence

from langgraph.runtime import Runtime
from langgraph.types import Send

from document_worker.pipeline.state import DocumentContext, DocumentState, SectionTask


def begin(state: DocumentState, runtime: Runtime[DocumentContext]) -> str:
    """A revision goes on from the document that stands; all else begins with the evidence."""
    return "gather" if runtime.context.payload.revision is None else "restore"


def to_sections(state: DocumentState, runtime: Runtime[DocumentContext]) -> list[Send] | str:
    """One branch for each section of the body that is not written yet."""
    return _branches(state, state["sections"]) or after_body(state, runtime)


def after_body(state: DocumentState, runtime: Runtime[DocumentContext]) -> list[Send] | str:
    """Smooth once all of the body is written; then introduction and conclusion, from what it says; then fuse, of a
    revision once the transitions are seen to.
    """
    if not state.get("smoothed"):
        return "smooth"
    last = "fuse" if runtime.context.payload.revision is None else "transitions"
    return _branches(state, state.get("closings", [])) or last


def after_collect(state: DocumentState, runtime: Runtime[DocumentContext]) -> list[Send] | str:
    """Fuse when no more can be written; after a retried attempt, write those that failed in the last."""
    return "fuse" if state.get("ended_early") else to_sections(state, runtime)


def _branches(state: DocumentState, sections: Sequence[str]) -> list[Send]:
    done = set(state.get("done", []))
    return [Send("section", SectionTask(section_id=name)) for name in sections if name not in done]
