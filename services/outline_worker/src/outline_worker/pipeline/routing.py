"""Where the graph goes next."""

from typing import Literal

from outline_worker.pipeline.state import OutlineState

MAX_REPAIRS = 1


def after_draft(state: OutlineState) -> Literal["refine", "validate"]:
    """Only evidence can teach the draft something."""
    return "refine" if state.get("passages") else "validate"


def after_validate(state: OutlineState) -> Literal["refine", "__end__"]:
    """A faulty draft is shown to the model once more."""
    return "refine" if state.get("faults") else "__end__"
