"""Submit, read, cancel and retry jobs."""

import hashlib
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from gateway.dependencies import (
    BODY_PROBLEMS,
    IdempotencyKeyDep,
    JobDep,
    RequestIdDep,
    ServicesDep,
    new_job_id,
    prepared,
    read_body,
)
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.negotiation import unchanged
from gateway.http.problems import DurabilityUnconfirmedError, JobNotFoundError, ValidationFailedError
from gateway.http.routing import CursorDep, LimitDep, documented
from gateway.http.views import API, Accepted, JobList, JobView, problems
from gateway.jobs.accepting import INTAKE_PROBLEMS
from gateway.jobs.answering import ACCEPTED, AnsweringDep, WaitDep, is_keyed
from gateway.jobs.problems import AlreadyFinishedError, NotRetryableError
from gateway.jobs.submitting import SubmitterDep
from gateway.outlines.versions import OUTLINE_PROBLEMS
from gateway.parts.problems import PriceUnknownError
from shared.contracts.commands import DocumentCommand, OutlineCommand
from shared.contracts.states import JobKind, JobState
from shared.redis.jobs import Cancelled, Retried

log = structlog.get_logger()

router = APIRouter(prefix=f"{API}/jobs", tags=["jobs"], dependencies=[Depends(prepared)])


@router.post(
    "/outline",
    status_code=202,
    response_model=Accepted,
    responses=ACCEPTED | problems(*BODY_PROBLEMS, PriceUnknownError, *INTAKE_PROBLEMS),
    openapi_extra=documented(OutlineCommand),
)
async def create_outline_job(
    request: Request,
    submitter: SubmitterDep,
    answering: AnsweringDep,
    request_id: RequestIdDep,
    key: IdempotencyKeyDep,
    seconds: WaitDep,
) -> Response:
    """Turn a prompt into an outline."""
    command = await read_body(request, OutlineCommand)
    job_id = command.job_id or new_job_id(key)
    job, replayed = await submitter.outline(command, job_id, request_id, keyed=is_keyed(command.job_id, key))
    return await answering.answer(job, seconds, replayed=replayed)


@router.post(
    "/document",
    status_code=202,
    response_model=Accepted,
    responses=ACCEPTED | problems(*BODY_PROBLEMS, PriceUnknownError, *OUTLINE_PROBLEMS, *INTAKE_PROBLEMS),
    openapi_extra=documented(DocumentCommand),
)
async def create_document_job(
    request: Request,
    submitter: SubmitterDep,
    answering: AnsweringDep,
    request_id: RequestIdDep,
    key: IdempotencyKeyDep,
    seconds: WaitDep,
) -> Response:
    """Turn an outline into a document."""
    command = await read_body(request, DocumentCommand)
    job_id = command.job_id or new_job_id(key)
    job, replayed = await submitter.document(command, job_id, request_id, keyed=is_keyed(command.job_id, key))
    return await answering.answer(job, seconds, replayed=replayed)


@router.get("", responses=problems(ValidationFailedError))
async def list_jobs(
    service: ServicesDep,
    kind: JobKind | None = None,
    status: JobState | None = None,
    cursor: CursorDep = None,
    limit: LimitDep = 50,
) -> JobList:
    """Jobs by the time they were submitted, newest first. Filtered, a page may be short and have a `next_cursor`."""
    page = await service.lists.jobs(kind, status, read_cursor(cursor), limit)
    return JobList(items=await service.views.show_all(page.jobs), next_cursor=write_cursor(page.following))


@router.get(
    "/{job_id}",
    response_model=JobView,
    responses=problems(JobNotFoundError) | {304: {"description": "Not changed since that ETag"}},
)
async def get_job(job: JobDep, service: ServicesDep, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """A job's state, progress and usage; with an ETag, for those who ask often."""
    shown = await service.views.show(job)
    body = shown.model_dump_json().encode()
    # Weak, and of the record: while a job runs, the estimate of the time left counts down and tells nothing new.
    etag = f'W/"{hashlib.sha256(f"{job} {shown.queue_position}".encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if unchanged(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.post(
    "/{job_id}/cancel",
    response_model=JobView,
    responses=problems(JobNotFoundError, AlreadyFinishedError, DurabilityUnconfirmedError) | {202: {"model": JobView}},
)
async def cancel_job(job: JobDep, service: ServicesDep) -> Response:
    """End a waiting job at once (200), or ask a running one to end (202)."""
    answer = await service.store.jobs.cancel(job.ref)
    log.info("job_cancel", answer=answer)
    current = await service.store.jobs.get(job.ref)
    match answer:
        case Cancelled.ASKED | Cancelled.CANCELLED if current is not None:
            status = 202 if answer is Cancelled.ASKED else 200
            return JSONResponse((await service.views.show(current)).model_dump(mode="json"), status_code=status)
        case Cancelled.COMPLETED | Cancelled.FAILED:
            raise AlreadyFinishedError(f"The job is {answer} already.")
        case _:
            raise JobNotFoundError(f"No job {job.ref.job_id}, or its record has expired.")


@router.post(
    "/{job_id}/retry",
    status_code=202,
    responses=problems(JobNotFoundError, NotRetryableError, DurabilityUnconfirmedError),
)
async def retry_job(job: JobDep, service: ServicesDep, request_id: RequestIdDep) -> JobView:
    """Begin a failed or cancelled job again: a new run, which goes on from what is finished."""
    answer = await service.store.jobs.retry(job.ref, request_id)
    log.info("job_retry", answer=answer)
    current = await service.store.jobs.get(job.ref)
    match answer:
        case Retried.RETRIED if current is not None:
            return await service.views.show(current)
        case Retried.RETRIED | Retried.UNKNOWN:
            raise JobNotFoundError(f"No job {job.ref.job_id}, or its record has expired.")
        case _:
            detail = f"The job is {answer}; only a failed or cancelled job can be retried."
            raise NotRetryableError(detail)
