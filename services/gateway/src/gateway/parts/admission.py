"""Refuses new jobs while Redis still has room for those that are there."""

import structlog

from gateway.http.problems import RedisFullError
from shared.lifecycle.clock import Clock
from shared.observability.metrics import REDIS_MEMORY
from shared.redis.client import Connections

log = structlog.get_logger()

SAMPLE_SECONDS = 1.0
RECORD_BYTES = 8_192
"""About what a job takes beside its request."""
KEEPS_ALL = "noeviction"


class Admission:
    """What Redis's memory allows. Of a Cluster the fullest master counts: nobody chooses where a job goes."""

    def __init__(self, connections: Connections, clock: Clock, most_percent: float) -> None:
        self.sample_seconds = SAMPLE_SECONDS
        self._connections = connections
        self._clock = clock
        self._most = most_percent / 100
        self._used = 0
        self._limit = 0
        self._warned = False

    @property
    def share(self) -> float:
        """Part of the memory that is taken; 0 where Redis has no limit."""
        return self._used / self._limit if self._limit else 0.0

    def check(self, payload_bytes: int) -> None:
        """Raise ProblemError 503 where a request of this size would not leave enough; else count it as taken.

        Counted, since between two samples many requests may come.
        """
        # Redis's allocator rounds up by a quarter, and for a moment the request is there twice.
        needed = payload_bytes * 3 // 2 + RECORD_BYTES
        if self._limit and (self._used + needed) / self._limit > self._most:
            detail = "The queue's memory is nearly full: jobs that are there go on, new ones are refused. Try later."
            raise RedisFullError(detail)
        self._used += needed

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            await self._sample()
            await self._clock.sleep(self.sample_seconds)

    async def _sample(self) -> None:
        servers = await self._connections.memory()
        if not servers:
            return
        limited = [server for server in servers if server["maxmemory"]]
        fullest = max(limited, key=lambda server: float(server["used_memory"] / server["maxmemory"]), default=None)
        self._used, self._limit = (fullest["used_memory"], fullest["maxmemory"]) if fullest else (0, 0)
        REDIS_MEMORY.set(self.share)
        evicting = {server["maxmemory_policy"] for server in limited} - {KEEPS_ALL}
        if evicting and not self._warned:
            log.warning("redis_may_evict_jobs", policy=sorted(evicting), advice=f"set maxmemory-policy {KEEPS_ALL}")
        self._warned = bool(evicting)
