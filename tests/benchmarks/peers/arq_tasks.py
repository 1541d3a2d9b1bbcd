"""arq: ``python arq_tasks.py`` enqueues, ``arq arq_tasks.WorkerSettings`` drains.

It polls: 10 ms between two looks, and a thousand jobs a look, so that it never waits. No results kept, and its line of
log for each job is turned off; uvloop, hiredis. It has no bulk way to enqueue: a hundred at once on its pool.
"""

import asyncio
import time
from typing import Any

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from stopwatch import Stopwatch, jobs, redis_url

AT_ONCE = 100
LOGGING = {"version": 1, "root": {"level": "WARNING"}}
# Its command has no option for the loop, but takes the policy's.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
stopwatch = Stopwatch()


async def empty(_context: dict[str, Any], number: int) -> None:
    """Does nothing."""
    stopwatch.note(number)


class WorkerSettings:
    """Read by arq's command."""

    functions = (empty,)
    redis_settings = RedisSettings.from_dsn(redis_url())
    max_jobs = 1000
    queue_read_limit = 1000
    poll_delay = 0.01
    keep_result = 0
    log_results = False


async def enqueue() -> None:
    """Send all jobs."""
    pool = await create_pool(WorkerSettings.redis_settings)

    async def some(first: int) -> None:
        for job in range(first, jobs(), AT_ONCE):
            await pool.enqueue_job("empty", job)

    begun = time.perf_counter()
    await asyncio.gather(*(some(first) for first in range(AT_ONCE)))
    print(time.perf_counter() - begun)
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(enqueue())
