"""``Prefer: wait=N``: the answer to a submission waits for the end of the job."""

import re

from gateway.sse.hub import FeedHub, Subscription
from shared.contracts.events import TERMINAL_EVENTS, EventType
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobState
from shared.lifecycle.clock import Clock
from shared.redis.jobs import Jobs

LONGEST_SECONDS = 60
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)
_LOOKED_AT = frozenset(event.value for event in (*TERMINAL_EVENTS, EventType.OUTLINE_READY))
"""Events after which there may be nothing more to wait for."""


def preferred_seconds(prefer: str | None) -> int:
    """How long RFC 7240's ``Prefer`` header asks to wait, 60 s at most; 0 where it does not ask."""
    match = _WAIT.search(prefer or "")
    return min(LONGEST_SECONDS, int(match[1])) if match else 0


async def until_settled(jobs: Jobs, hub: FeedHub, clock: Clock, ref: JobRef, seconds: float) -> Job | None:
    """The job once it is terminal or waits for a person, else as it is when the time is over or the server stops.

    None where its record is gone.
    """
    deadline = clock.monotonic() + seconds
    with hub.subscribe(ref) as subscription:
        while not hub.draining:
            job = await jobs.get(ref)
            if job is None or job.state.terminal or job.state is JobState.AWAITING_REVIEW:
                return job
            if not await _told(hub, clock, subscription, deadline):
                break
    return await jobs.get(ref)


async def _told(hub: FeedHub, clock: Clock, subscription: Subscription, deadline: float) -> bool:
    """Wait for an event that settles the job, or for a reason to look at the record again; false when time is over."""
    subscription.behind = False
    while (left := deadline - clock.monotonic()) > 0:
        await subscription.wait(left)
        told = any(event_type in _LOOKED_AT for _, event_type, _ in subscription.take())
        if told or subscription.behind or hub.draining:
            return True
    return False
