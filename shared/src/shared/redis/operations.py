"""What operators ask of the queues and the workers, one typed function for each script."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.states import Band, JobKind
from shared.contracts.workers import GivenOrder, Order, WorkerRecord
from shared.redis import commands
from shared.redis.client import Connections
from shared.redis.command import Command
from shared.redis.keys import REGISTRY_SHARD
from shared.redis.runner import ScriptRunner

MOST_COUNTED = 1_000
"""Entries counted in a band to tell a position in the queue."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many jobs of one kind and band stand where."""

    waiting: int = 0
    running: int = 0
    scheduled: int = 0
    awaiting_review: int = 0
    dead: int = 0

    def __add__(self, other: "Standing") -> "Standing":
        return Standing(
            self.waiting + other.waiting,
            self.running + other.running,
            self.scheduled + other.scheduled,
            self.awaiting_review + other.awaiting_review,
            self.dead + other.dead,
        )


@dataclass(frozen=True, slots=True)
class Overview:
    """One kind on all shards."""

    paused_at_ms: int | None
    bands: dict[Band, Standing]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step of a sweep did; the cursor is 0 at the end of a round."""

    cursor: int
    dropped: int
    restored: int


def read_order(order: bytes, at_ms: bytes) -> GivenOrder | None:
    """An order as Redis tells it; None for one that only a newer version knows."""
    known = {each.value: each for each in Order}.get(order.decode())
    return None if known is None else GivenOrder(known, int(at_ms))


class Operations:
    """Commands on whole queues and on workers; all may be repeated."""

    def __init__(self, connections: Connections, shards: int) -> None:
        self._runner = ScriptRunner(connections)
        self.shards = shards

    async def pause(self, kind: JobKind) -> None:
        """Let no worker claim jobs of the kind."""
        for shard in range(self.shards):
            await self._runner.run(commands.Pause(kind=kind, paused=True), shard)

    async def resume(self, kind: JobKind) -> None:
        """Let workers claim again."""
        for shard in range(self.shards):
            await self._runner.run(commands.Pause(kind=kind, paused=False), shard)

    async def overview(self, kind: JobKind) -> Overview:
        """How many jobs of a kind stand where."""
        paused: int | None = None
        bands = {band: Standing() for band in Band}
        for since, *numbers in await self._everywhere(commands.CountQueues(kind=kind, bands=list(Band))):
            paused = int(since) if since and paused is None else paused
            for place, band in enumerate(Band):
                bands[band] += Standing(*(int(number) for number in numbers[5 * place : 5 * place + 5]))
        return Overview(paused, bands)

    async def ahead(self, kind: JobKind, entries: Sequence[tuple[Band, str]]) -> list[int]:
        """How many jobs stand before each of the given entries; in a band of a shard at most MOST_COUNTED count."""
        pairs = [part for each in entries for part in each]
        command = commands.FindPositions(kind=kind, most=MOST_COUNTED, bands=list(Band), entries=pairs)
        found = await self._everywhere(command)
        # Below 0: given to a worker and handed back, so it is the next.
        return [0 if min(numbers) < 0 else sum(numbers) for numbers in zip(*found, strict=True)]

    async def _everywhere(self, command: Command) -> list[Any]:
        """The replies of all shards; asked for at once, since they may be on several servers."""
        return await asyncio.gather(*(self._runner.run(command, shard) for shard in range(self.shards)))

    async def sweep(self, shard: int, kind: JobKind, tenant: str, cursor: int, lease_ms: int = 0) -> Swept:
        """Drop what has expired from the index, and put back jobs of the kind that stand nowhere; a part a call.

        The owner of a running job without a lease, if it lives, has ``lease_ms`` to renew it.
        """
        following, dropped, restored = await self._runner.run(
            commands.Sweep(kind=kind, owner=tenant, cursor=cursor, lease_ms=lease_ms), shard
        )
        return Swept(int(following), int(dropped), int(restored))

    async def heartbeat(self, worker: WorkerRecord, life_seconds: float, follows: GivenOrder) -> GivenOrder:
        """Say that a worker lives, and hear its order; the one it follows is kept where the registry forgot it."""
        facts: Mapping[str, commands.Value] = {
            "kind": worker.kind,
            "host": worker.host,
            "version": worker.version,
            "started_at": round(worker.started_at.timestamp() * 1000),
            "slots": worker.slots,
            "running": json.dumps(worker.running),
            "draining": int(worker.draining),
        }
        command = commands.Heartbeat(
            worker=worker.id,
            life_ms=round(life_seconds * 1000),
            order=follows.order,
            ordered_at=follows.at_ms,
            facts=facts,
        )
        order, at_ms = await self._runner.run(command, REGISTRY_SHARD, self._runner.connections.heartbeat)
        return read_order(order, at_ms) or follows

    async def sign_off(self, worker: str) -> None:
        """Take a worker out of the registry."""
        await self._runner.run(commands.SignOff(worker=worker), REGISTRY_SHARD)

    async def instruct(self, kind: JobKind, order: Order, worker: str = "") -> list[str]:
        """Order one worker, or all of a kind; returns the ids of those that live and were told."""
        told = await self._runner.run(commands.Instruct(kind=kind, order=order, worker=worker), REGISTRY_SHARD)
        return [name.decode() for name in told]
