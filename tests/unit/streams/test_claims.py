"""A shard that does not answer is left alone, and the worker sleeps meanwhile."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from shared.contracts.states import JobKind
from shared.lifecycle.clock import SystemClock
from shared.redis.queues import Fetched, Queues
from shared.streams.claims import Claims
from shared.streams.doorbell import Doorbell


class Shards:
    """Two shards, of which some fail."""

    shards = 2

    def __init__(self) -> None:
        self.failing: dict[int, Exception] = {}
        self.asked: list[int] = []

    async def fetch(self, shard: int, *_: Any, **__: Any) -> Fetched:
        self.asked.append(shard)
        if error := self.failing.get(shard):
            raise error
        return Fetched([], [])

    async def reconcile(self, *_: Any) -> int:
        return 0


class Bell:
    """Counts how often it rings."""

    rung = 0

    def knows(self, _: int) -> bool:
        return True

    def ring(self) -> None:
        self.rung += 1

    def begin(self, _: int, __: Sequence[object], ___: Sequence[str]) -> None:
        raise AssertionError


class Stopped(SystemClock):
    """Time that moves when told to."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError()])
async def test_a_shard_that_is_away_is_waited_for(error: Exception) -> None:
    shards, bell, clock = Shards(), Bell(), Stopped()
    claims = Claims("worker", JobKind.OUTLINE, cast("Queues", shards), cast("Doorbell", bell), clock, 30)
    shards.failing = {0: error}
    for shard in (0, 1):
        assert await claims.fetch(shard, 1, 1, suspects=True) == []
    assert not claims.all_away
    clock.seconds += 60
    silent = isinstance(error, TimeoutError)
    # One that says nothing is asked again when somebody had an answer of it: until then there is nothing to hurry for.
    assert claims.seconds_until_back(2.0) == (2.0 if silent else 0.0)
    await claims.fetch(0, 1, 2, suspects=True)
    assert shards.asked == ([0, 1] if silent else [0, 1, 0])
    claims.reached(0)
    claims.reached(1)
    assert bell.rung == (1 if silent else 0)
    clock.seconds += 60
    shards.failing = {}
    await claims.fetch(0, 1, 3, suspects=True)
    assert claims.seconds_until_back(2.0) == 2.0
