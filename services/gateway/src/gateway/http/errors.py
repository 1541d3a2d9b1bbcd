"""Every error answer, as RFC 9457 problem+json. docs/errors.md explains the codes."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.redis.failures import OUT_OF_MEMORY, REDIS_UNAVAILABLE, UnconfirmedError

log = structlog.get_logger()

MAX_FAULTS = 1_000
"""A body with more faults is refused without listing any: pydantic lists all or none, and millions take a minute."""
SHOWN_FAULTS = 50
POINTER_CHARACTERS = 500
CLIENT_GONE = 499
"""Status in the metrics of a request whose client went away before it was read; nobody receives it."""

TITLES = {
    "malformed_json": "The body is not JSON",
    "validation_failed": "The request breaks the contract",
    "unsupported_media_type": "The body must be JSON",
    "body_too_large": "The body is too large",
    "job_not_found": "There is no such job",
    "not_found": "There is no such resource",
    "method_not_allowed": "This resource does not know that method",
    "price_unknown": "Costs cannot be limited where no price is known",
    "job_id_conflict": "The job id is taken",
    "batch_not_found": "There is no such batch",
    "batch_id_conflict": "The batch id is taken",
    "idempotency_key_reused": "The idempotency key was used for another request",
    "worker_not_found": "There is no such worker",
    "dead_letter_not_found": "There is no such dead letter",
    "outline_not_found": "There is no such outline",
    "outline_not_ready": "The outline is not there",
    "outline_expired": "The outline has expired",
    "outline_changed": "The outline was changed meanwhile",
    "outline_not_editable": "The outline cannot be changed now",
    "version_not_found": "The outline has no such version",
    "not_awaiting_review": "The job does not wait for review",
    "precondition_required": "The request has to say which version it means",
    "section_not_found": "There is no such section",
    "not_finished": "The job is not finished",
    "already_finished": "The job has ended",
    "not_retryable": "The job cannot be retried now",
    "result_expired": "The result has expired",
    "too_many_versions": "There are too many versions",
    "not_acceptable": "The result cannot be had in this form",
    "export_not_ready": "The file is not made yet",
    "export_failed": "The file could not be made",
    "job_failed": "The job failed",
    "job_cancelled": "The job was cancelled",
    "redis_unavailable": "The service is not available at the moment",
    "durability_unconfirmed": "The request is not yet safe",
    "redis_full": "The service takes no new jobs at the moment",
    "draining": "This server is stopping",
    "http_error": "The request was refused",
    "internal_error": "The server failed",
}
"""Code to title. A test compares the codes with docs/errors.md."""


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def come_back(least: int = 1) -> dict[str, str]:
    """Retry-After for all who are refused at once: at random, so that they do not come back at once."""
    return {"Retry-After": str(random.randint(least, 2 * least + 1))}


def problem_body(request_id: str, error: ProblemError) -> dict[str, Any]:
    """The JSON object of a problem."""
    body: dict[str, Any] = {
        "type": f"urn:draftline:problem:{error.code}",
        "title": TITLES[error.code],
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        **error.extra,
    }
    if error.errors:
        body["errors"] = list(error.errors)
    return body


def validation_problem(error: ValidationError) -> ProblemError:
    """A body that pydantic refused: 400 where it is no JSON at all, else 422 with a pointer for each fault."""
    count = error.error_count()
    if count > MAX_FAULTS:
        return invalid([{"pointer": "", "message": f"{count:,} faults"}])
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        return ProblemError(400, "malformed_json", faults[0]["msg"])
    return invalid([{"pointer": _pointer(fault["loc"]), "message": fault["msg"]} for fault in faults[:SHOWN_FAULTS]])


def invalid(errors: Sequence[Mapping[str, str]]) -> ProblemError:
    """A problem of faults, the first of them in its detail."""
    first = errors[0]
    return ProblemError(422, "validation_failed", f"{first['pointer'] or '/'}: {first['message']}", errors=errors)


def _pointer(location: Sequence[str | int]) -> str:
    """RFC 6901, cut where a name of the client's is endless."""
    # Pydantic marks a fault of a mapping's key, not its value, by one more part.
    parts = location[:-1] if location and location[-1] == "[key]" else location
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return pointer if len(pointer) <= POINTER_CHARACTERS else pointer[:POINTER_CHARACTERS] + "…"


def _answer(request: Request, error: ProblemError) -> JSONResponse:
    return JSONResponse(
        problem_body(request.state.request_id, error),
        status_code=error.status,
        headers=error.headers,
        media_type="application/problem+json",
    )


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return _answer(request, error)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "http_error")
    return _answer(request, ProblemError(error.status_code, code, str(error.detail), headers=error.headers))


async def _on_redis_away(request: Request, error: Exception) -> JSONResponse:
    log.warning("redis_unavailable", error=str(error))
    detail = "The queue cannot be reached. Nothing was stored unless an earlier answer said so; try again."
    return _answer(request, ProblemError(503, "redis_unavailable", detail, headers=come_back()))


async def _on_unconfirmed(request: Request, error: Exception) -> JSONResponse:
    log.warning("durability_unconfirmed", error=str(error))
    detail = "Carried out, but no replica confirmed it: a failover could undo it. Look at the job before asking again."
    return _answer(request, ProblemError(503, "durability_unconfirmed", detail, headers=come_back()))


async def _on_redis_full(request: Request, error: Exception) -> JSONResponse:
    log.warning("redis_full", error=str(error))
    detail = "The queue's memory is full: running jobs go on, new ones are refused. Try again later."
    return _answer(request, ProblemError(503, "redis_full", detail, headers=come_back(30)))


async def _on_parameters(request: Request, error: Exception) -> JSONResponse:
    """Headers and query parameters, which FastAPI checks itself."""
    assert isinstance(error, RequestValidationError)
    faults = [{"pointer": _pointer(fault["loc"]), "message": fault["msg"]} for fault in error.errors()]
    return _answer(request, invalid(faults[:SHOWN_FAULTS]))


async def _on_client_gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


def install_error_handlers(app: FastAPI) -> None:
    """Give every error its problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(OUT_OF_MEMORY, _on_redis_full)
    app.add_exception_handler(UnconfirmedError, _on_unconfirmed)
    for kind in REDIS_UNAVAILABLE:
        app.add_exception_handler(kind, _on_redis_away)
    app.add_exception_handler(RequestValidationError, _on_parameters)
    app.add_exception_handler(ClientDisconnect, _on_client_gone)
