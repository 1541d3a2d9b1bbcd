"""SAQ: ``python saq_tasks.py`` enqueues, ``saq saq_tasks.settings`` drains.

Twenty at once were faster than 5, 10 or 50. It always stores the job and its result; uvloop and hiredis help. Its own
gate of 20 operations at once bounds the enqueueing.
"""

import asyncio
import time
from typing import Any

import uvloop
from saq import Queue
from stopwatch import Stopwatch, jobs, redis_url

# Its command has no option for the loop, but takes the policy's.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
queue = Queue.from_url(redis_url())
stopwatch = Stopwatch()


async def empty(_context: dict[str, Any], *, number: int) -> None:
    """Does nothing."""
    stopwatch.note(number)


settings = {"queue": queue, "functions": [empty], "concurrency": 20}


async def enqueue() -> None:
    """Send all jobs."""
    begun = time.perf_counter()
    await asyncio.gather(*(queue.enqueue("empty", number=job) for job in range(jobs())))
    print(time.perf_counter() - begun)
    await queue.disconnect()


if __name__ == "__main__":
    asyncio.run(enqueue())
