"""Every move a script makes, with what it does to fence and attempt: the table of docs/state-machine.md."""

from dataclasses import dataclass

from shared.contracts.states import TRANSITIONS

NOWHERE = "[*]"
"""Before a job is submitted and after it is forgotten, as the diagram draws it."""
Move = tuple[str, str, str]
"""From, to, and the script that makes the move."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a move adds to the fence and to the attempt; None sets the attempt back to 0."""

    fence: int
    attempt: int | None


SETTLED_BY_OWNER = Cost(fence=0, attempt=0)
SETTLED_WITHOUT_OWNER = Cost(fence=1, attempt=0)
CLAIMED = Cost(fence=1, attempt=1)
GIVEN_BACK = Cost(fence=1, attempt=-1)
NEW_RUN = Cost(fence=1, attempt=None)
OTHER_WORKERS = Cost(fence=1, attempt=None)
AWAITING = Cost(fence=0, attempt=None)
FORGOTTEN = Cost(fence=0, attempt=None)

MOVES: dict[Move, Cost] = {
    (NOWHERE, "queued", "submit"): NEW_RUN,
    (NOWHERE, "scheduled", "submit"): NEW_RUN,
    ("scheduled", "queued", "promote"): Cost(fence=1, attempt=0),
    ("scheduled", "cancelled", "cancel"): SETTLED_WITHOUT_OWNER,
    ("queued", "running", "fetch"): CLAIMED,
    ("queued", "failed", "fetch"): SETTLED_WITHOUT_OWNER,
    ("queued", "cancelled", "cancel"): SETTLED_WITHOUT_OWNER,
    ("queued", "cancelled", "fetch"): SETTLED_WITHOUT_OWNER,
    ("running", "running", "fetch"): CLAIMED,
    ("running", "queued", "release"): GIVEN_BACK,
    ("running", "queued", "reconcile"): GIVEN_BACK,
    ("running", "scheduled", "fail"): SETTLED_BY_OWNER,
    ("running", "queued", "handover"): OTHER_WORKERS,
    ("running", "awaiting_review", "handover"): AWAITING,
    ("running", "completed", "finish"): SETTLED_BY_OWNER,
    ("running", "failed", "fail"): SETTLED_BY_OWNER,
    ("running", "failed", "fetch"): SETTLED_WITHOUT_OWNER,
    ("running", "cancelled", "finish"): SETTLED_BY_OWNER,
    ("running", "cancelled", "fail"): SETTLED_BY_OWNER,
    ("running", "cancelled", "release"): SETTLED_BY_OWNER,
    ("running", "cancelled", "handover"): SETTLED_BY_OWNER,
    ("running", "cancelled", "fetch"): SETTLED_WITHOUT_OWNER,
    ("awaiting_review", "queued", "approve"): Cost(fence=1, attempt=0),
    ("awaiting_review", "cancelled", "cancel"): SETTLED_WITHOUT_OWNER,
    ("failed", "queued", "retry"): NEW_RUN,
    ("failed", "queued", "requeue"): NEW_RUN,
    ("cancelled", "queued", "retry"): NEW_RUN,
    ("failed", NOWHERE, "purge"): FORGOTTEN,
}

CHANGE_IN_PLACE = ("awaiting_review", "awaiting_review", "put_outline")
"""No move, and yet told of under a fence that has grown by one."""


def allowed(begin: str, end: str) -> bool:
    """Whether the table of the contracts has the move; it says nothing of jobs that come and go."""
    return NOWHERE in (begin, end) or any(begin == state and end in ends for state, ends in TRANSITIONS.items())
