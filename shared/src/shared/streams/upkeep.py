"""What any worker does for the queue as a whole, beside its jobs."""

import random

import structlog

from shared.contracts.ids import DEFAULT_TENANT
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.operations import Operations
from shared.redis.scripts import Scripts

log = structlog.get_logger()

PROMOTE_SECONDS = 1.0
SWEEP_SECONDS = 5.0
"""Between two steps of a sweep that finds nothing; one that finds something goes on at once."""


async def promote_forever(scripts: Scripts, kind: JobKind, clock: Clock) -> None:
    """Queue scheduled jobs when they are due."""
    while True:
        pause = PROMOTE_SECONDS
        for shard in range(scripts.shards):
            try:
                _, wait_ms = await scripts.promote(shard, kind)
            except (*UNAVAILABLE, ANY) as error:
                log.warning("promote_failed", error=str(error))
                continue
            if wait_ms is not None:
                pause = min(pause, max(0.02, wait_ms / 1000))
        await clock.sleep(pause)


async def sweep_forever(
    operations: Operations, kind: JobKind, clock: Clock, lease_seconds: float, pause: float = SWEEP_SECONDS
) -> None:
    """Walk the index round and round: forget what has expired, put back what stands nowhere."""
    lease_ms = round(lease_seconds * 1000)
    cursors = dict.fromkeys(range(operations.shards), 0)
    while True:
        found = 0
        for shard, cursor in cursors.items():
            try:
                swept = await operations.sweep(shard, kind, DEFAULT_TENANT, cursor, lease_ms)
            except (*UNAVAILABLE, ANY) as error:
                log.warning("sweep_failed", error=str(error))
                continue
            cursors[shard] = swept.cursor
            found += swept.dropped
            if swept.restored:
                log.warning("jobs_put_back", shard=shard, jobs=swept.restored)
        # At random, so that a fleet does not walk in step.
        await clock.sleep(0.1 if found else pause * random.uniform(0.5, 1.5))
