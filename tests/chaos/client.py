"""A client of the gateways that writes down all it does and hears."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2

from shared.contracts.events import TERMINAL_EVENTS
from tests.chaos.history import History, Phase
from tests.chaos.jobs import Job

_TERMINAL = {str(kind) for kind in TERMINAL_EVENTS}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, or that there was none: then ``status`` is 0."""

    phase: Phase
    status: int = 0
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Client:
    """Speaks to the gateways there are, by turns."""

    def __init__(self, history: History, gateways: Callable[[], list[str]]) -> None:
        self.history = history
        self._gateways = gateways
        self._turn = 0
        self.heard: Callable[[str, str], None] = lambda _job_id, _kind: None
        """Called with the job and the type of each event that a follower is told."""
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
        self._http = httpx2.AsyncClient(timeout=httpx2.Timeout(20), limits=limits, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def next_gateway(self) -> str:
        """Base of the API of one of them."""
        gateways = self._gateways()
        self._turn += 1
        return gateways[self._turn % len(gateways)]

    async def submit(self, job: Job, **headers: str) -> Told:
        """Ask once."""
        return await self._ask("submit", job.id, "POST", f"/jobs/{job.kind}", job.body, headers)

    async def accepted(self, job: Job, seconds: float = 30) -> Told:
        """Ask until it is accepted, as a patient client does; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                told = await self.submit(job)
                if told.phase == "ok":
                    return told
                await asyncio.sleep(0.2)

    async def cancel(self, job_id: str) -> Told:
        return await self._ask("cancel", job_id, "POST", f"/jobs/{job_id}/cancel")

    async def retry(self, job_id: str) -> Told:
        return await self._ask("retry", job_id, "POST", f"/jobs/{job_id}/retry")

    async def approve(self, job_id: str) -> Told:
        return await self._ask("approve", job_id, "POST", f"/jobs/{job_id}/approve")

    async def outline(self, job_id: str) -> Told:
        return await self._ask("outline", job_id, "GET", f"/jobs/{job_id}/outline")

    async def patch(self, job_id: str, version: int, *operations: dict[str, Any]) -> Told:
        """Change that version of an outline."""
        path, body = f"/jobs/{job_id}/outline", {"operations": list(operations), "author": "chaos"}
        return await self._ask("patch", job_id, "PATCH", path, body, {"If-Match": f'"{version}"'})

    async def get(self, job_id: str) -> Told:
        return await self._ask("get", job_id, "GET", f"/jobs/{job_id}")

    async def call(self, method: str, path: str) -> Told:
        """Any other request."""
        return await self._ask(f"{method} {path}", "", method, path)

    async def _ask(
        self, what: str, job_id: str, method: str, path: str, body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Told:  # fmt: skip
        url = self.next_gateway() + path
        operation = self.history.invoke(what, job_id, url=url)
        try:
            answer = await self._http.request(method, url, json=body, headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            self.history.add(operation, "info", what, job_id, error=repr(error))
            return Told("info")
        told = _told(answer)
        shown = {key: told.body[key] for key in ("status", "run", "attempt", "code", "version") if key in told.body}
        about = job_id or str(told.body.get("job_id", ""))
        self.history.add(operation, told.phase, what, about, code=told.status, body=shown)
        return told

    async def follow(self, job_id: str) -> None:
        """Read the events of a job to the end of its run, over as many connections as it takes."""
        operation = self.history.invoke("follow", job_id)
        last, ended = "", False
        while not ended:
            try:
                async for name, kind in self._frames(operation, job_id, last):
                    last = name or last
                    ended = ended or kind in _TERMINAL or kind in {"204", "404"}
            except (httpx2.HTTPError, OSError) as error:
                self.history.add(operation, "info", "follow", job_id, error=repr(error))
            await asyncio.sleep(0 if ended else 0.1)
        self.history.add(operation, "ok", "follow", job_id, last=last)

    async def _frames(self, operation: int, job_id: str, after: str) -> AsyncIterator[tuple[str, str]]:
        """Id and type of each event of one connection; a status instead of the type where there is no stream."""
        headers = {"Last-Event-ID": after} if after else {}
        url = f"{self.next_gateway()}/jobs/{job_id}/events"
        async with self._http.stream("GET", url, headers=headers) as response:
            if response.status_code != 200:
                self.history.add(operation, "info", "follow", job_id, code=response.status_code)
                yield "", str(response.status_code)
                return
            pending = b""
            async for chunk in response.aiter_raw():
                *whole, pending = (pending + chunk).split(b"\n\n")
                for raw in whole:
                    name, kind = _frame(raw)
                    if kind:
                        self.history.add(operation, "event", "follow", job_id, id=name, type=kind)
                        self.heard(job_id, kind)
                        yield name, kind


def _told(answer: httpx2.Response) -> Told:
    try:
        found = answer.json()
    except json.JSONDecodeError:
        found = {}
    phase: Phase = "ok" if answer.is_success else "fail" if answer.status_code < 500 else "info"
    return Told(phase, answer.status_code, found if isinstance(found, dict) else {}, dict(answer.headers))


def _frame(raw: bytes) -> tuple[str, str]:
    fields = dict(line.split(": ", 1) for line in raw.decode().split("\n") if ": " in line and line[0] != ":")
    return fields.get("id", ""), fields.get("event", "")
