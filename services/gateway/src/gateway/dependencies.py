"""What the routes are given."""

import asyncio
import hashlib
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import structlog
import uuid_utils
from fastapi import Depends, Header, Path, Query, Request
from pydantic import BaseModel, ValidationError

from gateway.http.errors import invalid, validation_problem
from gateway.http.problems import (
    DrainingError,
    JobNotFoundError,
    MalformedJsonError,
    RedisUnavailableError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from gateway.parts.admission import Admission
from gateway.parts.exports import ExportDelivery
from gateway.parts.job_views import JobViews
from gateway.parts.listing import JobLists
from gateway.parts.pricing import Pricing
from gateway.parts.stored_outlines import StoredOutlines
from gateway.settings import GatewaySettings
from gateway.sse.hub import FeedHub, Subscription
from gateway.sse.positions import JobSet
from shared.contracts.ids import DEFAULT_TENANT, JOB_ID_PATTERN, START, EventId, JobRef
from shared.contracts.jobs import Job, Retention
from shared.lifecycle.clock import Clock
from shared.redis.store import Store

_JOB_ID = re.compile(JOB_ID_PATTERN)
MAX_LISTED_JOBS = 100
BODY_PROBLEMS = (MalformedJsonError, UnsupportedMediaTypeError, ValidationFailedError)
"""What ``read_body`` raises."""
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may use; built once in bootstrap."""

    store: Store
    lists: JobLists
    outlines: StoredOutlines
    hub: FeedHub
    admission: Admission
    exports: ExportDelivery
    pricing: Pricing
    views: JobViews
    clock: Clock
    settings: GatewaySettings
    retention: Retention
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once Redis has answered and agreed on the shards: before, a job could be stored where no worker looks."""


async def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]


async def prepared(service: ServicesDep) -> None:
    """Refuse with 503 until Redis has answered for the first time."""
    if not service.prepared.is_set():
        raise RedisUnavailableError("Redis has not answered yet.")


async def json_body(request: Request) -> bytes:
    """The body of a request that says it is JSON; raises ProblemError 415."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaTypeError(f"Send application/json, not {media_type[:100]}.")
    return await request.body()


async def read_body(request: Request, model: type[_Model]) -> _Model:
    """The body as a model; raises ProblemError 400, 415 or 422."""
    try:
        return model.model_validate_json(await json_body(request))
    except ValidationError as error:
        raise validation_problem(error) from error


def to_ref(job_id: str) -> JobRef:
    """The job of an id; one that no job can have is simply not found."""
    if not _JOB_ID.fullmatch(job_id):
        raise JobNotFoundError("No job can have this id.")
    return JobRef(job_id)


async def job_ref(job_id: Annotated[str, Path(description="Id of the job")]) -> JobRef:
    """The job named in the path."""
    return to_ref(job_id)


JobRefDep = Annotated[JobRef, Depends(job_ref)]


async def load_job(ref: JobRefDep, service: ServicesDep) -> Job:
    """The job named in the path; raises ProblemError 404."""
    job = await service.store.jobs.get(ref)
    if job is None:
        raise JobNotFoundError(f"No job {ref.job_id}, or its record has expired.")
    structlog.contextvars.bind_contextvars(job_id=ref.job_id, kind=job.kind)
    return job


JobDep = Annotated[Job, Depends(load_job)]


async def subscription(ref: JobRefDep, service: ServicesDep) -> AsyncIterator[Subscription]:
    """Watch the job for as long as the request lives, even if its client stalls."""
    refuse_while_draining(service.hub)
    with service.hub.subscribe(ref) as watching:
        yield watching


def refuse_while_draining(hub: FeedHub) -> None:
    """Raise ProblemError 503 where a stream would end as soon as it began."""
    if hub.draining:
        raise DrainingError("Connect again: another server answers.", headers={"Retry-After": "1"})


async def resume_after(
    last_event_id: Annotated[str | None, Header(description="Resume after this event; garbage means the start")] = None,
    after: Annotated[str | None, Query(description="The same, for clients that cannot set headers")] = None,
) -> str:
    """Where the client's stream stopped. The header is the newer one: browsers send it when they reconnect."""
    return last_event_id or after or ""


ResumeDep = Annotated[str, Depends(resume_after)]


async def last_event_id(resume: ResumeDep) -> EventId:
    return EventId.parse(resume) or START


@dataclass(frozen=True, slots=True)
class Watching:
    """The jobs a client follows on one stream. Lives as long as the request, so it does without their records."""

    jobs: JobSet
    subscriptions: list[Subscription]
    """One for each job of the list."""
    resumed: list[EventId] | None
    """Where the client's stream of this list stopped; None where it has had none."""


async def listed_jobs(
    job_id: Annotated[list[str], Query(description=f"The jobs to follow, up to {MAX_LISTED_JOBS}")],
    resume: ResumeDep,
    service: ServicesDep,
) -> AsyncIterator[Watching]:
    """Watch the jobs named in the query; raises ProblemError 404 for an id no job can have, 422 for too many."""
    jobs = JobSet(to_ref(each) for each in job_id)
    if len(jobs.refs) > MAX_LISTED_JOBS:
        message = f"{len(jobs.refs)} jobs; a stream follows {MAX_LISTED_JOBS} at most"
        raise invalid([{"pointer": "/query/job_id", "message": message}])
    refuse_while_draining(service.hub)
    with service.hub.subscribe_all(jobs.refs) as subscriptions:
        yield Watching(jobs, subscriptions, jobs.positions(resume))


async def only_kind(request: Request) -> None:
    """Refuse a misspelt parameter where it would widen a command to all kinds."""
    unknown = sorted(set(request.query_params) - {"kind"})
    if unknown:
        errors = [{"pointer": f"/query/{name}"[:100], "message": "unknown parameter"} for name in unknown]
        detail = f"{errors[0]['pointer']}: unknown parameter; this call knows `kind`"
        raise ValidationFailedError(detail, errors=errors)


async def request_id(request: Request) -> str:
    found: str = request.state.request_id
    return found


RequestIdDep = Annotated[str, Depends(request_id)]


async def idempotency_key(idempotency_key: Annotated[str | None, Header(max_length=255)] = None) -> str | None:
    return idempotency_key or None


IdempotencyKeyDep = Annotated[str | None, Depends(idempotency_key)]


def new_job_id(key: str | None) -> str:
    """An id for a job whose caller gave none: drawn from the key, so that every gateway draws the same."""
    if key is None:
        return str(uuid_utils.uuid7())
    digest = bytearray(hashlib.sha256(f"{DEFAULT_TENANT}\0{key}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))
