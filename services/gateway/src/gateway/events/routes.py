"""The event streams: of one job, and of several."""

from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Response

from gateway.dependencies import (
    JobDep,
    Services,
    ServicesDep,
    Watching,
    last_event_id,
    listed_jobs,
    prepared,
    subscription,
)
from gateway.events.responses import all_sent, stream_answers
from gateway.http.problems import DrainingError, JobNotFoundError, ValidationFailedError
from gateway.http.views import API, problems
from gateway.sse.follower import Follower
from gateway.sse.frames import SEVERAL_JOBS, Origin
from gateway.sse.hub import Subscription
from gateway.sse.stream import EventStream, Mark
from shared.contracts.ids import START, EventId
from shared.contracts.jobs import Job
from shared.redis.jobs import Jobs

router = APIRouter(prefix=API, tags=["events"], dependencies=[Depends(prepared)])


@router.get(
    "/jobs/{job_id}/events",
    response_class=Response,
    responses=stream_answers("The job has ended") | problems(JobNotFoundError, DrainingError),
)
async def job_events(
    watching: Annotated[Subscription, Depends(subscription)],
    job: JobDep,
    after: Annotated[EventId, Depends(last_event_id)],
    service: ServicesDep,
) -> Response:
    """Follow a job from its first event, or after `Last-Event-ID`, to the terminal event of its current run."""
    if await all_sent(service.store.jobs, [job], [after]):
        return Response(status_code=204)
    about = Origin(job.ref.job_id, job.kind, job.request_id)
    return _stream(service, [watching], [after], _event_id, about)


@router.get(
    "/events",
    response_class=Response,
    responses=stream_answers("All jobs have ended") | problems(JobNotFoundError, ValidationFailedError, DrainingError),
)
async def multiplexed_events(watching: Annotated[Watching, Depends(listed_jobs)], service: ServicesDep) -> Response:
    """Follow several jobs as one would follow each, until all have ended. Here an event's `id:` is an opaque cursor."""
    found = await _load(service.store.jobs, watching)
    after = watching.resumed or [START] * len(found)
    if await all_sent(service.store.jobs, found, after):
        return Response(status_code=204)
    return _stream(service, watching.subscriptions, after, watching.jobs.cursor, SEVERAL_JOBS)


async def _load(jobs: Jobs, watching: Watching) -> list[Job | None]:
    """The jobs of a list. One that is gone is None to a client that was there, and to others a ProblemError 404."""
    refs = watching.jobs.refs
    structlog.contextvars.bind_contextvars(jobs=len(refs))
    records = await jobs.records(refs)
    found = [Job.from_record(ref, record) if record else None for ref, record in zip(refs, records, strict=True)]
    unknown = [ref.job_id for ref, job in zip(refs, found, strict=True) if job is None]
    if unknown and watching.resumed is None:
        raise JobNotFoundError(f"No job {', '.join(unknown)}, or the record has expired.")
    return found


def _event_id(positions: Sequence[EventId]) -> str:
    (only,) = positions
    return str(only)


def _stream(
    service: Services, watching: Sequence[Subscription], after: Sequence[EventId], mark: Mark, about: Origin
) -> EventStream:
    followers = [
        Follower(subscription, position, service.store.jobs, service.clock)
        for subscription, position in zip(watching, after, strict=True)
    ]
    return EventStream(followers, mark, about, service.hub, service.clock, service.settings)
