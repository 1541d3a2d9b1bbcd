"""Workers inside the test's own loop, with handlers made for the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from shared.lifecycle.clock import SystemClock
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health
from shared.redis.client import connections
from shared.redis.store import Store
from shared.settings import RedisSettings, WorkerSettings
from shared.streams import Handler, Session, Tuning, Worker, WorkerRuntime
from shared.streams.upkeep import UpkeepPauses
from tests.support.board import KIND

LEASE_SECONDS = 1.0
HURRIED = Tuning(upkeep=UpkeepPauses(promote_seconds=0.05))
"""Looks for due jobs often."""
RESULT = b'{"done":true}'


@dataclass(frozen=True, slots=True)
class Running:
    """A worker at work."""

    runtime: WorkerRuntime
    drain: Drain
    health: Health
    task: asyncio.Task[None]

    async def stop(self) -> None:
        """Drain to the end."""
        self.drain.ask()
        await asyncio.wait({self.task})

    async def kill(self) -> None:
        """End it without a word to Redis, as a crash would."""
        self.task.cancel()
        await asyncio.wait({self.task})


@asynccontextmanager
async def worker(
    url: str,
    handler: Handler,
    name: str = "worker",
    *,
    redis: RedisSettings | None = None,
    tuning: Tuning = HURRIED,
    **settings: Any,
) -> AsyncIterator[Running]:
    """A worker while the block runs, drained at its end; whatever ended it before is raised.

    Leases are short. Looks at the queue are rare, so that a wake-up that is lost shows. ``redis`` takes the place of
    the plain settings for ``url``.
    """
    plain = {"lease_seconds": LEASE_SECONDS, "grace_seconds": 5, "poll_seconds": 20, "backoff_base_seconds": 0.05}
    clock, drain, health = SystemClock(), Drain(), Health()
    redis = redis or RedisSettings(url=SecretStr(url))
    async with connections(redis) as opened:
        runtime = WorkerRuntime(
            Worker(name, KIND, handler), Store(opened, redis.shards), clock,
            WorkerSettings(**{**plain, **settings}), health, tuning,
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            running = Running(runtime, drain, health, group.create_task(runtime.run(drain)))
            yield running
            drain.ask()


async def succeed(_: Session) -> bytes:
    return RESULT


class Blocking:
    """A handler that runs until it is let go, and tells what became of it."""

    def __init__(self) -> None:
        self.started = 0
        self.running = 0
        self.most = 0
        self.cancelled = 0
        self.free = asyncio.Event()

    async def __call__(self, _: Session) -> bytes:
        self.started += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return RESULT
