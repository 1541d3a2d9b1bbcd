"""The client against a server that sends exactly the bytes a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.errors import LaunchError
from deploy.local.gateway_client import Bookmark, GatewayClient
from shared.contracts.commands import DocumentCommand
from shared.contracts.events import Delta, EventData, Failed, ProgressData

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
NOTHING_MORE = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
FAST = b"retry: 1\n\n"


def frame(event_id: str, name: str, data: dict[str, object]) -> bytes:
    envelope = orjson.dumps({"job_id": "j", "type": name, "id": event_id, "data": data})
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event_id.encode(), name.encode(), envelope)


def progress(event_id: str, percent: float) -> bytes:
    return frame(event_id, "progress", {"step": "s", "message": "m", "percent": percent})


FAILED = frame("1-9", "failed", {"error": {"code": "c", "message": "m", "retryable": False}})


def answer(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


class Server:
    """Gives each connection the next list of chunks, and keeps the heads of the requests."""

    def __init__(self, *connections: list[bytes]) -> None:
        self._connections = list(connections)
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        self.heads.append(head)
        for chunk in self._connections.pop(0):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[GatewayClient]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield GatewayClient(client, patience_seconds=0.2, retry_seconds=0.01)


async def followed(*connections: list[bytes]) -> tuple[list[EventData], list[str]]:
    server = Server(*connections)
    async with client_of(server) as gateway, aclosing(gateway.follow("j", Bookmark())) as events:
        return [event async for event in events], server.heads


async def test_a_broken_stream_is_resumed_after_the_last_id() -> None:
    torn = progress("1-3", 30)[:-8]
    events, heads = await followed(
        [STREAM, FAST, progress("1-1", 10), progress("1-2", 20), torn],
        [STREAM, progress("1-3", 30), FAILED],
    )
    assert [event.percent for event in events if isinstance(event, ProgressData)] == [10, 20, 30]
    assert isinstance(events[-1], Failed)
    assert "last-event-id" not in heads[0]
    assert "last-event-id: 1-2" in heads[1]


async def test_the_end_is_the_terminal_event_even_if_the_stream_goes_on() -> None:
    events, heads = await followed([STREAM, FAILED, progress("1-10", 99)])
    assert len(events) == len(heads) == 1


async def test_nothing_more_ends_it() -> None:
    events, heads = await followed([STREAM, FAST, progress("1-1", 10)], [NOTHING_MORE])
    assert len(events) == 1
    assert "last-event-id: 1-1" in heads[1]


async def test_a_draining_gateway_is_asked_again() -> None:
    draining = b'event: server_draining\nretry: 1\ndata: {"type": "server_draining", "data": {}}\n\n'
    events, heads = await followed(
        [STREAM, progress("1-1", 10), draining],
        [answer("503 Service Unavailable", b'{"title": "Redis is away"}')],
        [STREAM, FAILED],
    )
    assert [type(event).__name__ for event in events] == ["ProgressData", "ServerDraining", "Failed"]
    assert "last-event-id: 1-1" in heads[2]


async def test_comments_and_unknown_events_are_passed_over() -> None:
    events, _ = await followed([STREAM, b": heartbeat\n\n", frame("1-1", "newer", {"a": 1}), FAILED])
    assert [type(event).__name__ for event in events] == ["Failed"]


async def test_a_gateway_that_stays_away_is_given_up() -> None:
    away = [answer("503 Service Unavailable", b'{"title": "Redis is away"}')]
    with pytest.raises(LaunchError, match=r"has not answered for 0 s: 503 Redis is away"):
        await followed(*[away] * 100)


async def test_an_unknown_job_is_refused_with_its_problem() -> None:
    with pytest.raises(LaunchError, match="404 Not found; No job j"):
        await followed([answer("404 Not Found", b'{"title": "Not found", "detail": "No job j"}')])


async def test_an_event_that_is_not_as_documented_is_told() -> None:
    with pytest.raises(LaunchError, match="An event of type delta is not as documented"):
        await followed([STREAM, frame("1-1", "delta", {"text": "no section"})])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=st.lists(st.text(), min_size=1, max_size=3),
    newline=st.sampled_from([b"\n", b"\r\n"]),
    size=st.integers(1, 40),
)
def test_events_arrive_whole_however_the_bytes_are_cut(texts: list[str], newline: bytes, size: int) -> None:
    texts = [text.encode(errors="replace").decode() for text in texts]
    frames = [
        frame(f"1-{n}", "delta", {"section_id": "s", "revision": 1, "offset": 0, "text": text})
        for n, text in enumerate(texts, 1)
    ]
    body = b"".join([*frames, FAILED]).replace(b"\n", newline)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    events, _ = asyncio.run(followed([STREAM, *chunks]))
    assert [event.text for event in events if isinstance(event, Delta)] == texts


async def test_a_submission_is_repeated_under_one_key_until_it_is_answered() -> None:
    server = Server(
        [],
        [answer("503 Service Unavailable", b"")],
        [answer("202 Accepted", b'{"job_id": "j1", "status": "queued"}')],
    )
    async with client_of(server) as gateway:
        assert await gateway.submit(DocumentCommand(task_prompt="Bees")) == "j1"
    keys = {line for head in server.heads for line in head.splitlines() if line.startswith("idempotency-key")}
    assert len(server.heads) == 3
    assert len(keys) == 1


async def test_a_cancellation_is_asked_for_again_on_a_new_connection() -> None:
    server = Server([], [answer("202 Accepted", b"{}")])
    async with client_of(server) as gateway:
        await gateway.abandon("j")
    assert [head.splitlines()[0] for head in server.heads] == ["post /api/v1/jobs/j/cancel http/1.1"] * 2


async def test_nobody_waits_for_a_cancellation() -> None:
    async with client_of(Server([], [])) as gateway:
        await gateway.abandon("j")


async def test_a_validation_problem_names_the_field() -> None:
    problem = b'{"title": "Invalid", "detail": "1 error", "errors": [{"pointer": "/language", "message": "unknown"}]}'
    async with client_of(Server([answer("422 Unprocessable Content", problem)])) as gateway:
        with pytest.raises(LaunchError, match="422 Invalid; 1 error; /language: unknown"):
            await gateway.submit(DocumentCommand(task_prompt="Bees"))
