"""Where the graph goes next."""

from typing import Literal

from outline_worker.pipeline.state import OutlineState

MAX_REPAIRS = 2
"""How often a faulty draft is shown to the model again."""


def after_draft(state: OutlineState) -> Literal["refine", "validate"]:
    """Only evidence can teach the draft something."""
    may_refine = not state.get("time_limited") and not state.get("left_out")
    return "refine" if state.get("passages") and may_refine else "validate"


def after_validate(state: OutlineState) -> Literal["refine", "__end__"]:
    """A faulty draft goes back to the model; ``validate`` names faults only while repairs are left."""
    return "refine" if state.get("faults") else "__end__"
