"""Backoff: doubling, capped, with jitter, never shorter than asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.streams.retry import Backoff

BACKOFF = Backoff(2, 300)


def test_doubles_up_to_the_cap() -> None:
    waits = [BACKOFF.after(attempt, None, lambda: 0.5) for attempt in range(1, 11)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_jitter_is_a_fifth_either_way() -> None:
    assert BACKOFF.after(1, None, lambda: 0.0) == pytest.approx(1.6)
    assert BACKOFF.after(1, None, lambda: 1.0) == pytest.approx(2.4)


def test_what_the_model_asks_for_goes_over_the_cap() -> None:
    assert BACKOFF.after(1, 1_000, lambda: 0.5) == 1_000
    assert BACKOFF.after(5, 1, lambda: 0.5) == 32


@given(attempt=st.integers(1, 10_000), asked=st.none() | st.floats(0, 10_000), random=st.floats(0, 1, exclude_max=True))
def test_bounds(attempt: int, asked: float | None, random: float) -> None:
    wait = BACKOFF.after(attempt, asked, lambda: random)
    assert 1.6 <= wait <= max(300, asked or 0)
    assert wait >= (asked or 0)
