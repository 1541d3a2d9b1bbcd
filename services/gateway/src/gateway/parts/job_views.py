"""Shows jobs with their places in the queue."""

import asyncio
from collections.abc import Sequence

import structlog

from gateway.http.views import JobView, job_view
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState
from shared.lifecycle.clock import Clock
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.queues import Queues

log = structlog.get_logger()

PLACES_SECONDS = 1.0


class JobViews:
    """Shows jobs; those that are queued with their places."""

    def __init__(self, queues: Queues, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock

    async def show(self, job: Job) -> JobView:
        """One job."""
        return (await self.show_all([job]))[0]

    async def show_all(self, jobs: Sequence[Job]) -> list[JobView]:
        """Several jobs, asking for the places of all that wait at once."""
        try:
            async with asyncio.timeout(PLACES_SECONDS):
                positions = await self._positions([job for job in jobs if job.state is JobState.QUEUED])
        except (*UNAVAILABLE, ANY) as error:
            # A place is told by all shards together; a job can be shown without.
            log.warning("places_unknown", error=str(error))
            positions = {}
        now = self._clock.now()
        return [job_view(job, now, positions.get(job.ref)) for job in jobs]

    async def _positions(self, waiting: Sequence[Job]) -> dict[JobRef, int]:
        found: dict[JobRef, int] = {}
        for kind in JobKind:
            queued = [job for job in waiting if job.phase is kind]
            if queued:
                ahead = await self._queues.ahead(kind, [(job.band, job.entry) for job in queued])
                found |= {job.ref: count + 1 for job, count in zip(queued, ahead, strict=True)}
        return found
