"""Reads over many jobs: lists by time, and what the scripts count by the minute."""

import asyncio
import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.keys import Keyspace
from shared.redis.runner import ScriptRunner


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a job stands in a list by time, newest first; jobs of one moment are told apart by their name."""

    at_ms: int
    name: str

    @property
    def ref(self) -> JobRef:
        return JobRef.parse(self.name)


class Lists:
    """Reads that may be repeated."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner
        self._redis: Any = runner.connections.commands

    async def jobs(self, tenant: str, before: Place | None, count: int) -> list[Place]:
        """The newest jobs of a tenant, older than a place; some may have expired."""
        keys = [Keyspace(shard).index(tenant) for shard in range(self._runner.shards)]
        return await self._newest(keys, before, count)

    async def dead_letters(self, kinds: Sequence[JobKind], before: Place | None, count: int) -> list[Place]:
        """The newest dead letters of some kinds, older than a place; some may have expired."""
        keys = [
            Keyspace(shard).dead(kind, band) for shard in range(self._runner.shards) for kind in kinds for band in Band
        ]
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

    async def oldest_dead_letters(self, kinds: Sequence[JobKind], count: int) -> list[Place]:
        """The dead letters that have waited longest."""
        found: list[Place] = []
        for kind, band, shard in itertools.product(kinds, Band, range(self._runner.shards)):
            key = Keyspace(shard).dead(kind, band)
            page = await self._redis.zrange(key, 0, count - 1, withscores=True)
            found += [Place(int(score), name.decode()) for name, score in page]
        return sorted(found)[:count]

    async def tallies(self, last_minute: int, minutes: int) -> list[dict[str, int]]:
        """The counts of measure.lua for so many minutes up to the last, one dictionary a minute and shard."""
        spans = itertools.product(range(self._runner.shards), range(last_minute - minutes + 1, last_minute + 1))
        rows = await self._runner.hashes(Keyspace(shard).stats(minute) for shard, minute in spans)
        return [{name.decode(): int(value) for name, value in row.items()} for row in rows if row]
