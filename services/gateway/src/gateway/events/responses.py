"""What the event streams of one job, of several and of a batch have in common."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.contracts.ids import EventId
from shared.contracts.jobs import Job
from shared.redis.jobs import Jobs


def stream_answers(ended: str) -> dict[int | str, dict[str, Any]]:
    """What a stream's route documents."""
    stream = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        200: {"content": stream, "description": "Server-sent events, see docs/events.md"},
        204: {"description": f"{ended} and there is nothing newer"},
    }


async def all_sent(store: Jobs, jobs: Sequence[Job | None], after: Sequence[EventId]) -> bool:
    """Whether all jobs have ended, or are gone, and the client has the last event of each."""
    there = [(job, position) for job, position in zip(jobs, after, strict=True) if job is not None]
    if not all(job.state.terminal for job, _ in there):
        return False
    newest = await asyncio.gather(*(store.last_event_id(job.ref) for job, _ in there))
    return newest == [position for _, position in there]
