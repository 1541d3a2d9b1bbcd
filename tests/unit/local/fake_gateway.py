"""A gateway that plays one fixed job, for tests of the launcher: run as a process, configured like the real one."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.contracts.outline import Outline
from shared.contracts.outline_edits import EditError, OutlinePatch, apply
from tests.support.waiting import eventually
from tests.unit.local.fake_worker import exit_when_asked

DOCUMENT_JOB = "document-1"
MARKDOWN = "# Bees\n\nBees live in colonies.\n"
USAGE = {"llm_calls": 2, "prompt_tokens": 30, "completion_tokens": 40, "cost_usd": None, "estimated": False}
OUTLINE = Outline.model_validate(
    {
        "title": "Bees",
        "nodes": [
            {"id": "s1", "title": "Colonies", "summary": "How bees live.", "target_words": 3},
            {"id": "s2", "title": "Honey", "children": [{"id": "s2.1", "title": "Wax", "target_words": 1}]},
        ],
    }
)
LINK = f"/api/v1/jobs/{DOCUMENT_JOB}/outline"

Event = tuple[str, dict[str, object]]

PLANNING: list[Event] = [
    ("started", {"attempt": 1, "worker": "w1"}),
    ("progress", {"step": "draft", "message": "Drafting", "percent": 10.0}),
]
WRITING: list[Event] = [
    ("started", {"attempt": 1, "worker": "w2"}),
    ("progress", {"step": "write", "message": "Writing", "percent": 50.0}),
    ("delta", {"section_id": "s1", "revision": 1, "offset": 0, "text": "Bees live in colonies."}),
    ("section", {"section_id": "s1", "revision": 1, "title": "Colonies", "words": 4}),
]
COMPLETED: Event = ("completed", {"duration_seconds": 2.0, "usage": USAGE})
FAILED: Event = ("failed", {"error": {"code": "model_refused", "message": "The model said no", "retryable": False}})
CANCELLED: Event = ("cancelled", {})
DOCUMENT = {
    "title": "Bees",
    "language": "en",
    "markdown": MARKDOWN,
    "sections": [{"id": "s1", "title": "Colonies", "level": 2, "words": 4}],
    "references": [],
    "words": 4,
}
QUALITY = {"target_words": 4, "words": 4, "sections": [], "files": [], "evidence": "none"}


class FakeGateway:
    """Scenario `fails`: the job ends with an error; `hangs`: it does not end; `refuses`: it is not accepted.

    `waits`: it ends once there is a file `go on`; `large`: its outline is too large for an event.
    """

    def __init__(self, scenario: str) -> None:
        self._scenario = scenario
        self._dropped = False
        self._events: list[Event] = []
        self._news = asyncio.Condition()
        self._outlines = [OUTLINE]
        self._waits_for_approval = False

    def app(self) -> Starlette:
        job = "/api/v1/jobs/{job_id}"
        gets = {"": self.status, "/events": self.events, "/result": self.result, "/outline": self.outline}
        return Starlette(
            routes=[
                Route("/readyz", self.ready),
                Route("/api/v1/jobs/document", self.submit, methods=["POST"]),
                Route(f"{job}/cancel", self.cancel, methods=["POST"]),
                Route(f"{job}/approve", self.approve, methods=["POST"]),
                Route(f"{job}/outline", self.edit, methods=["PATCH"]),
                *(Route(job + path, handler) for path, handler in gets.items()),
            ]
        )

    async def ready(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def submit(self, request: Request) -> Response:
        if self._scenario == "refuses":
            return _problem(409, "Queue full", "Try again tomorrow")
        body = await request.json()
        _log("submitted", body=body)
        await self._plan(review=body["review"])
        return JSONResponse({"job_id": DOCUMENT_JOB}, 202)

    async def cancel(self, request: Request) -> Response:
        _log("cancelled", job_id=request.path_params["job_id"])
        await self._tell(CANCELLED)
        return JSONResponse({}, 202)

    async def approve(self, request: Request) -> Response:
        if self._is_stale(request):
            return _problem(412, "The outline was changed", f"Version {len(self._outlines)} is the latest")
        _log("approved", version=len(self._outlines))
        if self._waits_for_approval:
            self._waits_for_approval = False
            await self._write("approved")
        return JSONResponse({}, 202)

    async def outline(self, _request: Request) -> Response:
        return JSONResponse({"version": len(self._outlines), "outline": self._outlines[-1].model_dump(mode="json")})

    async def edit(self, request: Request) -> Response:
        if self._is_stale(request):
            return _problem(412, "The outline was changed", f"Version {len(self._outlines)} is the latest")
        patch = OutlinePatch.model_validate_json(await request.body())
        try:
            self._outlines.append(apply(self._outlines[-1], patch.operations, len(self._outlines) + 1))
        except EditError as error:
            return _problem(422, "Validation failed", error.message)
        _log("edited", operations=[operation.op for operation in patch.operations])
        version = len(self._outlines)
        await self._tell(("outline_changed", {"version": version, "author": patch.author, "outline_link": LINK}))
        return await self.outline(request)

    async def status(self, _request: Request) -> Response:
        if self._scenario == "fails":
            return JSONResponse({"status": "failed", **FAILED[1]})
        status = "cancelled" if CANCELLED in self._events else "completed"
        return JSONResponse({"status": status, "error": None, "duration_seconds": 2.0})

    async def result(self, _request: Request) -> Response:
        return JSONResponse({"document": DOCUMENT, "quality": QUALITY, "usage": USAGE})

    async def events(self, request: Request) -> Response:
        position = int(request.headers.get("last-event-id", "1-0").split("-")[1])
        if not self._events:  # a gateway before this one took the job
            await self._plan(review=False)
        return StreamingResponse(self._frames(position), media_type="text/event-stream")

    def _is_stale(self, request: Request) -> bool:
        return request.headers["if-match"] != f'"{len(self._outlines)}"'

    async def _plan(self, *, review: bool) -> None:
        self._waits_for_approval = review
        small = None if self._scenario == "large" else OUTLINE.model_dump(mode="json")
        ready: dict[str, object] = {"version": 1, "awaiting_review": review, "outline": small, "outline_link": LINK}
        await self._tell(*PLANNING, ("outline_ready", ready))
        if not review:
            await self._write("outline_ready")

    async def _write(self, reason: str) -> None:
        await self._tell(("queued", {"band": "default", "reason": reason}), *WRITING)
        if self._scenario != "hangs":
            await self._tell(FAILED if self._scenario == "fails" else COMPLETED)

    async def _tell(self, *events: Event) -> None:
        async with self._news:
            self._events += events
            self._news.notify_all()

    async def _event(self, position: int) -> Event:
        async with self._news:
            await self._news.wait_for(lambda: len(self._events) > position)
        return self._events[position]

    async def _frames(self, position: int) -> AsyncIterator[bytes]:
        """The first stream ends half-way through the writing: the launcher has to come back for the rest."""
        yield b"retry: 1\n: hello\n\n"
        while True:
            name, data = await self._event(position)
            if name == "section" and not self._dropped:
                self._dropped = True
                return
            if self._scenario == "waits" and name == "completed":
                await eventually(lambda: Path("go on").exists(), 20)
            position += 1
            envelope = {"job_id": DOCUMENT_JOB, "type": name, "id": f"1-{position}", "data": data}
            yield f"id: 1-{position}\nevent: {name}\ndata: {orjson.dumps(envelope).decode()}\n\n".encode()
            if name in {"completed", "failed", "cancelled"}:
                return


def _problem(status: int, title: str, detail: str) -> Response:
    problem = {"title": title, "detail": detail, "status": status}
    return JSONResponse(problem, status, media_type="application/problem+json")


def _log(event: str, **details: object) -> None:
    print(orjson.dumps({"event": event, **details}).decode(), flush=True)


def main() -> None:
    """Serve until SIGTERM or until a file asks for an end."""
    _log("gateway up", pid=os.getpid())
    threading.Thread(target=exit_when_asked, args=("gateway",), daemon=True).start()
    app = FakeGateway(os.environ.get("FAKE_SCENARIO", "")).app()
    listener = socket.socket(fileno=int(os.environ["DRAFTLINE_LISTEN_FD"]))
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])
