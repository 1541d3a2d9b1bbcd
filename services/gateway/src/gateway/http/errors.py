"""Every error answer, as RFC 9457 problem+json. docs/errors.md explains the codes."""

from collections.abc import Mapping, Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.http.problems import (
    BodyTooLargeError,
    DurabilityUnconfirmedError,
    HttpError,
    MalformedJsonError,
    MethodNotAllowedError,
    NotFoundError,
    ProblemError,
    RedisFullError,
    RedisUnavailableError,
    ValidationFailedError,
)
from shared.redis.failures import OUT_OF_MEMORY, REDIS_UNAVAILABLE, UnconfirmedError

log = structlog.get_logger()

MAX_FAULTS = 1_000
"""A body with more faults is refused without listing any: pydantic lists all or none, and millions take a minute."""
SHOWN_FAULTS = 50
POINTER_CHARACTERS = 500
CLIENT_GONE = 499
"""Status in the metrics of a request whose client went away before it was read; nobody receives it."""


def validation_problem(error: ValidationError) -> ProblemError:
    """A body that pydantic refused: 400 where it is no JSON at all, else 422 with a pointer for each fault."""
    count = error.error_count()
    if count > MAX_FAULTS:
        return invalid([{"pointer": "", "message": f"{count:,} faults"}])
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        return MalformedJsonError(faults[0]["msg"])
    return invalid([{"pointer": _pointer(fault["loc"]), "message": fault["msg"]} for fault in faults[:SHOWN_FAULTS]])


def invalid(errors: Sequence[Mapping[str, str]]) -> ProblemError:
    """A problem of faults, the first of them in its detail."""
    first = errors[0]
    return ValidationFailedError(f"{first['pointer'] or '/'}: {first['message']}", errors=errors)


def _pointer(location: Sequence[str | int]) -> str:
    """RFC 6901, cut where a name of the client's is endless."""
    # Pydantic marks a fault of a mapping's key, not its value, by one more part.
    parts = location[:-1] if location and location[-1] == "[key]" else location
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return pointer if len(pointer) <= POINTER_CHARACTERS else pointer[:POINTER_CHARACTERS] + "…"


def _answer(request: Request, error: ProblemError) -> JSONResponse:
    return JSONResponse(
        error.body(request.state.request_id),
        status_code=error.status,
        headers=error.headers,
        media_type="application/problem+json",
    )


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return _answer(request, error)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status, detail = error.status_code, str(error.detail)
    for named in (NotFoundError, MethodNotAllowedError, BodyTooLargeError):
        if named.status == status:
            return _answer(request, named(detail, headers=error.headers))
    return _answer(request, HttpError(detail, status=status, headers=error.headers))


async def _on_redis_away(request: Request, error: Exception) -> JSONResponse:
    log.warning("redis_unavailable", error=str(error))
    detail = "The queue cannot be reached. Nothing was stored unless an earlier answer said so; try again."
    return _answer(request, RedisUnavailableError(detail))


async def _on_unconfirmed(request: Request, error: Exception) -> JSONResponse:
    log.warning("durability_unconfirmed", error=str(error))
    detail = "Carried out, but no replica confirmed it: a failover could undo it. Look at the job before asking again."
    return _answer(request, DurabilityUnconfirmedError(detail))


async def _on_redis_full(request: Request, error: Exception) -> JSONResponse:
    log.warning("redis_full", error=str(error))
    detail = "The queue's memory is full: running jobs go on, new ones are refused. Try again later."
    return _answer(request, RedisFullError(detail))


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
