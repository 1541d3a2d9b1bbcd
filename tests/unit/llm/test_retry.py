"""When a model request is repeated, after how long, and when the queue has to wait instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.errors import PermanentError, TransientError
from shared.llm.errors import ModelAuthFailedError, ModelRateLimitedError, ModelTimeoutError, ModelUnavailableError
from shared.llm.retry import RetryPolicy, repeat
from tests.support.llm import InstantClock

UNAVAILABLE = ModelUnavailableError("down")


class Failing:
    """Fails with these errors, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0
        self.restarts = 0

    async def attempt(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def restart(self) -> None:
        self.restarts += 1


async def run(failing: Failing, clock: InstantClock, chance: float = 1.0) -> str:
    return await repeat(
        failing.attempt, policy=RetryPolicy(), clock=clock, chance=lambda: chance, restart=failing.restart
    )


async def test_success_needs_no_wait() -> None:
    failing, clock = Failing(), InstantClock()
    assert await run(failing, clock) == "done"
    assert (clock.slept, failing.restarts) == ([], 0)


async def test_backoff_doubles_and_each_try_restarts() -> None:
    failing, clock = Failing(UNAVAILABLE, UNAVAILABLE, UNAVAILABLE), InstantClock()
    assert await run(failing, clock) == "done"
    assert (clock.slept, failing.restarts) == ([0.5, 1.0, 2.0], 3)


async def test_the_fourth_failure_is_raised() -> None:
    failing, clock = Failing(*[UNAVAILABLE] * 9), InstantClock()
    with pytest.raises(TransientError, match="down"):
        await run(failing, clock)
    assert failing.tries == 4


async def test_a_timeout_is_repeated_once() -> None:
    failing = Failing(*[ModelTimeoutError("silent")] * 9)
    with pytest.raises(TransientError, match="silent"):
        await run(failing, InstantClock())
    assert failing.tries == 2


async def test_permanent_errors_are_not_repeated() -> None:
    failing = Failing(ModelAuthFailedError("no"))
    with pytest.raises(PermanentError):
        await run(failing, InstantClock())
    assert failing.tries == 1


async def test_retry_after_is_waited_for() -> None:
    failing, clock = Failing(ModelRateLimitedError("busy", 3.0)), InstantClock()
    assert await run(failing, clock, chance=0.0) == "done"
    assert clock.slept == [3.0]


async def test_a_long_retry_after_goes_back_to_the_queue() -> None:
    failing, clock = Failing(ModelRateLimitedError("busy", 60.0)), InstantClock()
    with pytest.raises(TransientError) as raised:
        await run(failing, clock)
    assert (clock.slept, raised.value.retry_after_seconds) == ([], 60.0)


async def test_patience_is_counted_over_all_tries() -> None:
    failing, clock = Failing(*[ModelRateLimitedError("busy", 6.0)] * 9), InstantClock()
    with pytest.raises(TransientError):
        await run(failing, clock, chance=0.0)
    assert clock.slept == [6.0, 6.0]


@given(tried=st.integers(1, 3), chance=st.floats(0, 1), asked=st.none() | st.floats(0, 5))
def test_a_pause_is_never_shorter_than_asked_nor_far_longer(tried: int, chance: float, asked: float | None) -> None:
    pause = RetryPolicy().pause_seconds(ModelUnavailableError("", asked), tried, 0.0, chance)
    assert pause is not None
    assert (asked or 0) <= pause <= (asked or 0) + 0.5 * 2 ** (tried - 1)


def test_the_backoff_is_capped() -> None:
    policy = RetryPolicy(tries=99, patience_seconds=99)
    assert policy.pause_seconds(UNAVAILABLE, 20, 0.0, 1.0) == 8.0
