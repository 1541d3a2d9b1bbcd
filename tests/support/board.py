"""What the tests of the scripts do and look at."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.redis.attempts import NewEvent
from shared.redis.jobs import Submitted
from shared.redis.keys import GROUP, Keyspace
from shared.redis.queues import Fetched, Fetcher
from shared.redis.store import Store
from tests.support.jobs import submission

KIND = JobKind.OUTLINE
KEYS = Keyspace(0)
DAY, WEEK, HOUR = 86_400, 604_800, 3_600
Event = tuple[str, str, dict[str, Any]]
"""Id, type and data of an event."""


SECTION = {"section_id": "s1", "revision": 1, "title": "Tea", "words": 1}


def section(seq: int, **data: Any) -> NewEvent:
    return NewEvent(seq, "section", json.dumps(SECTION | data).encode())


def progress(seq: int, percent: float, **data: Any) -> NewEvent:
    told = {"step": "step", "message": "message", "percent": percent, **data}
    return NewEvent(seq, "progress", json.dumps(told).encode())


@dataclass(frozen=True, slots=True)
class Board:
    """The scripts, and everything they leave in Redis, of jobs of one kind."""

    redis: Any
    store: Store

    async def submit(self, job_id: str = "job", **changes: Any) -> Submitted:
        return await self.store.jobs.submit(submission(job_id, **changes))

    async def fetch(
        self, count: int = 1, lease_ms: int = 60_000, worker: str = "worker", bands: Sequence[Band] = tuple(Band)
    ) -> Fetched:
        return await self.store.queues.fetch(0, KIND, Fetcher(worker, 1), lease_ms, count, bands)

    async def fetch_one(self, worker: str = "worker") -> Claim:
        (claim,) = (await self.fetch(worker=worker)).claims
        return claim

    async def claim(self, job_id: str = "job", **changes: Any) -> Claim:
        """A new job, claimed."""
        await self.submit(job_id, **changes)
        return await self.fetch_one()

    async def end_lease(self, job_id: str = "job") -> None:
        """As if the lease had run out a moment ago."""
        await self.redis.zadd(KEYS.leases(KIND), {str(JobRef(job_id)): 1})

    async def take_over(self, job_id: str = "job") -> Claim:
        """The claim of another worker after the lease ran out."""
        await self.end_lease(job_id)
        return await self.fetch_one("other")

    async def make_due(self, job_id: str = "job") -> None:
        """Queue a scheduled job now."""
        await self.redis.zadd(KEYS.delayed(KIND), {str(JobRef(job_id)): 1})
        moved, _ = await self.store.queues.promote(0, KIND)
        assert moved == 1

    async def record(self, job_id: str = "job") -> dict[str, str]:
        return await self.store.jobs.record(JobRef(job_id))

    async def state(self, job_id: str = "job") -> str:
        return (await self.record(job_id))["state"]

    async def stands(self, state: str, job_id: str = "job") -> bool:
        """Whether the job is in this state now."""
        return (await self.record(job_id)).get("state") == state

    async def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return sum([await self.outstanding(band) for band in Band]) == 0

    async def journal(self, job_id: str = "job") -> list[Event]:
        entries = await self.redis.xrange(KEYS.events(JobRef(job_id)))
        return [_event(entry_id, fields) for entry_id, fields in entries]

    async def feed(self, job_id: str = "job") -> list[Event]:
        """What the feed says of one job."""
        entries = [fields for _, fields in await self.redis.xrange(KEYS.feed)]
        return [_event(each[b"id"], each) for each in entries if each[b"job"].decode() == str(JobRef(job_id))]

    async def events(self, job_id: str = "job") -> list[Event]:
        """The journal, which must agree with the feed."""
        journal = await self.journal(job_id)
        assert await self.feed(job_id) == journal
        return journal

    async def written(self, job_id: str = "job") -> tuple[dict[str, str], list[Event], list[str]]:
        """All an owner can write: the record, the events, the names of stored work."""
        return (
            await self.record(job_id),
            await self.events(job_id),
            await self.store.jobs.artifact_fields(JobRef(job_id)),
        )

    async def outstanding(self, band: Band = Band.DEFAULT) -> int:
        return int(await self.redis.xlen(KEYS.requests(KIND, band)))

    async def pending(self, band: Band = Band.DEFAULT) -> int:
        return int((await self.redis.xpending(KEYS.requests(KIND, band), GROUP))["pending"])

    async def lease(self, job_id: str = "job") -> float | None:
        """When the lease ends, ms since the epoch."""
        score: float | None = await self.redis.zscore(KEYS.leases(KIND), str(JobRef(job_id)))
        return score

    async def now(self) -> float:
        """The time of Redis, ms since the epoch."""
        seconds, microseconds = await self.redis.time()
        return float(seconds * 1000 + microseconds / 1000)

    async def ttls(self, job_id: str = "job") -> dict[str, int]:
        """TTL in seconds of each key of the job, by family."""
        found = {}
        async for key in self.redis.scan_iter(f"*:{JobRef(job_id)}"):
            family = key.decode().partition("}:")[2].removesuffix(f":{JobRef(job_id)}")
            found[family] = await self.redis.ttl(key)
        return found

    async def dump(self) -> dict[bytes, tuple[bytes, int]]:
        """Every key with its value and its time of expiry."""
        keys = [key async for key in self.redis.scan_iter()]
        return {key: (await self.redis.dump(key), await self.redis.pexpiretime(key)) for key in keys}

    async def assert_at_rest(self) -> None:
        """Nothing waits, nothing is pending, no lease and no schedule is left."""
        for band in Band:
            assert await self.outstanding(band) == 0
            if await self.redis.exists(KEYS.requests(KIND, band)):
                assert await self.pending(band) == 0
        assert not await self.redis.exists(KEYS.leases(KIND), KEYS.delayed(KIND))


def _event(entry_id: bytes, fields: dict[bytes, bytes]) -> Event:
    return entry_id.decode(), fields[b"type"].decode(), json.loads(fields[b"data"])
