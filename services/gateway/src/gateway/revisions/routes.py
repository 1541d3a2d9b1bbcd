"""One section of a finished document again, and the versions that come of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from gateway.dependencies import (
    BODY_PROBLEMS,
    IdempotencyKeyDep,
    JobDep,
    JobRefDep,
    RequestIdDep,
    ServicesDep,
    new_job_id,
    prepared,
    read_body,
)
from gateway.http.problems import JobNotFoundError
from gateway.http.routing import documented
from gateway.http.views import API, Accepted, problems
from gateway.jobs.accepting import INTAKE_PROBLEMS
from gateway.jobs.answering import ACCEPTED, NO_RESULT_PROBLEMS, AnsweringDep, WaitDep, is_keyed
from gateway.outlines.problems import TooManyVersionsError
from gateway.parts.problems import PriceUnknownError, ResultExpiredError
from gateway.revisions.problems import SectionNotFoundError
from gateway.revisions.regenerating import ReviserDep, VersionList, revision_job, versions_of
from shared.contracts.commands import RegenerateCommand

router = APIRouter(prefix=f"{API}/jobs", tags=["jobs"], dependencies=[Depends(prepared)])


@router.post(
    "/{job_id}/sections/{section_id}/regenerate",
    status_code=202,
    response_model=Accepted,
    responses=ACCEPTED
    | problems(
        JobNotFoundError,
        *BODY_PROBLEMS,
        SectionNotFoundError,
        *NO_RESULT_PROBLEMS,
        ResultExpiredError,
        PriceUnknownError,
        TooManyVersionsError,
        *INTAKE_PROBLEMS,
    ),
    openapi_extra=documented(RegenerateCommand),
)
async def regenerate_section(
    request: Request,
    ref: JobRefDep,
    section_id: Annotated[str, Path(description="A section with a text, by the id the result gives it")],
    reviser: ReviserDep,
    answering: AnsweringDep,
    request_id: RequestIdDep,
    key: IdempotencyKeyDep,
    seconds: WaitDep,
) -> Response:
    """A new job that writes one section of a completed document again; all others stay as they are."""
    command = await read_body(request, RegenerateCommand)
    new = revision_job(ref, section_id, command, command.job_id or new_job_id(key), request_id)
    keyed = is_keyed(command.job_id, key)
    job, replayed = await reviser.submit(ref, section_id, command, new, keyed=keyed)
    return await answering.answer(job, seconds, replayed=replayed)


@router.get("/{job_id}/versions", responses=problems(JobNotFoundError))
async def list_versions(job: JobDep, service: ServicesDep) -> VersionList:
    """The documents that go back to the same one, whichever of them is asked about, oldest first."""
    return await versions_of(service.store, job)
