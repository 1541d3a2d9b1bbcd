"""Submit, read and cancel jobs."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from shared.contracts.commands import DocumentCommand, OutlineCommand
from shared.contracts.jobs import Job
from shared.contracts.states import JobState
from shared.redis.scripts import Cancelled

from gateway.dependencies import (
    IdempotencyKeyDep,
    JobDep,
    RequestIdDep,
    Services,
    ServicesDep,
    new_job_id,
    prepared,
    read_body,
)
from gateway.errors import ProblemError
from gateway.schemas import Accepted, JobView, Problem, accepted, job_view
from gateway.submitting import submit_document, submit_outline

PROBLEM: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request cannot be done"},
    "503": {"model": Problem, "description": "Redis is away or full; see Retry-After"},
}
router = APIRouter(prefix="/jobs", tags=["jobs"], responses=PROBLEM, dependencies=[Depends(prepared)])


def _documented(model: type[BaseModel]) -> dict[str, Any]:
    """The body is read by hand (one error shape, no coercion), so its schema is named by hand."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}},
        }
    }


def _accepted(job: Job, *, replayed: bool) -> JSONResponse:
    body = accepted(job)
    headers = {"Location": body.links.self, "Retry-After": "1"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(body.model_dump(mode="json"), status_code=202, headers=headers)


@router.post("/outline", status_code=202, response_model=Accepted, openapi_extra=_documented(OutlineCommand))
async def create_outline_job(
    request: Request, service: ServicesDep, request_id: RequestIdDep, key: IdempotencyKeyDep
) -> Response:
    """Turn a prompt into an outline."""
    command = await read_body(request, OutlineCommand)
    job_id = command.job_id or new_job_id(key)
    job, replayed = await submit_outline(service, command, job_id, request_id, keyed=_keyed(command.job_id, key))
    return _accepted(job, replayed=replayed)


@router.post("/document", status_code=202, response_model=Accepted, openapi_extra=_documented(DocumentCommand))
async def create_document_job(
    request: Request, service: ServicesDep, request_id: RequestIdDep, key: IdempotencyKeyDep
) -> Response:
    """Turn an outline into a document."""
    command = await read_body(request, DocumentCommand)
    job_id = command.job_id or new_job_id(key)
    job, replayed = await submit_document(service, command, job_id, request_id, keyed=_keyed(command.job_id, key))
    return _accepted(job, replayed=replayed)


def _keyed(job_id: str | None, key: str | None) -> bool:
    return job_id is None and key is not None


@router.get("/{job_id}")
async def get_job(job: JobDep) -> JobView:
    """A job's state, progress and usage."""
    return job_view(job)


@router.get("/{job_id}/result", responses={200: {"content": {"application/json": {}}}})
async def get_result(job: JobDep, service: ServicesDep) -> Response:
    """A completed job's result."""
    match job.state:
        case JobState.COMPLETED:
            return await _result(job, service)
        case JobState.FAILED | JobState.CANCELLED:
            code = f"job_{job.state}"
            error = job.error.model_dump() if job.error else None
            detail = job.error.message if job.error else "The job was cancelled; it has no result."
            raise ProblemError(409, code, detail, extra={"error": error})
        case _:
            detail = f"The job is {job.state}; follow its events or ask again later."
            raise ProblemError(409, "not_finished", detail, headers={"Retry-After": "2"})


async def _result(job: Job, service: Services) -> Response:
    result = await service.store.result(job.ref)
    if result is None:
        raise ProblemError(410, "result_expired", "Results are kept for a limited time; submit the job again.")
    return Response(result, media_type="application/json")


@router.post("/{job_id}/cancel", response_model=JobView, responses={202: {"model": JobView}})
async def cancel_job(job: JobDep, service: ServicesDep) -> Response:
    """End a waiting job at once (200), or ask a running one to end (202)."""
    answer = await service.store.cancel(job)
    current = await service.store.get(job.ref)
    match answer:
        case Cancelled.ASKED | Cancelled.CANCELLED if current is not None:
            status = 202 if answer is Cancelled.ASKED else 200
            return JSONResponse(job_view(current).model_dump(mode="json"), status_code=status)
        case Cancelled.COMPLETED | Cancelled.FAILED:
            raise ProblemError(409, "already_finished", f"The job is {answer} already.")
        case _:
            raise ProblemError(404, "job_not_found", f"No job {job.ref.job_id}, or its record has expired.")
