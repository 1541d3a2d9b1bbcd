"""The outline of a job: read it, change it, let it be written."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from gateway.dependencies import BODY_PROBLEMS, JobDep, ServicesDep, prepared
from gateway.http.negotiation import unchanged
from gateway.http.problems import DurabilityUnconfirmedError, JobNotFoundError, RedisFullError, ValidationFailedError
from gateway.http.routing import documented
from gateway.http.views import API, JobView, problems
from gateway.outlines.editing import EditorDep, read_patch
from gateway.outlines.problems import (
    NotAwaitingReviewError,
    OutlineChangedError,
    OutlineExpiredError,
    OutlineNotEditableError,
    PreconditionRequiredError,
    TooManyVersionsError,
    VersionNotFoundError,
)
from gateway.outlines.versions import OUTLINE_PROBLEMS, approve, editable, etag, history_of, named_versions, outline_of
from gateway.outlines.views import OutlineVersions, OutlineView
from gateway.parts.stored_outlines import latest_version
from shared.contracts.jobs import Job
from shared.contracts.outline_edits import OutlinePatch
from shared.contracts.outline_versions import OutlineVersion
from shared.redis.outlines import Approved

_ETAG: dict[str, Any] = {
    "ETag": {"description": 'The version, such as `"2"`; give it as `If-Match`', "schema": {"type": "string"}}
}
_REPLAYED: dict[str, Any] = {
    "Idempotent-Replayed": {
        "description": "`true` where an earlier request was the same",
        "schema": {"type": "string"},
    }
}
IfMatchDep = Annotated[
    str | None, Header(description='The version that is meant, such as `"2"`; `*` for whichever is the latest')
]
router = APIRouter(prefix=f"{API}/jobs", tags=["jobs"], dependencies=[Depends(prepared)])


@router.get(
    "/{job_id}/outline",
    response_model=OutlineView,
    responses=problems(JobNotFoundError, ValidationFailedError, *OUTLINE_PROBLEMS, VersionNotFoundError)
    | {200: {"headers": _ETAG}, 304: {"description": "Not changed since that ETag"}},
)
async def get_outline(
    job: JobDep,
    service: ServicesDep,
    version: Annotated[int | None, Query(ge=1, description="By default the latest")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The outline that a job made or writes from, with its version as ETag."""
    wanted = version or latest_version(job)
    found = await outline_of(service.outlines, job, wanted)
    if unchanged(etag(wanted), if_none_match):
        return Response(status_code=304, headers=_headers(wanted))
    return _shown(job, found)


@router.patch(
    "/{job_id}/outline",
    response_model=OutlineView,
    responses=problems(
        JobNotFoundError,
        PreconditionRequiredError,
        *BODY_PROBLEMS,
        OutlineNotEditableError,
        OutlineChangedError,
        OutlineExpiredError,
        TooManyVersionsError,
        RedisFullError,
        DurabilityUnconfirmedError,
    )
    | {200: {"headers": _ETAG | _REPLAYED}},
    openapi_extra=documented(OutlinePatch),
)
async def change_outline(request: Request, job: JobDep, editor: EditorDep, if_match: IfMatchDep = None) -> Response:
    """Change the outline by operations on its nodes, all or none: while it waits for review, or once it is made."""
    if if_match is None:
        detail = "Say which version is changed: `If-Match` with the ETag of `GET`, or `*` for whichever is the latest."
        raise PreconditionRequiredError(detail)
    done = await editor.change(job, await read_patch(request), named_versions(if_match))
    return _shown(job, done.version, {"Idempotent-Replayed": "true"} if done.replayed else {})


@router.get("/{job_id}/outline/versions", responses=problems(JobNotFoundError, *OUTLINE_PROBLEMS))
async def list_outline_versions(job: JobDep, service: ServicesDep) -> OutlineVersions:
    """Every version of the outline: who made it, when, and what it changed; newest first."""
    return OutlineVersions(items=(await history_of(service.outlines, job))[::-1])


@router.post(
    "/{job_id}/approve",
    response_model=JobView,
    status_code=202,
    responses=problems(JobNotFoundError, NotAwaitingReviewError, OutlineChangedError, DurabilityUnconfirmedError)
    | {200: {"model": JobView}},
)
async def approve_outline(job: JobDep, service: ServicesDep, if_match: IfMatchDep = None) -> Response:
    """Let the document be written from its outline (202); 200 where that was said before."""
    answer = await approve(service.store, job, named_versions(if_match))
    current = await service.store.jobs.get(job.ref) or job
    shown = (await service.views.show(current)).model_dump(mode="json")
    return JSONResponse(shown, status_code=202 if answer is Approved.APPROVED else 200)


def _shown(job: Job, found: OutlineVersion, headers: dict[str, str] | None = None) -> Response:
    latest = found.version >= latest_version(job)
    body = OutlineView.of(job, found, editable=latest and editable(job)).model_dump_json()
    return Response(body, media_type="application/json", headers=_headers(found.version) | (headers or {}))


def _headers(version: int) -> dict[str, str]:
    return {"ETag": etag(version), "Cache-Control": "no-cache"}
