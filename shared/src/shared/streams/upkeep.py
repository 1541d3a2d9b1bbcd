"""What any worker does for the queue as a whole, beside its jobs."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from shared.contracts.ids import DEFAULT_TENANT
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.queues import Queues
from shared.redis.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class UpkeepPauses:
    """Seconds between two looks at a shard."""

    promote_seconds: float = 1.0
    sweep_seconds: float = 5.0
    """Of a sweep that finds nothing; one that finds something goes on at once."""

    def sweep(self) -> float:
        """At random, so that a fleet does not walk in step."""
        return self.sweep_seconds * random.uniform(0.5, 1.5)


async def promote_forever(
    queues: Queues,
    shard: int,
    kind: JobKind,
    clock: Clock,
    reached: Callable[[int], None],
    pauses: UpkeepPauses,
) -> None:
    """Queue scheduled jobs of a shard when they are due; ``reached`` is told of each answer."""
    while True:
        pause = pauses.promote_seconds
        try:
            _, wait_ms = await queues.promote(shard, kind)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("promote_failed", shard=shard, error=str(error))
        else:
            reached(shard)
            if wait_ms is not None:
                pause = min(pause, max(0.02, wait_ms / 1000))
        await clock.sleep(pause)


async def sweep_forever(
    queues: Queues,
    shard: int,
    kind: JobKind,
    clock: Clock,
    lease_seconds: float,
    pauses: UpkeepPauses,
) -> None:
    """Walk the index of a shard round and round: forget what has expired, put back what stands nowhere."""
    lease_ms = round(lease_seconds * 1000)
    cursor = dropped = 0
    while True:
        try:
            swept = await queues.sweep(shard, kind, DEFAULT_TENANT, cursor, lease_ms)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("sweep_failed", shard=shard, error=str(error))
        else:
            cursor, dropped = swept.cursor, swept.dropped
            if swept.restored:
                log.warning("jobs_put_back", shard=shard, jobs=swept.restored)
        await clock.sleep(0.1 if dropped else pauses.sweep())


async def agree_forever(store: Store, clock: Clock, pauses: UpkeepPauses) -> None:
    """See that the number of shards stays agreed upon; raises ShardMismatchError where it is another one now."""
    while True:
        try:
            await store.fix_shards()
        except (*UNAVAILABLE, ANY) as error:
            log.warning("agreeing_failed", error=str(error))
        await clock.sleep(pauses.sweep())
