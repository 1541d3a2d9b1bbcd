"""Results, in the form that the client wants."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from gateway.dependencies import JobDep, ServicesDep, prepared
from gateway.http.negotiation import AT_HAND, ResultFormat, choose, disposition, unchanged
from gateway.http.problems import DrainingError, JobNotFoundError, RedisFullError, ValidationFailedError
from gateway.http.views import API, problems
from gateway.jobs.answering import NO_RESULT_PROBLEMS, refuse_unless_completed
from gateway.parts.exports import ExportDelivery
from gateway.parts.problems import ExportFailedError, ExportNotReadyError, ResultExpiredError
from gateway.results.partial import partial_result
from gateway.results.problems import NotAcceptableError
from gateway.results.rendering import title_and_markdown
from gateway.results.views import DocumentJobResult, OutlineJobResult, PartialDocumentResult
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind

INLINE = {ResultFormat.MARKDOWN, ResultFormat.HTML}
"""Shown by a browser; the others are saved."""
SAFE = {"X-Content-Type-Options": "nosniff"}
NO_SCRIPTS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
"""The text is a model's, made of files that anybody may have sent."""
PartialDep = Annotated[
    bool, Query(description="For a document that is not completed: its finished sections, where there are any")
]
FormatDep = Annotated[
    ResultFormat | None, Query(alias="format", description="Wins over `Accept`; of an outline `json` or `markdown`")
]
AcceptDep = Annotated[str | None, Header(description="Media types by preference, JSON where it is missing")]
_NONE_FINISHED = "The job failed, and there are no finished sections of it; `error` says why."
_TEXT = {"schema": {"type": "string"}}
_BINARY = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
_ANSWERS = problems(
    JobNotFoundError,
    ValidationFailedError,
    *NO_RESULT_PROBLEMS,
    ResultExpiredError,
    NotAcceptableError,
    ExportFailedError,
    ExportNotReadyError,
    RedisFullError,
    DrainingError,
) | {
    200: {
        "model": OutlineJobResult | DocumentJobResult | PartialDocumentResult,
        "description": "The result; files other than Markdown are made by a worker when they are first asked for",
        "content": {
            each.media_type.partition(";")[0]: _BINARY if each in {ResultFormat.DOCX, ResultFormat.PDF} else _TEXT
            for each in ResultFormat
            if each is not ResultFormat.JSON
        },
    },
    304: {"description": "Not changed since that ETag"},
}
router = APIRouter(prefix=f"{API}/jobs", tags=["jobs"], dependencies=[Depends(prepared)])


@router.get("/{job_id}/result", responses=_ANSWERS)
async def get_result(
    request: Request,
    job: JobDep,
    service: ServicesDep,
    partial: PartialDep = False,
    wanted: FormatDep = None,
    accept: AcceptDep = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A completed job's result: JSON, Markdown, or a document as HTML, DOCX or PDF, its references as data."""
    if partial and wanted is not None and wanted.export is not None:
        message = "finished sections can be had as json or markdown"
        fault = {"pointer": "/query/format", "message": message}
        raise ValidationFailedError(f"/query/format: with partial=true {message}", errors=[fault])
    if partial and (finished := await partial_result(job, service.store)) is not None:
        form = _negotiated(wanted, accept, AT_HAND, "Finished sections")
        return _at_hand(job.kind, finished, form, {"Vary": "Accept", "Cache-Control": "no-store"})
    refuse_unless_completed(job, _NONE_FINISHED if partial else None)
    result = await service.store.jobs.result(job.ref)
    if result is None:
        raise ResultExpiredError
    offered = tuple(ResultFormat) if job.kind is JobKind.DOCUMENT else AT_HAND
    form = _negotiated(wanted, accept, offered, f"The result of this {job.kind} job")
    headers = {"Vary": "Accept", "Cache-Control": "no-cache", "ETag": _etag(job, form)}
    if unchanged(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    if form.export is None:
        return _at_hand(job.kind, result, form, headers)
    return await _file(request, job, service.exports, result, form, headers)


def _negotiated(
    wanted: ResultFormat | None, accept: str | None, offered: tuple[ResultFormat, ...], what: str
) -> ResultFormat:
    form = wanted or choose(accept, offered)
    if form in offered:
        return form
    listed = ", ".join(f"{each} ({each.media_type.partition(';')[0]})" for each in offered)
    raise NotAcceptableError(f"{what} can be had as {listed}.", headers={"Vary": "Accept"})


def _etag(job: Job, form: ResultFormat) -> str:
    # Weak, and of the job: a result never changes, and a file that is made again says the same in other bytes.
    named = f"{job.ref} {job.run} {job.finished_at} {form}"
    return f'W/"{hashlib.sha256(named.encode()).hexdigest()[:32]}"'


def _at_hand(kind: JobKind, result: bytes, form: ResultFormat, headers: dict[str, str]) -> Response:
    if form is ResultFormat.JSON:
        return Response(result, media_type=form.media_type, headers=headers)
    title, text = title_and_markdown(kind, result)
    return Response(text, media_type=form.media_type, headers=headers | SAFE | _named(title, ".md", form))


async def _file(
    request: Request, job: Job, exports: ExportDelivery, result: bytes, form: ResultFormat, headers: dict[str, str]
) -> Response:
    assert form.export is not None
    file = await exports.file(job.ref, form.export, request.is_disconnected)
    title, _ = title_and_markdown(job.kind, result)
    headers |= SAFE | _named(title, form.export.extension, form)
    if form is ResultFormat.HTML:
        headers |= NO_SCRIPTS
    return Response(file, media_type=form.media_type, headers=headers)


def _named(title: str, extension: str, form: ResultFormat) -> dict[str, str]:
    return {"Content-Disposition": disposition(title, extension, inline=form in INLINE)}
