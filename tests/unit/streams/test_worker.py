"""The first moments of a worker, before Redis answers."""

from typing import Any, cast

from shared.contracts.states import JobKind
from shared.lifecycle.clock import SystemClock
from shared.lifecycle.supervisor import Drain
from shared.observability.health import STALLED_SECONDS, Health
from shared.streams.worker import _prepared, worker_id


class _Away:
    """A Redis that answers from the third question on; each costs 20 s of the health's clock."""

    def __init__(self, clock: list[float]) -> None:
        self.asked = 0
        self.queues = self
        self._clock = clock

    async def fix_shards(self) -> None:
        self.asked += 1
        self._clock[0] += 20
        if self.asked < 3:
            raise ConnectionRefusedError

    async def ensure_groups(self, _: JobKind) -> None:
        return


class _NoWaiting(SystemClock):
    async def sleep(self, seconds: float) -> None:
        return


async def test_worker_that_waits_for_redis_is_alive() -> None:
    time = [0.0]
    health, store = Health(lambda: time[0]), _Away(time)
    assert await _prepared(cast("Any", store), JobKind.OUTLINE, _NoWaiting(), health, Drain())
    assert (store.asked, time[0] > STALLED_SECONDS) == (3, True)
    assert health.liveness() is None


async def test_worker_may_be_asked_to_end_before() -> None:
    drain = Drain()
    drain.ask()
    assert not await _prepared(cast("Any", _Away([0])), JobKind.OUTLINE, _NoWaiting(), Health(), drain)


def test_names_are_unique() -> None:
    assert len({worker_id() for _ in range(50)}) > 40
