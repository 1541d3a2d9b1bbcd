"""A model that only waits: ``python -m tests.benchmarks.model_process --latency 1``. Prints its base URL.

The scripted model of the tests takes a few milliseconds of processor a call; six thousand at once would measure it
instead of the worker. This one looks for three things in a request (``Document: <title>``, the arrow before the
section's title, ``takes N ms``), and answers after the delay in one write. ``GET /calls`` tells when each call came and
was answered and how late its own timers were.
"""

import argparse
import asyncio
import json
import re
import time
from dataclasses import asdict, dataclass
from typing import Any, cast

import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_DOCUMENT = re.compile(rb"Document: ([\w-]+)")
_SECTION = re.compile(rb"marked with an arrow: ([\w -]+)")
_TAKES = re.compile(rb"takes (\d+) ms")
_SENTENCE = "The beekeeper opens the hive in the morning and finds the combs full of pale spring honey. "
WORDS = len(_SENTENCE.split())
LOOK_SECONDS = 0.01


@dataclass(slots=True)
class Call:
    """One request; times are those of the machine's monotonic clock, seconds."""

    document: str
    section: str
    began: float
    due: float
    ended: float | None = None


class Board:
    """What was asked, and how late the process itself was."""

    def __init__(self, latency: float, words: int) -> None:
        self.latency = latency
        self.answer = _answer(words)
        self.reset()

    def reset(self) -> None:
        self.calls: list[Call] = []
        self.most_late = 0.0

    def summary(self) -> dict[str, Any]:
        return {"calls": [asdict(call) for call in self.calls], "most_late_seconds": self.most_late}

    async def watch(self) -> None:
        """How long the loop takes to come back: a request that waits in a socket has no timer yet."""
        while True:
            due = time.perf_counter() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.most_late = max(self.most_late, time.perf_counter() - due)


def _answer(words: int) -> bytes:
    text = _SENTENCE * max(1, round(words / WORDS))
    pieces = [text[at : at + 200] for at in range(0, len(text), 200)]
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": len(text) // 4}})
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    body = b"".join(b"data: " + json.dumps(head | event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return _response(body, b"text/event-stream")


def _response(body: bytes, kind: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (kind, len(body), body)


class Conversation(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not of asyncio's class.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, complete, rest = self._received.partition(b"\r\n\r\n")
        if not complete:
            return
        length = _LENGTH.search(head)
        if length is None or len(rest) >= int(length[1]):
            self._received = b""
            self._take(head, rest)

    def _take(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST /v1/chat/completions"):
            self._ask(body)
        elif head.startswith(b"GET /calls"):
            self._transport.write(_response(json.dumps(self._board.summary()).encode(), b"application/json"))
        elif head.startswith(b"POST /reset"):
            self._board.reset()
            self._transport.write(_response(b"{}", b"application/json"))
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    def _ask(self, body: bytes) -> None:
        now = time.perf_counter()
        takes = _TAKES.search(body)
        delay = int(takes[1]) / 1000 if takes else self._board.latency
        call = Call(_found(_DOCUMENT, body), _found(_SECTION, body), now, now + delay)
        self._board.calls.append(call)
        self._timer = asyncio.get_running_loop().call_later(delay, self._reply, call)

    def _reply(self, call: Call) -> None:
        call.ended = time.perf_counter()
        self._board.most_late = max(self._board.most_late, call.ended - call.due)
        self._transport.write(self._board.answer)


def _found(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    return found[1].decode() if found else ""


async def _serve(latency: float, words: int) -> None:
    board = Board(latency, words)
    server = await asyncio.get_running_loop().create_server(lambda: Conversation(board), "127.0.0.1", 0, backlog=16_384)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve_forever())
        group.create_task(board.watch())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="model_process", description=__doc__)
    parser.add_argument("--latency", type=float, default=1.0, metavar="S", help="of a call that names none itself")
    parser.add_argument("--words", type=int, default=60, help="length of every answer")
    arguments = parser.parse_args()
    uvloop.run(_serve(arguments.latency, arguments.words))
