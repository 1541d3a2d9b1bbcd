"""Accepting a job once, whoever sends it how often."""

import dataclasses
import hashlib
import json
from typing import Annotated

import structlog
from fastapi import Depends
from pydantic import BaseModel

from gateway.dependencies import ServicesDep
from gateway.http.problems import (
    DurabilityUnconfirmedError,
    IdempotencyKeyReusedError,
    ProblemError,
    RedisFullError,
    RedisUnavailableError,
)
from gateway.jobs.problems import JobIdConflictError
from gateway.parts.admission import Admission
from shared.contracts.commands import JobOptions
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job, JobSpec, Origin, Retention
from shared.contracts.states import JobKind
from shared.observability.metrics import JOBS_ACCEPTED
from shared.redis.failures import UnconfirmedError
from shared.redis.jobs import Jobs, Submitted

log = structlog.get_logger()

INTAKE_PROBLEMS = (JobIdConflictError, IdempotencyKeyReusedError, RedisFullError, DurabilityUnconfirmedError)
"""What ``Intake.accept`` and ``replayed`` raise, beside what every route does."""


def digest_of(kind: JobKind, canonical_body: bytes) -> str:
    """SHA-256 that tells whether two requests ask for the same."""
    return hashlib.sha256(kind.encode() + b"\0" + canonical_body).hexdigest()


def new_job(
    ref: JobRef, kind: JobKind, command: JobOptions, payload: bytes, request_id: str, batch: str = ""
) -> JobSpec:
    """What a validated request asks for."""
    return JobSpec(
        ref=ref,
        kind=kind,
        digest=digest_of(kind, _canonical(command)),
        payload=payload,
        priority=command.priority,
        max_attempts=command.max_attempts,
        metadata=command.metadata,
        request_id=request_id,
        delay_seconds=command.delay_seconds or 0.0,
        not_before=command.not_before,
        soft_limit_seconds=command.soft_time_limit_seconds,
        hard_limit_seconds=command.hard_time_limit_seconds,
        origin=Origin(batch=batch),
        max_tokens=command.max_tokens_total,
        max_cost_usd=command.max_cost_usd,
    )


def _canonical(command: BaseModel) -> bytes:
    """Equal requests, equal bytes: the id is the name of the job, not part of what is asked."""
    return json.dumps(
        command.model_dump(mode="json", exclude={"job_id"}, exclude_defaults=True), sort_keys=True
    ).encode()


class Intake:
    """Stores jobs, as long as there is room for them."""

    def __init__(self, jobs: Jobs, admission: Admission, retention: Retention) -> None:
        self._jobs = jobs
        self._admission = admission
        self._retention = retention

    async def accept(self, new: JobSpec, *, keyed: bool) -> tuple[Job, bool]:
        """Store a job; true with it if it was there before. Raises ProblemError 409, 422 or 503."""
        answer = await self._stored(new)
        job = await self._jobs.get(new.ref)
        if job is None:
            raise RedisUnavailableError("The job's record is gone again.")
        match answer:
            case Submitted.CREATED:
                JOBS_ACCEPTED.labels(new.kind).inc()
                log.info("job_accepted", job_id=new.ref.job_id, kind=new.kind, priority=new.priority)
                return job, False
            case Submitted.REPLAYED | Submitted.CONFLICT:
                return replayed(job, new, keyed=keyed), True

    async def _stored(self, new: JobSpec) -> Submitted:
        try:
            self._admission.check(len(new.payload) + sum(map(len, new.work.values())))
        except ProblemError:
            # Who repeats a request is told of the job that is there, however full Redis is.
            if await self._jobs.get(new.ref) is None:
                raise
        try:
            return await self._jobs.submit(dataclasses.replace(new, retention=self._retention))
        except UnconfirmedError as error:
            raise _unconfirmed(new.ref, error) from error

    async def safe(self, job: Job) -> bool:
        """Whether a job is there still, as safe as was promised; raises ProblemError 503."""
        try:
            return await self._jobs.safe(job.ref)
        except UnconfirmedError as error:
            raise _unconfirmed(job.ref, error) from error


async def intake(service: ServicesDep) -> Intake:
    """The intake, for a route."""
    return Intake(service.store.jobs, service.admission, service.retention)


IntakeDep = Annotated[Intake, Depends(intake)]


def _unconfirmed(ref: JobRef, error: UnconfirmedError) -> ProblemError:
    log.warning("durability_unconfirmed", job_id=ref.job_id, error=str(error))
    detail = (
        f"Job {ref.job_id} is written, but no replica confirmed it, so a failover could lose it. "
        f"Send the same request with this job_id again."
    )
    return DurabilityUnconfirmedError(detail, extra={"job_id": ref.job_id})


def replayed(known: Job, new: JobSpec, *, keyed: bool) -> Job:
    """The job of an earlier request, if that asked for the same."""
    if known.digest == new.digest:
        return known
    if keyed:
        detail = "This Idempotency-Key came with another body before; take a new key for a new request."
        raise IdempotencyKeyReusedError(detail)
    detail = f"Job {new.ref.job_id} exists with another body; take another job_id."
    raise JobIdConflictError(detail)
