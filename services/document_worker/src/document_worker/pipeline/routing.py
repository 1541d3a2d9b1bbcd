"""Where the graph goes next."""

from langgraph.types import Send

from document_worker.pipeline.state import DocumentState, SectionTask


def to_sections(state: DocumentState) -> list[Send]:
    """One branch for each section that is not written yet."""
    done = set(state.get("done", []))
    return [Send("section", SectionTask(section_id=name)) for name in state["sections"] if name not in done]


def after_collect(state: DocumentState) -> list[Send] | str:
    """Fuse when all are written, or no more can be; after a retried attempt, write those that failed in the last."""
    if state.get("ended_early"):
        return "fuse"
    return to_sections(state) or "fuse"
