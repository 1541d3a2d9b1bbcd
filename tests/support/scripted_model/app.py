"""The application: answers chat completions as the script says, and shows what it was asked."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.support.scripted_model.obedient import count_tokens
from tests.support.scripted_model.replies import Asked, Reply, Script


@dataclass(slots=True)
class Call:
    """One chat request and how it went; times are Unix seconds."""

    index: int
    body: dict[str, Any]
    authorization: str
    started_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    disconnected: bool = False
    """The client went before the answer was complete."""


@dataclass(slots=True)
class Recorder:
    """The script in force and the calls it answered."""

    script: Script
    calls: list[Call] = field(default_factory=list)

    def begin(self, body: dict[str, Any], authorization: str) -> Call:
        call = Call(len(self.calls), body, authorization)
        self.calls.append(call)
        return call

    def reset(self) -> None:
        self.calls = []


def make_app(recorder: Recorder) -> Starlette:
    """An application for one recorder."""

    async def complete(request: Request) -> "_Completion":
        call = recorder.begin(await request.json(), request.headers.get("authorization", ""))
        return _Completion(recorder.script(Asked(call.index, call.body)), call)

    async def calls(_request: Request) -> Response:
        return JSONResponse([asdict(call) for call in recorder.calls])

    async def reset(_request: Request) -> Response:
        recorder.reset()
        return JSONResponse({})

    async def models(_request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", complete, methods=["POST"]),
            Route("/v1/models", models),
            Route("/health", health),
            Route("/calls", calls),
            Route("/reset", reset, methods=["POST"]),
        ]
    )


class _Completion(Response):
    """Sends one reply while it listens for the client to go."""

    def __init__(self, reply: Reply, call: Call) -> None:
        super().__init__()
        self._reply = reply
        self._call = call
        self._answered = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with anyio.create_task_group() as group:

                async def watch() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        continue
                    # Also said once the answer is out.
                    self._call.disconnected = not self._answered
                    group.cancel_scope.cancel()

                group.start_soon(watch)
                await self._answer(scope, receive, send)
                group.cancel_scope.cancel()
        finally:
            self._call.ended_at = self._call.ended_at or time.time()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self._reply
        if reply.hang_after_chunks == 0:
            await anyio.sleep_forever()
        await anyio.sleep(reply.first_token_seconds)
        self._answered = reply.status != 200 or reply.raw is not None or not self._call.body.get("stream")
        if reply.status != 200:
            await JSONResponse(reply.error, reply.status, dict(reply.headers))(scope, receive, send)
        elif reply.raw is not None:
            await Response(reply.raw, media_type="text/event-stream")(scope, receive, send)
        elif self._answered:
            await JSONResponse(self._whole(), headers=dict(reply.headers))(scope, receive, send)
        else:
            await self._stream(send)

    async def _stream(self, send: Send) -> None:
        headers = {"content-type": "text/event-stream", **self._reply.headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        for sent, event in enumerate(self._events()):
            if sent == self._reply.cut_after_chunks:
                # An application that returns early makes uvicorn close the connection mid-body.
                return
            if sent == self._reply.hang_after_chunks:
                await self._hang(send)
            body = f"data: {event}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await anyio.sleep(self._reply.chunk_seconds)
        self._answered = True
        # Before the client can know, or its next call may seem to begin earlier.
        self._call.ended_at = time.time()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _hang(self, send: Send) -> None:
        every = self._reply.comment_seconds
        while every is not None:
            await send({"type": "http.response.body", "body": b": waiting\n\n", "more_body": True})
            await anyio.sleep(every)
        await anyio.sleep_forever()

    def _events(self) -> Iterator[str]:
        reply = self._reply
        for name, text in (("reasoning_content", reply.reasoning), ("content", reply.text)):
            for start in range(0, len(text), reply.chunk_characters):
                yield self._chunk({name: text[start : start + reply.chunk_characters]})
        if reply.stream_error is not None:
            yield json.dumps({"error": reply.stream_error})
            return
        if reply.finish_reason is not None:
            yield self._chunk({}, finish_reason=reply.finish_reason)
        options = self._call.body.get("stream_options") or {}
        if reply.report_usage and options.get("include_usage"):
            yield json.dumps({**self._frame("chat.completion.chunk"), "choices": [], "usage": self._usage()})
        yield "[DONE]"

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return json.dumps({**self._frame("chat.completion.chunk"), "choices": [choice]}, ensure_ascii=False)

    def _whole(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self._reply.text}
        choice = {"index": 0, "message": message, "finish_reason": self._reply.finish_reason}
        usage = {"usage": self._usage()} if self._reply.report_usage else {}
        return {**self._frame("chat.completion"), "choices": [choice], **usage}

    def _frame(self, kind: str) -> dict[str, Any]:
        model = self._call.body.get("model", "scripted")
        return {"id": f"scripted-{self._call.index}", "object": kind, "created": 0, "model": model}

    def _usage(self) -> dict[str, int]:
        prompt, completion = self._reply.usage or (
            sum(count_tokens(m["content"]) for m in self._call.body["messages"]),
            count_tokens(self._reply.reasoning + self._reply.text),
        )
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
