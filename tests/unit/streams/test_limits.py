"""When a job's time is over: the request's limits over the worker's, less what was worked before."""

import dataclasses

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.settings import WorkerSettings
from shared.streams.limits import LAST_TEXTS_SECONDS, TimeLimits

DEFAULTS = WorkerSettings()
"""1,500 s soft, 1,800 s hard."""
CLAIMED_AT = 10_000.0
PLAIN = Claim(
    JobRef("job"), JobKind.DOCUMENT, Band.DEFAULT, 2, 1, 3, 1, "request", 0.0, 0.0, None, None, JobKind.DOCUMENT
)


def _claim(soft: float | None = None, hard: float | None = None, worked: float = 0.0) -> Claim:
    return dataclasses.replace(PLAIN, soft_limit_seconds=soft, hard_limit_seconds=hard, worked_seconds=worked)


def _left(claim: Claim, settings: WorkerSettings = DEFAULTS) -> tuple[float, float, float]:
    """Seconds from the claim to each of the three moments."""
    limits = TimeLimits.of(claim, settings, CLAIMED_AT)
    return limits.soft_at - CLAIMED_AT, limits.texts_at - CLAIMED_AT, limits.hard_at - CLAIMED_AT


@pytest.mark.parametrize(
    ("soft", "hard", "worked", "left"),
    [
        (None, None, 0, (1_500, 1_560, 1_800)),
        (100, None, 0, (100, 160, 1_800)),
        (1_501, None, 0, (1_501, 1_561, 1_801)),
        (5_000, None, 0, (5_000, 5_060, 5_300)),
        (None, 5_000, 0, (1_500, 1_560, 5_000)),
        (None, 1_520, 0, (1_500, 1_510, 1_520)),
        (10, 20, 0, (10, 15, 20)),
        (10, 10, 0, (10, 10, 10)),
        (100, 130, 40, (60, 75, 90)),
        (None, None, 1_000, (500, 560, 800)),
        (10, 20, 17, (-7, -2, 3)),
        (10, 20, 500, (-490, -485, -480)),
    ],
)
def test_what_is_left(soft: float | None, hard: float | None, worked: float, left: tuple[float, ...]) -> None:
    assert _left(_claim(soft, hard, worked)) == left


def test_the_worker_may_be_told_others() -> None:
    settings = WorkerSettings(soft_time_limit_seconds=30, hard_time_limit_seconds=50)
    assert _left(_claim(), settings) == (30, 40, 50)
    assert _left(_claim(soft=40), settings) == (40, 50, 60)


SECONDS = st.floats(0.001, 86_400)


@st.composite
def _settings(draw: st.DrawFn) -> WorkerSettings:
    soft, hard = sorted([draw(SECONDS), draw(SECONDS)])
    return WorkerSettings(soft_time_limit_seconds=soft, hard_time_limit_seconds=hard)


@given(st.none() | SECONDS, st.none() | SECONDS, st.floats(0, 200_000), _settings(), st.floats(0, 1e7))
def test_moments_come_in_order(
    soft: float | None, hard: float | None, worked: float, settings: WorkerSettings, claimed_at: float
) -> None:
    assume(soft is None or hard is None or soft <= hard)
    limits = TimeLimits.of(_claim(soft, hard, worked), settings, claimed_at)
    assert limits.soft_at <= limits.texts_at <= limits.hard_at
    assert limits.texts_at - limits.soft_at <= LAST_TEXTS_SECONDS + 1e-6
    # A text has time to end, and its end has time to be stored.
    assert limits.texts_at - limits.soft_at == pytest.approx(
        min((limits.hard_at - limits.soft_at) / 2, LAST_TEXTS_SECONDS), abs=1e-6
    )


@given(st.none() | SECONDS, st.none() | SECONDS, st.floats(0, 200_000), _settings())
def test_worked_time_is_taken_off_all_three(
    soft: float | None, hard: float | None, worked: float, settings: WorkerSettings
) -> None:
    assume(soft is None or hard is None or soft <= hard)
    fresh, again = _left(_claim(soft, hard), settings), _left(_claim(soft, hard, worked), settings)
    assert again == pytest.approx([seconds - worked for seconds in fresh], abs=1e-6)


@given(SECONDS, SECONDS, _settings())
def test_the_request_goes_over_the_worker(one: float, other: float, settings: WorkerSettings) -> None:
    soft, hard = sorted([one, other])
    left = _left(_claim(soft, hard), settings)
    assert (left[0], left[2]) == pytest.approx((soft, hard), abs=1e-6)
    assert _left(_claim(hard=hard), settings)[2] == pytest.approx(hard, abs=1e-6)


@given(SECONDS, _settings())
def test_a_longer_soft_limit_alone_leaves_the_same_time_after_it(soft: float, settings: WorkerSettings) -> None:
    left = _left(_claim(soft=soft), settings)
    margin = settings.hard_time_limit_seconds - settings.soft_time_limit_seconds
    assert left[0] == pytest.approx(soft, abs=1e-6)
    assert left[2] - left[0] >= margin - 1e-6
    assert left[2] >= settings.hard_time_limit_seconds - 1e-6
