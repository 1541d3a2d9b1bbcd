"""taskiq: ``python taskiq_tasks.py`` enqueues, ``taskiq worker taskiq_tasks:broker`` drains.

The stream broker was faster than the list broker, which reads its messages one by one. Without a result backend, with
orjson and uvloop, without parsing of parameters. More tasks at once, a prefetch and earlier acknowledgements were
tried and were not faster. It has no bulk way to enqueue: many at once on its own pool.
"""

import asyncio
import time

import uvloop
from stopwatch import Stopwatch, jobs, redis_url
from taskiq.serializers import ORJSONSerializer
from taskiq_redis import RedisStreamBroker

# From the beginning of the stream: its consumer group is made after the messages.
broker = RedisStreamBroker(redis_url(), consumer_id="0", xread_count=1000, max_connection_pool_size=50)
broker = broker.with_serializer(ORJSONSerializer())
stopwatch = Stopwatch()


@broker.task
async def empty(number: int) -> None:
    """Does nothing."""
    stopwatch.note(number)


async def enqueue() -> None:
    """Send all jobs."""
    await broker.startup()
    begun = time.perf_counter()
    await asyncio.gather(*(empty.kiq(job) for job in range(jobs())))
    print(time.perf_counter() - begun)
    await broker.shutdown()


if __name__ == "__main__":
    uvloop.run(enqueue())
