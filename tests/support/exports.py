"""Finished documents, and workers that make files of them with exporters made for the test."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from shared.contracts.exports import ExportFormat
from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.exports import Exporter, ExportLimits
from shared.lifecycle.clock import SystemClock
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health
from shared.redis.attempts import Settled
from shared.redis.client import connections
from shared.redis.keys import shard_of
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from shared.settings import RedisSettings, WorkerSettings
from shared.streams import Session, Tuning, Worker, WorkerRuntime
from tests.support.jobs import submission
from tests.support.workers import Running


def document(title: str = "Bees") -> bytes:
    """A result, as far as exporters and the gateway read it."""
    return json.dumps({"document": {"title": title, "markdown": f"# {title}\n\nText.\n"}}).encode()


async def finish_document(store: Store, job_id: str = "doc", title: str = "Bees", **changes: Any) -> JobRef:
    """A completed document job."""
    new = submission(job_id, kind=JobKind.DOCUMENT, **changes)
    await store.jobs.submit(new)
    shard = shard_of(new.ref, store.shards)
    (claim,) = (await store.queues.fetch(shard, JobKind.DOCUMENT, Fetcher("hand", 1), 60_000, 1, list(Band))).claims
    assert await store.attempts.finish(claim, 1, document(title)) is Settled.COMPLETED
    return new.ref


class Printer:
    """An exporter whose files name their format and title; each waits until it may go on."""

    def __init__(self) -> None:
        self.made: list[ExportFormat] = []
        self.begun = 0
        self.most = 0
        self._running = 0
        self.free = asyncio.Event()
        self.free.set()
        self.failure: Exception | None = None

    async def __call__(self, result: bytes, file_format: ExportFormat, /) -> bytes:
        self.begun += 1
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            await self.free.wait()
        finally:
            self._running -= 1
        if self.failure is not None:
            raise self.failure
        self.made.append(file_format)
        return printed(json.loads(result)["document"]["title"], file_format)


def printed(title: str, file_format: ExportFormat) -> bytes:
    """What a Printer makes."""
    return b"%" + file_format.value.encode() + b"\0 " + title.encode()


@asynccontextmanager
async def exporting_worker(
    url: str,
    exporter: Exporter | None,
    name: str = "printer",
    *,
    shards: int = 1,
    limits: ExportLimits = ExportLimits(),  # noqa: B008 - it is frozen
    **settings: Any,
) -> AsyncIterator[Running]:
    """A document worker that makes files while the block runs, drained at its end."""
    clock, drain, health = SystemClock(), Drain(), Health()
    redis = RedisSettings(url=SecretStr(url), shards=shards)
    async with connections(redis) as opened:
        runtime = WorkerRuntime(
            Worker(name, JobKind.DOCUMENT, _refuse, exporter), Store(opened, shards), clock,
            WorkerSettings(**{"grace_seconds": 5, "poll_seconds": 20, **settings}), health,
            Tuning(exports=limits),
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            running = Running(runtime, drain, health, group.create_task(runtime.run(drain)))
            yield running
            drain.ask()


async def _refuse(_: Session) -> bytes:
    raise NotImplementedError
