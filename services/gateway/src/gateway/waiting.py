"""``Prefer: wait=N``: the answer to a submission waits for the end of the job."""

import re

from gateway.dependencies import Services
from gateway.sse.hub import Subscription
from shared.contracts.events import TERMINAL_EVENTS
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job

LONGEST_SECONDS = 60
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)
_TERMINAL = frozenset(event.value for event in TERMINAL_EVENTS)


def preferred_seconds(prefer: str | None) -> int:
    """How long RFC 7240's ``Prefer`` header asks to wait, 60 s at most; 0 where it does not ask."""
    match = _WAIT.search(prefer or "")
    return min(LONGEST_SECONDS, int(match[1])) if match else 0


async def until_settled(service: Services, ref: JobRef, seconds: float) -> Job | None:
    """The job once it is terminal, or None if it is not within the time or the server stops."""
    deadline = service.clock.monotonic() + seconds
    with service.hub.subscribe(ref) as subscription:
        while not service.hub.draining:
            job = await service.store.get(ref)
            if job is None or job.state.terminal:
                return job
            if not await _ended(service, subscription, deadline):
                return None
    return None


async def _ended(service: Services, subscription: Subscription, deadline: float) -> bool:
    """Wait for an event that ends the job, or for a reason to look at the record again; false when time is over."""
    subscription.behind = False
    while (left := deadline - service.clock.monotonic()) > 0:
        await subscription.wait(left)
        ended = any(event_type in _TERMINAL for _, event_type, _ in subscription.take())
        if ended or subscription.behind or service.hub.draining:
            return True
    return False
