"""The registry of workers: who lives, and what each was told to do."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.contracts.states import JobKind
from shared.contracts.workers import GivenOrder, Order, WorkerRecord
from shared.redis import commands
from shared.redis.keys import REGISTRY_SHARD, Keyspace
from shared.redis.runner import ScriptRunner


def read_order(order: bytes, at_ms: bytes) -> GivenOrder | None:
    """An order as Redis tells it; None for one that only a newer version knows."""
    known = {each.value: each for each in Order}.get(order.decode())
    return None if known is None else GivenOrder(known, int(at_ms))


class Workers:
    """Commands on the registry; all may be repeated."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner

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

    async def living(self) -> list[WorkerRecord]:
        """The workers whose heartbeat has not run out, oldest first."""
        redis: Any = self._runner.connections.commands
        keys = Keyspace(REGISTRY_SHARD)
        names = [name.decode() for name in await redis.zrange(keys.workers, 0, -1)]
        rows = await self._runner.hashes(map(keys.worker, names))
        found = [_worker(name, row) for name, row in zip(names, rows, strict=True) if row]
        return sorted(found, key=lambda worker: (worker.started_at, worker.id))


def _worker(name: str, row: dict[bytes, bytes]) -> WorkerRecord:
    return WorkerRecord(
        id=name,
        kind=JobKind(row[b"kind"].decode()),
        host=row[b"host"].decode(),
        version=row[b"version"].decode(),
        started_at=_instant(row[b"started_at"]),
        heartbeat_at=_instant(row[b"heartbeat_at"]),
        slots=int(row[b"slots"]),
        running=tuple(json.loads(row[b"running"])),
        draining=row[b"draining"] == b"1",
    )


def _instant(ms: bytes) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
