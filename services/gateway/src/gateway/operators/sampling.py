"""Measures the queues and the fleet for Prometheus."""

import dataclasses

import structlog

from shared.contracts.states import Band, JobKind
from shared.lifecycle.clock import Clock
from shared.observability.metrics import (
    QUEUE_JOBS,
    QUEUE_OLDEST_SECONDS,
    QUEUE_OUTSTANDING,
    QUEUE_PAUSED,
    WORKER_SLOTS,
    WORKERS,
)
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.queues import Queues
from shared.redis.store import Store
from shared.redis.workers import Workers

log = structlog.get_logger()


async def sample_queues(store: Store, clock: Clock, seconds: float) -> None:
    """Measure for ever, with a pause of so many seconds."""
    while True:
        try:
            # Again and again: a flush forgets it, and a process that was told another number must not take its place.
            await store.fix_shards()
            for kind in JobKind:
                await _sample(store.queues, kind)
                await _sample_oldest(store.queues, clock, kind)
            await _sample_workers(store.workers)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("queue_sample_failed", error=str(error))
        await clock.sleep(seconds)


async def _sample(queues: Queues, kind: JobKind) -> None:
    overview = await queues.overview(kind)
    QUEUE_PAUSED.labels(kind).set(overview.paused_at_ms is not None)
    for band, standing in overview.bands.items():
        for state, jobs in dataclasses.asdict(standing).items():
            QUEUE_JOBS.labels(kind, band, state).set(jobs)
        QUEUE_OUTSTANDING.labels(kind, band).set(standing.waiting + standing.running)


async def _sample_oldest(queues: Queues, clock: Clock, kind: JobKind) -> None:
    waiting = [
        oldest
        for band in Band
        for shard in range(queues.shards)
        if (oldest := await queues.oldest_waiting_ms(shard, kind, band)) is not None
    ]
    age = clock.now().timestamp() - min(waiting) / 1000 if waiting else 0.0
    QUEUE_OLDEST_SECONDS.labels(kind).set(max(0.0, age))


async def _sample_workers(workers: Workers) -> None:
    living = await workers.living()
    for kind in JobKind:
        fleet = [worker for worker in living if worker.kind is kind]
        WORKERS.labels(kind).set(len(fleet))
        WORKER_SLOTS.labels(kind).set(sum(worker.slots for worker in fleet if not worker.draining))
