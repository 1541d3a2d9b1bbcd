"""Jobs as the API shows them, with their places in the queue."""

import asyncio
from collections.abc import Sequence

import structlog

from gateway.dependencies import Services
from gateway.schemas import JobView, job_view
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState
from shared.redis.failures import ANY, UNAVAILABLE

log = structlog.get_logger()

PLACES_SECONDS = 1.0


async def show(service: Services, job: Job) -> JobView:
    """One job."""
    return (await show_all(service, [job]))[0]


async def show_all(service: Services, jobs: Sequence[Job]) -> list[JobView]:
    """Several jobs, asking for the places of all that wait at once."""
    try:
        async with asyncio.timeout(PLACES_SECONDS):
            positions = await _positions(service, [job for job in jobs if job.state is JobState.QUEUED])
    except (*UNAVAILABLE, ANY) as error:
        # A place is told by all shards together; a job can be shown without.
        log.warning("places_unknown", error=str(error))
        positions = {}
    now = service.clock.now()
    return [job_view(job, now, positions.get(job.ref)) for job in jobs]


async def _positions(service: Services, waiting: Sequence[Job]) -> dict[JobRef, int]:
    found: dict[JobRef, int] = {}
    for kind in JobKind:
        queued = [job for job in waiting if job.phase is kind]
        if queued:
            ahead = await service.operations.ahead(kind, [(job.band, job.entry) for job in queued])
            found |= {job.ref: count + 1 for job, count in zip(queued, ahead, strict=True)}
    return found
