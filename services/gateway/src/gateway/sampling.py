"""Measures the queues for Prometheus."""

import structlog

from gateway.dependencies import Services
from shared.contracts.states import Band, JobKind
from shared.observability.metrics import QUEUE_OLDEST_SECONDS, QUEUE_OUTSTANDING
from shared.redis.client import ANY, UNAVAILABLE

log = structlog.get_logger()


async def sample_queues(service: Services) -> None:
    """Measure for ever, every few seconds."""
    while True:
        try:
            for kind in JobKind:
                await _sample(service, kind)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("queue_sample_failed", error=str(error))
        await service.clock.sleep(service.settings.sample_seconds)


async def _sample(service: Services, kind: JobKind) -> None:
    oldest: int | None = None
    for band in Band:
        outstanding = 0
        for shard in range(service.reads.shards):
            depth = await service.reads.queue_depth(shard, kind, band)
            outstanding += depth.outstanding
            if depth.oldest_waiting_ms is not None:
                oldest = min(oldest or depth.oldest_waiting_ms, depth.oldest_waiting_ms)
        QUEUE_OUTSTANDING.labels(kind, band).set(outstanding)
    age = service.clock.now().timestamp() - oldest / 1000 if oldest is not None else 0.0
    QUEUE_OLDEST_SECONDS.labels(kind).set(max(0.0, age))
