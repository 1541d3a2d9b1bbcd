"""Holds many jobs and writes each an event a second: ``python -m tests.benchmarks.holder``.

Says ``holding`` once all jobs are claimed, begins when it is sent a line, and ends by itself. An event's text begins
with the time just before it was appended, by the machine's monotonic clock.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence

import uvloop

from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.redis.attempts import NewEvent
from shared.redis.client import connections
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.jobs import submission

LEASE_MS = 3_600_000
AT_ONCE = 100
PERIOD_SECONDS = 1.0


async def _hold(jobs: int, seconds: int) -> None:
    async with connections(RedisSettings()) as opened:
        store = Store(opened, 1)
        for first in range(0, jobs, AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for number in range(first, min(first + AT_ONCE, jobs)):
                    group.create_task(store.jobs.submit(submission(f"job-{number}")))
        claims: list[Claim] = []
        while len(claims) < jobs:
            fetcher = Fetcher("holder", len(claims) + 1)
            fetched = await store.queues.fetch(0, JobKind.OUTLINE, fetcher, LEASE_MS, AT_ONCE, list(Band))
            claims += fetched.claims
        print("holding", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        late = await _write_all(store, claims, seconds)
        print(json.dumps({"appended": jobs * seconds, "most_late_seconds": late}), flush=True)


async def _write_all(store: Store, claims: Sequence[Claim], seconds: int) -> float:
    """Each job has its own moment within the second. Returns how late the latest event was begun."""
    begun = time.perf_counter()
    most_late = 0.0

    async def write(place: int, claim: Claim) -> None:
        nonlocal most_late
        for turn in range(seconds):
            due = begun + (turn + place / len(claims)) * PERIOD_SECONDS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            now = time.perf_counter()
            most_late = max(most_late, now - due)
            await store.attempts.append_events(claim, [NewEvent(turn + 1, "delta", _delta(turn, now))])

    async with asyncio.TaskGroup() as group:
        for place, claim in enumerate(claims):
            group.create_task(write(place, claim))
    return most_late


def _delta(turn: int, now: float) -> bytes:
    text = f"@{now:.6f}@ a quarter of a second of text, as a model writes it"
    return json.dumps({"section_id": "s1", "revision": 1, "offset": turn * len(text), "text": text}).encode()


if __name__ == "__main__":
    uvloop.run(_hold(int(os.environ["BENCHMARK_JOBS"]), int(os.environ["BENCHMARK_SECONDS"])))
