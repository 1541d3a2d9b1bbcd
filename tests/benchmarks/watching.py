"""Clients of event streams that cost little themselves: one protocol object each, nothing parsed that is not needed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import cast

CONNECT_AT_ONCE = 100
CONNECT_SECONDS = 120.0
Take = Callable[[bytes, float], None]


class Watcher(asyncio.Protocol):
    """Asks for one stream on its connection, and hands on each frame with the time it came."""

    def __init__(self, path: str, take: Take) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode()
        self._take = take
        self._pending = b""
        self._transport: asyncio.Transport
        self.open = asyncio.Event()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not of asyncio's class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True
        self.open.set()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *frames, self._pending = (self._pending + data).split(b"\n\n")
        for frame in frames:
            self._take(frame, now)
        self.open.set()

    def close(self) -> None:
        """Go, without waiting for an end of the stream."""
        self._transport.abort()


async def connect(port: int, paths: Sequence[str], take: Take) -> list[Watcher]:
    """A watcher for each path, all of them answered; raises RuntimeError where a connection was lost."""
    loop = asyncio.get_running_loop()
    watchers: list[Watcher] = []
    async with asyncio.timeout(CONNECT_SECONDS):
        for first in range(0, len(paths), CONNECT_AT_ONCE):
            some = [Watcher(path, take) for path in paths[first : first + CONNECT_AT_ONCE]]
            watchers += some
            async with asyncio.TaskGroup() as group:
                for watcher in some:
                    group.create_task(loop.create_connection(lambda one=watcher: one, "127.0.0.1", port))  # type: ignore[misc]
            for watcher in some:
                await watcher.open.wait()
    if any(watcher.lost for watcher in watchers):
        message = "the gateway closed a stream"
        raise RuntimeError(message)
    return watchers


def events_path(job_id: str) -> str:
    """Where the events of a job are."""
    return f"/api/v1/jobs/{job_id}/events"
