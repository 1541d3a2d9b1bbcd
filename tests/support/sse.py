"""Reads server-sent events as the standard says, and keeps what browsers would drop: comments and id-less frames."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2


@dataclass(slots=True)
class Frame:
    """What stood between two blank lines."""

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: int | None = None
    comments: list[str] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The data line, read."""
        assert self.data is not None
        read: dict[str, Any] = json.loads(self.data)
        return read


def parse_frame(lines: list[str]) -> Frame:
    """A frame of its lines; fails on anything the contract does not have."""
    frame = Frame()
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        assert colon, f"a line without a colon: {line!r}"
        match name:
            case "":
                frame.comments.append(value)
            case "id" | "event" | "data":
                assert getattr(frame, name) is None, f"{name} twice in a frame"
                setattr(frame, name, value)
            case "retry":
                frame.retry = int(value)
            case _:
                message = f"an unknown field: {line!r}"
                raise AssertionError(message)
    return frame


class EventReader:
    """One open stream."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._frames = self._parsed()

    @property
    def status(self) -> int:
        return self.response.status_code

    async def _parsed(self) -> AsyncIterator[Frame]:
        # Split on LF alone: JSON strings may hold other line separators (U+2028, U+0085) as they are.
        pending = b""
        async for chunk in self.response.aiter_raw():
            pending += chunk
            *whole, pending = pending.split(b"\n\n")
            for raw in whole:
                yield parse_frame(raw.decode().split("\n"))
        assert not pending, f"the stream ended inside a frame: {pending!r}"

    async def frame(self) -> Frame:
        """The next frame, whatever it is; raises StopAsyncIteration at the end of the stream."""
        return await anext(self._frames)

    async def event(self) -> Frame:
        """The next frame with an event."""
        while (frame := await self.frame()).event is None:
            continue
        return frame

    async def rest(self) -> list[Frame]:
        """All events to the end of the stream."""
        return [frame async for frame in self._frames if frame.event is not None]

    async def until(self, event_id: str) -> list[Frame]:
        """The events up to the one with this id."""
        found = [await self.event()]
        while found[-1].id != event_id:
            found.append(await self.event())
        return found


@asynccontextmanager
async def open_stream(client: httpx2.AsyncClient, path: str, after: str | None = None) -> AsyncIterator[EventReader]:
    """A stream, resumed after an id where one is given."""
    headers = {} if after is None else {"Last-Event-ID": after}
    async with client.stream("GET", path, headers=headers) as response:
        yield EventReader(response)


def follow(
    client: httpx2.AsyncClient, job_id: str, after: str | None = None, query: str = ""
) -> AbstractAsyncContextManager[EventReader]:
    """The stream of a job."""
    return open_stream(client, f"/api/v1/jobs/{job_id}/events{query}", after)


async def all_events(client: httpx2.AsyncClient, job_id: str, after: str | None = None) -> list[Frame]:
    """The events of a job that ends, after an id where one is given."""
    async with follow(client, job_id, after) as stream:
        assert stream.status == 200
        return await stream.rest()


def path_of_all(job_ids: Iterable[str]) -> str:
    """Path of the stream of several jobs."""
    return "/api/v1/events?" + "&".join(f"job_id={job_id}" for job_id in job_ids)


def follow_all(
    client: httpx2.AsyncClient, job_ids: Iterable[str], after: str | None = None
) -> AbstractAsyncContextManager[EventReader]:
    """The stream of several jobs."""
    return open_stream(client, path_of_all(job_ids), after)


def stories(frames: Iterable[Frame]) -> dict[str, list[str]]:
    """The ids of each job's own events, in the order they came; ``gap`` with an id that stands for those before."""
    found: dict[str, list[str]] = defaultdict(list)
    for frame in frames:
        body = frame.json()
        found[body["job_id"]].append(f"gap {body['id']}" if frame.event == "gap" else body["id"])
    return dict(found)
