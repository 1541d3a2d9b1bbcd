"""What surrounds every request: its id, its log context, its metrics, and the limit of its body."""

import asyncio
import contextlib
import json
import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.problems import BodyTooLargeError, InternalError, ProblemError
from gateway.http.views import API
from shared.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS

log = structlog.get_logger()

LARGE_BODY_BYTES = 25 * 1024 * 1024
SMALL_BODY_BYTES = 256 * 1024
LINGER_SECONDS = 2
_WITH_FILES = frozenset(f"{API}/jobs/{name}" for name in ("outline", "document", "batch", "estimate"))
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


class RequestContext:
    """Gives each request an id (the caller's own where it is sound), bound to logs and sent back; counts it.

    A crash is answered here and not by the framework's outermost layer, whose answer would be neither counted nor
    marked with the id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _REQUEST_ID.match(offered) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
                # The template, not the path: ids in labels would be unbounded.
                route = getattr(scope.get("route"), "path", "unmatched")
                HTTP_REQUESTS.labels(_method(scope), route, message["status"]).inc()
                HTTP_SECONDS.labels(route).observe(time.perf_counter() - began)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception:
                log.exception("request_crashed")
                if started:
                    raise
                await _refuse(scope, send_with_id, _crashed())


def _method(scope: Scope) -> str:
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"


class BodyLimit:
    """Refuses a large body as soon as its Content-Length says so, or its bytes do.

    After the answer it reads on for a moment: closing with bytes unread resets the connection, and most clients that
    are still sending then report the reset instead of the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = LARGE_BODY_BYTES if scope["path"] in _WITH_FILES else SMALL_BODY_BYTES
        announced = Headers(scope=scope).get("content-length", "")
        received = 0

        async def send_and_linger(message: Message) -> None:
            if received > limit and message["type"] == "http.response.body" and not message.get("more_body"):
                await send({**message, "more_body": True})
                await _discard(receive)
                message = {"type": "http.response.body"}
            await send(message)

        if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
            received = int(announced[:20])
            await _refuse(scope, send_and_linger, _too_large(limit))
            return

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_counted, send_and_linger)


async def _discard(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                continue


def _too_large(limit: int) -> ProblemError:
    detail = f"The body may have {limit:,} bytes at most."
    return BodyTooLargeError(detail, headers={"Connection": "close"})


def _crashed() -> ProblemError:
    return InternalError("An unexpected error; the server's log has it under this request id.")


async def _refuse(scope: Scope, send: Send, error: ProblemError) -> None:
    body = json.dumps(error.body(scope["state"]["request_id"])).encode()
    headers = {"content-type": "application/problem+json", "content-length": str(len(body)), **error.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
