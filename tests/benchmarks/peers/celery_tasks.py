"""Celery: ``python celery_tasks.py`` enqueues, ``celery -A celery_tasks worker`` drains.

The solo pool was the fastest: the others hand every task to a thread, a greenlet or a child process, which costs more
than a task that does nothing. No results, no events, and a prefetch that never runs dry, as the guide on optimizing
tells for short tasks. One producer for all messages is its bulk way.
"""

import time

from celery import Celery
from stopwatch import Stopwatch, jobs, redis_url

app = Celery("celery_tasks", broker=redis_url())
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1000,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)
stopwatch = Stopwatch()


@app.task
def empty(number: int) -> None:
    """Does nothing."""
    stopwatch.note(number)


if __name__ == "__main__":
    begun = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        for job in range(jobs()):
            empty.apply_async((job,), producer=producer)
    print(time.perf_counter() - begun)
