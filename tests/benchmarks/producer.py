"""Submits empty jobs as the gateway does, many at once: ``python -m tests.benchmarks.producer``. Prints the seconds."""

import asyncio
import os
import time

import uvloop

from shared.redis.client import connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.jobs import submission

AT_ONCE = 64


async def _submit(jobs: int) -> float:
    async with connections(RedisSettings()) as opened:
        store = Store(opened, 1)

        async def some(first: int) -> None:
            for number in range(first, jobs, AT_ONCE):
                await store.jobs.submit(submission(f"job-{number}"))

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for first in range(AT_ONCE):
                group.create_task(some(first))
        return time.perf_counter() - begun


if __name__ == "__main__":
    print(uvloop.run(_submit(int(os.environ["BENCHMARK_JOBS"]))))
