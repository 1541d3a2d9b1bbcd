"""streaQ: ``python streaq_tasks.py`` enqueues, ``streaq run streaq_tasks:worker`` drains.

64 at once were faster than 16 or 256; the prefetch never runs dry. No results kept, none logged, uvloop. Its bulk way
is one pipeline.
"""

import time

import uvloop
from stopwatch import Stopwatch, jobs, redis_url
from streaq import Worker

worker = Worker(redis_url=redis_url(), concurrency=64, prefetch=1000, anyio_kwargs={"use_uvloop": True})
stopwatch = Stopwatch()


@worker.task(ttl=0, silent=True)
async def empty(number: int) -> None:
    """Does nothing."""
    stopwatch.note(number)


async def enqueue() -> None:
    """Send all jobs."""
    async with worker:
        begun = time.perf_counter()
        await worker.enqueue_many([empty.enqueue(job) for job in range(jobs())])
        print(time.perf_counter() - begun)


if __name__ == "__main__":
    uvloop.run(enqueue())
