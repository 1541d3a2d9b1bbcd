"""A gateway that plays fixed jobs, for tests of the launcher: run as a process, configured like the real one."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.waiting import eventually
from tests.unit.local.fake_worker import exit_when_asked

OUTLINE_JOB = "outline-1"
DOCUMENT_JOB = "document-1"
MARKDOWN = "# Bees\n\nBees live in colonies.\n"
USAGE = {"llm_calls": 2, "prompt_tokens": 30, "completion_tokens": 40, "cost_usd": None, "estimated": False}

Event = tuple[str, dict[str, object]]

OUTLINE_EVENTS: list[Event] = [
    ("started", {"attempt": 1, "worker": "w1"}),
    ("progress", {"step": "draft", "message": "Drafting", "percent": 50.0}),
    ("completed", {"duration_seconds": 1.0, "usage": USAGE}),
]
DOCUMENT_EVENTS: list[Event] = [
    ("started", {"attempt": 1, "worker": "w1"}),
    ("progress", {"step": "write", "message": "Writing", "percent": 20.0}),
    ("delta", {"section_id": "s1", "revision": 1, "offset": 0, "text": "Bees live in colonies."}),
    ("section", {"section_id": "s1", "revision": 1, "title": "Colonies", "words": 4}),
    ("completed", {"duration_seconds": 2.0, "usage": USAGE}),
]
FAILED: Event = ("failed", {"error": {"code": "model_refused", "message": "The model said no", "retryable": False}})
OUTLINE = {"title": "Bees", "nodes": [{"id": "s1", "title": "Colonies"}]}
DOCUMENT = {
    "title": "Bees",
    "language": "en",
    "markdown": MARKDOWN,
    "sections": [{"id": "s1", "title": "Colonies", "level": 2, "words": 4}],
    "references": [],
    "words": 4,
}
QUALITY = {"target_words": 4, "words": 4, "sections": [], "files": [], "evidence": "none"}
RESULTS: dict[str, dict[str, object]] = {
    OUTLINE_JOB: {"outline": OUTLINE, "sources": [], "usage": USAGE},
    DOCUMENT_JOB: {"document": DOCUMENT, "quality": QUALITY, "usage": USAGE},
}


class FakeGateway:
    """Scenario `fails`: the document job ends with an error; `hangs`: no job ends; `refuses`: none is accepted.

    `waits`: the document job ends once there is a file `go on`.
    """

    def __init__(self, scenario: str) -> None:
        self._scenario = scenario
        self._dropped = False

    def app(self) -> Starlette:
        handlers: dict[str, Callable[[Request], object]] = {
            "/readyz": self.ready,
            "/api/v1/jobs/{job_id}": self.status,
            "/api/v1/jobs/{job_id}/events": self.events,
            "/api/v1/jobs/{job_id}/result": self.result,
        }
        posts = [
            Route("/api/v1/jobs/{kind}", self.submit, methods=["POST"]),
            Route("/api/v1/jobs/{job_id}/cancel", self.cancel, methods=["POST"]),
        ]
        return Starlette(routes=[*posts, *(Route(path, handler) for path, handler in handlers.items())])

    async def ready(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def submit(self, request: Request) -> Response:
        if self._scenario == "refuses":
            problem = {"title": "Queue full", "detail": "Try again tomorrow", "status": 409, "code": "queue_full"}
            return JSONResponse(problem, 409, media_type="application/problem+json")
        kind = request.path_params["kind"]
        print(orjson.dumps({"event": "submitted", "kind": kind, "body": await request.json()}).decode(), flush=True)
        return JSONResponse({"job_id": OUTLINE_JOB if kind == "outline" else DOCUMENT_JOB}, 202)

    async def cancel(self, request: Request) -> Response:
        print(orjson.dumps({"event": "cancelled", "job_id": request.path_params["job_id"]}).decode(), flush=True)
        return JSONResponse({}, 202)

    async def status(self, request: Request) -> Response:
        if self._fails(request.path_params["job_id"]):
            return JSONResponse({"status": "failed", **FAILED[1]})
        return JSONResponse({"status": "completed", "error": None, "duration_seconds": 2.0})

    async def result(self, request: Request) -> Response:
        return JSONResponse(RESULTS[request.path_params["job_id"]])

    async def events(self, request: Request) -> Response:
        job_id = request.path_params["job_id"]
        events = OUTLINE_EVENTS if job_id == OUTLINE_JOB else DOCUMENT_EVENTS
        if self._fails(job_id):
            events = [*events[:-1], FAILED]
        position = int(request.headers.get("last-event-id", "1-0").split("-")[1])
        return StreamingResponse(self._frames(job_id, events, position), media_type="text/event-stream")

    async def _frames(self, job_id: str, events: list[Event], position: int) -> AsyncIterator[bytes]:
        """The first stream of a document ends half-way: the launcher has to come back for the rest."""
        yield b"retry: 1\n: hello\n\n"
        for number, (name, data) in enumerate(events[position:], position + 1):
            if job_id == DOCUMENT_JOB and number == 3 and not self._dropped:
                self._dropped = True
                return
            if self._scenario == "hangs" and number == len(events):
                await asyncio.Event().wait()
            if self._scenario == "waits" and job_id == DOCUMENT_JOB and number == len(events):
                await eventually(lambda: Path("go on").exists(), 20)
            envelope = {"job_id": job_id, "type": name, "id": f"1-{number}", "data": data}
            yield f"id: 1-{number}\nevent: {name}\ndata: {orjson.dumps(envelope).decode()}\n\n".encode()

    def _fails(self, job_id: str) -> bool:
        return self._scenario == "fails" and job_id == DOCUMENT_JOB


def main() -> None:
    """Serve until SIGTERM or until a file asks for an end."""
    print(orjson.dumps({"event": "gateway up", "pid": os.getpid()}).decode(), flush=True)
    threading.Thread(target=exit_when_asked, args=("gateway",), daemon=True).start()
    app = FakeGateway(os.environ.get("FAKE_SCENARIO", "")).app()
    uvicorn.run(app, host=os.environ["DRAFTLINE_HOST"], port=int(os.environ["PORT"]), log_level="warning")
