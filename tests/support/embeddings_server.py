"""A local endpoint for embeddings, over real HTTP, that knows what a few words mean in two languages.

In a test: ``with EmbeddingsServer(script) as server`` and ``server.base_url``. The script says what becomes of the
request with this number, from 0; None: it is answered as it should be.
"""

import json
import math
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

from pydantic import SecretStr

from shared.language.text import terms
from shared.settings.embeddings import EmbeddingSettings

Change: TypeAlias = Callable[[dict[str, Any]], None]

MEANINGS = (
    ("bee", "bees", "蜜蜂"),
    ("honey", "nectar", "蜂蜜", "花蜜"),
    ("hive", "beekeeper", "蜂箱", "养蜂"),
    ("copper", "metal", "铜价", "金属"),
    ("price", "prices", "cost", "价格", "成本"),
    ("rain", "storm", "weather", "下雨", "天气"),
    ("train", "railway", "铁路", "火车"),
)
_AXES = {word: axis for axis, words in enumerate(MEANINGS) for word in words}
_OTHERS = 24
"""Axes of words that it does not know."""
DIMENSION = len(MEANINGS) + _OTHERS + 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint does instead of answering as it should."""

    status: int = 200
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    change: Change | None = None
    """Spoils the right answer."""
    hangs: bool = False


Script: TypeAlias = Callable[[int, dict[str, Any]], Reply | None]


def refusal(status: int, message: str = "refused", *, code: str = "", **headers: str) -> Reply:
    """An error in OpenAI's shape; ``retry_after="2"`` becomes a header."""
    raw = json.dumps({"error": {"message": message, "code": code}}).encode()
    return Reply(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def html(status: int = 200) -> Reply:
    return Reply(status, b"<!doctype html><title>Welcome</title>", {"content-type": "text/html"})


def fewer() -> Reply:
    return Reply(change=lambda answer: answer["data"].pop())


def other_lengths() -> Reply:
    return Reply(change=lambda answer: answer["data"][-1]["embedding"].append(0.5))


def longer() -> Reply:
    """All of one length, which is not the usual one."""

    def change(answer: dict[str, Any]) -> None:
        for item in answer["data"]:
            item["embedding"].append(0.5)

    return Reply(change=change)


def component(value: float) -> Reply:
    """A vector of nothing but this value."""

    def change(answer: dict[str, Any]) -> None:
        answer["data"][0]["embedding"] = [value] * DIMENSION

    return Reply(change=change)


def without_usage() -> Reply:
    return Reply(change=lambda answer: answer.pop("usage"))


def backwards() -> Reply:
    return Reply(change=lambda answer: answer["data"].reverse())


def hang() -> Reply:
    return Reply(hangs=True)


def meaning(text: str) -> list[float]:
    """Words of one meaning point the same way, in either language; all texts have a little in common."""
    vector = [0.0] * DIMENSION
    vector[-1] = 1.0
    for term in terms(text):
        if term in _AXES:
            vector[_AXES[term]] += 2.0
        else:
            vector[len(MEANINGS) + zlib.crc32(term.encode()) % _OTHERS] += 0.5
    return [value / math.hypot(*vector) * 3 for value in vector]


class EmbeddingsServer:
    """The server and what it was asked, in the order of arrival."""

    def __init__(self, *replies: Reply | None, script: Script | None = None) -> None:
        """``replies`` are for the first requests, one each."""
        given = list(replies)
        self.script: Script = script or (lambda index, _: given[index] if index < len(given) else None)
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.most_at_once = 0
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._open = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(poll_interval=0.01), name="embeddings-server"
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def open(self) -> int:
        """Requests under way."""
        return self._open

    def settings(self, *, model: str = "meanings", timeout_seconds: float = 5.0) -> EmbeddingSettings:
        return EmbeddingSettings(
            embeddings_model=model,
            embeddings_base_url=self.base_url,
            embeddings_api_key=SecretStr("sk-embeddings"),
            embeddings_timeout_seconds=timeout_seconds,
        )

    def begin(self, body: dict[str, Any], key: str) -> Reply | None:
        with self._lock:
            reply = self.script(len(self.bodies), body)
            self.bodies.append(body)
            self.keys.append(key)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        return reply

    def end(self) -> None:
        with self._lock:
            self._open -= 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(server: EmbeddingsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            reply = server.begin(body, self.headers.get("authorization", "")) or Reply()
            try:
                if reply.hangs:
                    server.released.wait()
                    self.close_connection = True
                    return
                self._send(reply, reply.raw if reply.raw is not None else _answer(body["input"], reply.change))
            finally:
                server.end()

        def _send(self, reply: Reply, raw: bytes) -> None:
            self.send_response(reply.status if self.path == "/v1/embeddings" else 404)
            headers = {"content-type": "application/json", "content-length": str(len(raw)), **reply.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


def _answer(texts: Sequence[str], change: Change | None) -> bytes:
    answer: dict[str, Any] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": meaning(text)} for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": 3 * len(texts), "total_tokens": 3 * len(texts)},
    }
    if change is not None:
        change(answer)
    return json.dumps(answer).encode()
