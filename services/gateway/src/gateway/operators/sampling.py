"""Measures the queues and the fleet for Prometheus."""

import dataclasses

import structlog

from gateway.dependencies import Services
from shared.contracts.states import Band, JobKind
from shared.observability.metrics import (
    QUEUE_JOBS,
    QUEUE_OLDEST_SECONDS,
    QUEUE_OUTSTANDING,
    QUEUE_PAUSED,
    WORKER_SLOTS,
    WORKERS,
)
from shared.redis.failures import ANY, UNAVAILABLE

log = structlog.get_logger()


async def sample_queues(service: Services) -> None:
    """Measure for ever, every few seconds."""
    while True:
        try:
            # Again and again: a flush forgets it, and a process that was told another number must not take its place.
            await service.store.fix_shards()
            for kind in JobKind:
                await _sample(service, kind)
                await _sample_oldest(service, kind)
            await _sample_workers(service)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("queue_sample_failed", error=str(error))
        await service.clock.sleep(service.settings.sample_seconds)


async def _sample(service: Services, kind: JobKind) -> None:
    overview = await service.store.queues.overview(kind)
    QUEUE_PAUSED.labels(kind).set(overview.paused_at_ms is not None)
    for band, standing in overview.bands.items():
        for state, jobs in dataclasses.asdict(standing).items():
            QUEUE_JOBS.labels(kind, band, state).set(jobs)
        QUEUE_OUTSTANDING.labels(kind, band).set(standing.waiting + standing.running)


async def _sample_oldest(service: Services, kind: JobKind) -> None:
    waiting = [
        oldest
        for band in Band
        for shard in range(service.store.shards)
        if (oldest := await service.store.queues.oldest_waiting_ms(shard, kind, band)) is not None
    ]
    age = service.clock.now().timestamp() - min(waiting) / 1000 if waiting else 0.0
    QUEUE_OLDEST_SECONDS.labels(kind).set(max(0.0, age))


async def _sample_workers(service: Services) -> None:
    workers = await service.store.workers.living()
    for kind in JobKind:
        fleet = [worker for worker in workers if worker.kind is kind]
        WORKERS.labels(kind).set(len(fleet))
        WORKER_SLOTS.labels(kind).set(sum(worker.slots for worker in fleet if not worker.draining))
