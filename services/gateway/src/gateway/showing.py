"""Jobs as the API shows them, with their places in the queue."""

from collections.abc import Sequence

from gateway.dependencies import Services
from gateway.schemas import JobView, job_view
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState


async def show(service: Services, job: Job) -> JobView:
    """One job."""
    return (await show_all(service, [job]))[0]


async def show_all(service: Services, jobs: Sequence[Job]) -> list[JobView]:
    """Several jobs, asking for the places of all that wait at once."""
    positions = await _positions(service, [job for job in jobs if job.state is JobState.QUEUED])
    now = service.clock.now()
    return [job_view(job, now, positions.get(job.ref)) for job in jobs]


async def _positions(service: Services, waiting: Sequence[Job]) -> dict[JobRef, int]:
    found: dict[JobRef, int] = {}
    for kind in JobKind:
        queued = [job for job in waiting if job.kind is kind]
        if queued:
            ahead = await service.operations.ahead(kind, [(job.band, job.entry) for job in queued])
            found |= {job.ref: count + 1 for job, count in zip(queued, ahead, strict=True)}
    return found
