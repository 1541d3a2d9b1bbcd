"""Batches: submit many jobs with one request, follow, cancel and retry them together."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request, Response

from gateway.batches.items import BatchCommand, read_batch
from gateway.batches.members import Acceptance, BatchDep, KnownBatch, cancel_all, jobs_of, list_page, retry_failed
from gateway.batches.problems import BatchIdConflictError, BatchNotFoundError
from gateway.batches.storing import BatchIntakeDep
from gateway.batches.views import AcceptedBatch, BatchCancelled, BatchRetried, BatchView, accepted_batch, batch_view
from gateway.dependencies import (
    BODY_PROBLEMS,
    IdempotencyKeyDep,
    RequestIdDep,
    ResumeDep,
    ServicesDep,
    json_body,
    new_job_id,
    prepared,
    refuse_while_draining,
)
from gateway.events.responses import all_sent, stream_answers
from gateway.http.cursors import write_cursor
from gateway.http.problems import (
    DrainingError,
    DurabilityUnconfirmedError,
    IdempotencyKeyReusedError,
    RedisFullError,
    ValidationFailedError,
)
from gateway.http.routing import CursorDep, LimitDep, documented
from gateway.http.views import API, JobList, problems
from gateway.sse.follower import Expected, Follower
from gateway.sse.frames import SEVERAL_JOBS
from gateway.sse.hub import Subscription
from gateway.sse.positions import JobSet
from gateway.sse.stream import EventStream
from shared.contracts.events import EventType
from shared.contracts.ids import START, EventId
from shared.contracts.states import JobState

LEFT_OUT = frozenset({EventType.PROGRESS.value, EventType.DELTA.value, EventType.SECTION.value})
"""Told on the streams of the jobs alone: of a thousand of them nobody could read it."""
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The batch is stored",
        "headers": {
            "Location": {"description": "The batch", "schema": {"type": "string"}},
            "Retry-After": {"description": "When to look first, seconds", "schema": {"type": "integer"}},
            "Idempotent-Replayed": {
                "description": "`true` where an earlier request was the same, and was answered",
                "schema": {"type": "string"},
            },
        },
    }
}
router = APIRouter(prefix=API, tags=["batches"], dependencies=[Depends(prepared)])


@router.post(
    "/jobs/batch",
    status_code=202,
    response_model=AcceptedBatch,
    responses=_ACCEPTED
    | problems(
        *BODY_PROBLEMS, BatchIdConflictError, IdempotencyKeyReusedError, RedisFullError, DurabilityUnconfirmedError
    ),
    openapi_extra=documented(BatchCommand),
)
async def create_batch(
    request: Request, intake: BatchIntakeDep, request_id: RequestIdDep, key: IdempotencyKeyDep
) -> Response:
    """Submit up to 1,000 requests for outlines and documents. What is wrong with one does not affect the others."""
    drawn_id = new_job_id(key)
    # In a thread: a body of 25 MiB takes a second to validate.
    batch = await asyncio.to_thread(read_batch, await json_body(request), drawn_id)
    structlog.contextvars.bind_contextvars(batch_id=batch.batch_id)
    keyed = key is not None and batch.batch_id == drawn_id
    record, jobs, replayed = await intake.accept(batch, request_id, keyed=keyed)
    body = accepted_batch(batch.batch_id, record, jobs)
    headers = {"Location": body.links.self, "Retry-After": "1"} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return Response(body.model_dump_json(), status_code=202, media_type="application/json", headers=headers)


@router.get("/batches/{batch_id}", responses=problems(BatchNotFoundError))
async def get_batch(batch: BatchDep, service: ServicesDep) -> BatchView:
    """A batch's progress and usage, and how many of its jobs stand where."""
    jobs = await jobs_of(service.store.jobs, batch.record)
    return batch_view(batch.ref.job_id, batch.record, jobs, service.clock.now())


@router.get("/batches/{batch_id}/jobs", responses=problems(BatchNotFoundError, ValidationFailedError))
async def list_batch_jobs(
    batch: BatchDep,
    service: ServicesDep,
    status: JobState | None = None,
    cursor: CursorDep = None,
    limit: LimitDep = 50,
) -> JobList:
    """A batch's jobs in the order of its items; those whose records have expired are left out."""
    page = await list_page(service.store.jobs, batch.record, status, cursor, limit)
    return JobList(items=await service.views.show_all(page.jobs), next_cursor=write_cursor(page.following))


@router.post("/batches/{batch_id}/cancel", responses=problems(BatchNotFoundError, DurabilityUnconfirmedError))
async def cancel_batch(batch: BatchDep, service: ServicesDep) -> BatchCancelled:
    """Cancel every job of a batch that has not ended. May be repeated."""
    return await cancel_all(service.store.jobs, batch.record)


@router.post(
    "/batches/{batch_id}/retry", status_code=202, responses=problems(BatchNotFoundError, DurabilityUnconfirmedError)
)
async def retry_batch(batch: BatchDep, service: ServicesDep, request_id: RequestIdDep) -> BatchRetried:
    """Begin the failed jobs of a batch again, but not the cancelled ones. May be repeated."""
    return await retry_failed(service.store.jobs, batch.record, request_id)


@dataclass(frozen=True, slots=True)
class WatchedBatch:
    """A batch that a client follows."""

    batch: KnownBatch
    jobs: JobSet
    subscriptions: list[Subscription]
    """One for each job of the set."""
    after: list[EventId]


async def watched_batch(batch: BatchDep, resume: ResumeDep, service: ServicesDep) -> AsyncIterator[WatchedBatch]:
    """Watch the jobs of a batch for as long as the request lives."""
    refuse_while_draining(service.hub)
    jobs = JobSet(member.ref for member in batch.record.members)
    with service.hub.subscribe_all(jobs.refs, LEFT_OUT) as subscriptions:
        yield WatchedBatch(batch, jobs, subscriptions, jobs.positions(resume) or [START] * len(jobs.refs))


@router.get(
    "/batches/{batch_id}/events",
    response_class=Response,
    responses=stream_answers("All jobs of the batch have ended") | problems(BatchNotFoundError, DrainingError),
)
async def batch_events(watched: Annotated[WatchedBatch, Depends(watched_batch)], service: ServicesDep) -> Response:
    """Follow all jobs of a batch until they have ended: every event but `progress`, `delta` and `section`."""
    record = watched.batch.record
    members = {member.ref: member for member in record.members}
    found = dict(zip(members, await jobs_of(service.store.jobs, record), strict=True))
    if record.stored and await all_sent(service.store.jobs, [found[ref] for ref in watched.jobs.refs], watched.after):
        return Response(status_code=204)
    acceptance = Acceptance(service.store.batches, service.clock, watched.batch)
    followers = [
        Follower(
            subscription,
            position,
            service.store.jobs,
            service.clock,
            Expected(members[subscription.ref].digest, acceptance.goes_on),
        )
        for subscription, position in zip(watched.subscriptions, watched.after, strict=True)
    ]
    return EventStream(followers, watched.jobs.cursor, SEVERAL_JOBS, service.hub, service.clock, service.settings)
