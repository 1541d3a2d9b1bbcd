"""Reads over many jobs and over the fleet: lists, statistics, the registry."""

import asyncio
import heapq
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.contracts.workers import WorkerRecord
from shared.redis.client import Connections
from shared.redis.keys import REGISTRY_SHARD, Keyspace, shard_of
from shared.redis.reads import record_of


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a job stands in a list by time, newest first; jobs of one moment are told apart by their name."""

    at_ms: int
    name: str

    @property
    def ref(self) -> JobRef:
        return JobRef.parse(self.name)


class Surveys:
    """Reads that may be repeated, on the connection for commands."""

    def __init__(self, connections: Connections, shards: int) -> None:
        self._redis: Any = connections.commands
        self.shards = shards

    async def jobs(self, tenant: str, before: Place | None, count: int) -> list[Place]:
        """The newest jobs of a tenant, older than a place; some may have expired."""
        keys = [Keyspace(shard).index(tenant) for shard in range(self.shards)]
        return await self._newest(keys, before, count)

    async def dead_letters(self, kinds: Sequence[JobKind], before: Place | None, count: int) -> list[Place]:
        """The newest dead letters of some kinds, older than a place; some may have expired."""
        keys = [Keyspace(shard).dead(kind, band) for shard in range(self.shards) for kind in kinds for band in Band]
        return await self._newest(keys, before, count)

    async def _newest(self, keys: Sequence[str], before: Place | None, count: int) -> list[Place]:
        found = await asyncio.gather(*(self._after(key, before, count) for key in keys))
        return heapq.nlargest(count, (place for places in found for place in places))

    async def _after(self, key: str, before: Place | None, count: int) -> list[Place]:
        highest = "+inf" if before is None else before.at_ms
        places: list[Place] = []
        offset = 0
        while len(places) < count:
            page = await self._redis.zrevrangebyscore(key, highest, "-inf", start=offset, num=count, withscores=True)
            offset += len(page)
            read = [Place(int(score), name.decode()) for name, score in page]
            places += [place for place in read if before is None or place < before]
            if len(page) < count:
                break
        return places[:count]

    async def records(self, refs: Sequence[JobRef]) -> list[dict[str, str]]:
        """The records of jobs in one round trip, empty where one has expired."""
        rows = await self._hashes(Keyspace(shard_of(ref, self.shards)).job(ref) for ref in refs)
        return [record_of(row) for row in rows]

    async def oldest_dead_letters(self, kinds: Sequence[JobKind], count: int) -> list[Place]:
        """The dead letters that have waited longest."""
        found: list[Place] = []
        for kind, band, shard in itertools.product(kinds, Band, range(self.shards)):
            key = Keyspace(shard).dead(kind, band)
            page = await self._redis.zrange(key, 0, count - 1, withscores=True)
            found += [Place(int(score), name.decode()) for name, score in page]
        return sorted(found)[:count]

    async def tallies(self, last_minute: int, minutes: int) -> list[dict[str, int]]:
        """The counts of measure.lua for so many minutes up to the last, one dictionary a minute and shard."""
        spans = itertools.product(range(self.shards), range(last_minute - minutes + 1, last_minute + 1))
        rows = await self._hashes(Keyspace(shard).stats(minute) for shard, minute in spans)
        return [{name.decode(): int(value) for name, value in row.items()} for row in rows if row]

    async def workers(self) -> list[WorkerRecord]:
        """The workers whose heartbeat has not run out, oldest first."""
        keys = Keyspace(REGISTRY_SHARD)
        names = [name.decode() for name in await self._redis.zrange(keys.workers, 0, -1)]
        rows = await self._hashes(map(keys.worker, names))
        found = [_worker(name, row) for name, row in zip(names, rows, strict=True) if row]
        return sorted(found, key=lambda worker: (worker.started_at, worker.id))

    async def _hashes(self, keys: Iterable[str]) -> list[dict[bytes, bytes]]:
        """Several hashes; asked for at once, they share their round trips."""
        found: list[dict[bytes, bytes]] = await asyncio.gather(*map(self._redis.hgetall, keys))
        return found


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
