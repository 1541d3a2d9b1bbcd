"""dramatiq: ``python dramatiq_tasks.py`` enqueues, ``dramatiq dramatiq_tasks`` drains.

Eight threads is the default, and more were not faster; greenlets were slower. What counts is the prefetch, set by an
environment variable: the default of two messages a thread waits for Redis half of the time. It keeps no results unless
told to, and knows no bulk way to enqueue.
"""

import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from stopwatch import Stopwatch, jobs, redis_url

dramatiq.set_broker(RedisBroker(url=redis_url()))
stopwatch = Stopwatch()


@dramatiq.actor
def empty(number: int) -> None:
    """Does nothing."""
    stopwatch.note(number)


if __name__ == "__main__":
    begun = time.perf_counter()
    for job in range(jobs()):
        empty.send(job)
    print(time.perf_counter() - begun)
