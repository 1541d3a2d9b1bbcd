"""From a validated body to an accepted job."""

import dataclasses
import json
from datetime import timedelta

import structlog
from pydantic import BaseModel

from gateway.dependencies import Services
from gateway.errors import ProblemError, come_back
from shared.contracts.commands import (
    MAX_DELAY_SECONDS,
    DocumentCommand,
    DocumentPayload,
    JobOptions,
    OutlineCommand,
    OutlinePayload,
)
from shared.contracts.document import OutlineResult
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.outline import Outline
from shared.contracts.states import JobKind, JobState
from shared.jobs import NewJob
from shared.jobs.store import digest_of
from shared.observability.metrics import JOBS_ACCEPTED
from shared.redis.failures import UnconfirmedError
from shared.redis.scripts import Submitted

log = structlog.get_logger()


async def submit_outline(
    service: Services, command: OutlineCommand, job_id: str, request_id: str, *, keyed: bool
) -> tuple[Job, bool]:
    """Accept an outline job; true with it if it was accepted before."""
    _check_due(service, command)
    payload = command.model_copy(update={"job_id": None}).model_dump_json().encode()
    new = _new_job(JobRef(job_id), JobKind.OUTLINE, command, payload, request_id)
    return await _submit(service, new, keyed=keyed)


async def submit_document(
    service: Services, command: DocumentCommand, job_id: str, request_id: str, *, keyed: bool
) -> tuple[Job, bool]:
    """Accept a document job; true with it if it was accepted before."""
    _check_due(service, command)
    ref = JobRef(job_id)
    new = _new_job(ref, JobKind.DOCUMENT, command, b"", request_id)
    known = await service.store.get(ref)
    # Before the outline is looked up: a repeated request must answer alike after the outline has expired.
    if known is not None and await _safe(service, known):
        return _replayed(known, new, keyed=keyed), True
    if command.task_prompt is not None:
        payload = _planned_first(command).model_dump_json().encode()
        new = dataclasses.replace(new, payload=payload, phase=JobKind.OUTLINE, review=command.review)
    else:
        new = dataclasses.replace(new, payload=(await _resolve(service, command)).model_dump_json().encode())
    return await _submit(service, new, keyed=keyed)


def _planned_first(command: DocumentCommand) -> DocumentPayload:
    """A request whose outline the job makes itself: those who plan read it, and those who write after them."""
    return DocumentPayload.model_validate(command.model_dump(exclude={"job_id", "outline_job_id", "review"}))


def _check_due(service: Services, command: JobOptions) -> None:
    latest = service.clock.now() + timedelta(seconds=MAX_DELAY_SECONDS)
    if command.not_before is not None and command.not_before > latest:
        detail = f"/not_before: at most {MAX_DELAY_SECONDS // 86_400} days ahead"
        errors = [{"pointer": "/not_before", "message": detail.partition(": ")[2]}]
        raise ProblemError(422, "validation_failed", detail, errors=errors)


def _new_job(ref: JobRef, kind: JobKind, command: JobOptions, payload: bytes, request_id: str) -> NewJob:
    return NewJob(
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
        max_tokens=command.max_tokens_total,
        max_cost_usd=command.max_cost_usd,
    )


def _canonical(command: BaseModel) -> bytes:
    """Equal requests, equal bytes: the id is the name of the job, not part of what is asked."""
    return json.dumps(
        command.model_dump(mode="json", exclude={"job_id"}, exclude_defaults=True), sort_keys=True
    ).encode()


async def _submit(service: Services, new: NewJob, *, keyed: bool) -> tuple[Job, bool]:
    answer = await _stored(service, new)
    job = await service.store.get(new.ref)
    if job is None:
        raise ProblemError(503, "redis_unavailable", "The job's record is gone again.", headers=come_back())
    match answer:
        case Submitted.CREATED:
            JOBS_ACCEPTED.labels(new.kind).inc()
            log.info("job_accepted", job_id=new.ref.job_id, kind=new.kind, priority=new.priority)
            return job, False
        case Submitted.REPLAYED | Submitted.CONFLICT:
            return _replayed(job, new, keyed=keyed), True


async def _stored(service: Services, new: NewJob) -> Submitted:
    try:
        service.admission.check(len(new.payload))
    except ProblemError:
        # Who repeats a request is told of the job that is there, however full Redis is.
        if await service.store.get(new.ref) is None:
            raise
    try:
        return await service.store.submit(new)
    except UnconfirmedError as error:
        raise _unconfirmed(new.ref, error) from error


async def _safe(service: Services, job: Job) -> bool:
    try:
        return await service.store.safe(job)
    except UnconfirmedError as error:
        raise _unconfirmed(job.ref, error) from error


def _unconfirmed(ref: JobRef, error: UnconfirmedError) -> ProblemError:
    log.warning("durability_unconfirmed", job_id=ref.job_id, error=str(error))
    detail = (
        f"Job {ref.job_id} is written, but no replica confirmed it, so a failover could lose it. "
        f"Send the same request with this job_id again."
    )
    return ProblemError(503, "durability_unconfirmed", detail, headers=come_back(), extra={"job_id": ref.job_id})


def _replayed(known: Job, new: NewJob, *, keyed: bool) -> Job:
    """The job of an earlier request, if that asked for the same."""
    if known.digest == new.digest:
        return known
    if keyed:
        detail = "This Idempotency-Key came with another body before; take a new key for a new request."
        raise ProblemError(422, "idempotency_key_reused", detail)
    detail = f"Job {new.ref.job_id} exists with another body; take another job_id."
    raise ProblemError(409, "job_id_conflict", detail)


async def _resolve(service: Services, command: DocumentCommand) -> DocumentPayload:
    """The request as the worker needs it: the outline itself, and what the outline job was given."""
    fields = command.model_dump(exclude={"job_id", "outline", "outline_job_id", "review"})
    if command.outline is not None:
        return DocumentPayload.model_validate({**fields, "outline": command.outline.with_ids()})
    outline_job = await service.store.get(JobRef(command.outline_job_id or ""))
    if outline_job is None or outline_job.kind is not JobKind.OUTLINE:
        raise ProblemError(404, "outline_not_found", f"No outline job {command.outline_job_id}.")
    outline = await _outline_of(service, outline_job)
    source = await service.reads.payload(outline_job.ref)
    if source is not None:
        given = OutlinePayload.model_validate_json(source)
        fields["task_prompt"] = given.task_prompt
        fields["context_files"] = fields["context_files"] or [file.model_dump() for file in given.context_files]
        fields["language"] = fields["language"] or given.language
        fields["model"] = fields["model"] or given.model
        if "research" not in command.model_fields_set:
            fields["research"] = given.research
    return DocumentPayload.model_validate({**fields, "outline": outline})


async def _outline_of(service: Services, job: Job) -> Outline:
    if job.state is not JobState.COMPLETED:
        detail = f"Outline job {job.ref.job_id} is {job.state}; wait until it is completed."
        raise ProblemError(409, "outline_not_ready", detail)
    result = await service.store.result(job.ref)
    if result is None:
        raise ProblemError(410, "outline_expired", f"The result of {job.ref.job_id} has expired; send the outline.")
    fields = json.loads(result)
    fields.pop("usage")
    return OutlineResult.model_validate(fields).outline.with_ids()
