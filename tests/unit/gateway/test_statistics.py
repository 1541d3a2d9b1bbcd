"""The last hour from its tallies: sums by kind and band, and quantiles that are a tenth off at most."""

import math
from collections import Counter
from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.operators.hours import Hour, gather
from shared.contracts.states import Band, JobKind

LENGTHS = st.lists(st.integers(0, 7 * 86_400_000), min_size=1, max_size=60)
PARTS = st.floats(0.01, 1.0)


def _bucket(ms: int) -> int:
    """As measure.lua counts; an integration test compares them."""
    return math.floor(4 * math.log2(max(1, ms)) + 0.5)


def _hour(lengths_ms: Iterable[int], what: str = "wait") -> Hour:
    tallies = [{f"outline:default:{what}:{_bucket(ms)}": 1} for ms in lengths_ms]
    return gather(tallies)[JobKind.OUTLINE, Band.DEFAULT]


def _true_quantile(lengths_ms: list[int], part: float) -> float:
    """Seconds, by nearest rank."""
    return sorted(lengths_ms)[max(1, math.ceil(part * len(lengths_ms))) - 1] / 1000


@given(LENGTHS, PARTS)
@example([9], 0.5)
@example([1, 1_000_000], 0.5)
@example(list(range(1, 101)), 0.95)
def test_a_quantile_is_near_the_true_one(lengths_ms: list[int], part: float) -> None:
    found, true = _hour(lengths_ms).quantile("wait", part), _true_quantile(lengths_ms, part)
    assert found is not None
    # And what is lost where a length is told in whole milliseconds, one at least.
    assert abs(found - true) <= 0.1 * true + 0.001


@given(LENGTHS, PARTS, PARTS)
def test_a_larger_part_takes_no_less_time(lengths_ms: list[int], one: float, other: float) -> None:
    hour = _hour(lengths_ms)
    less, more = (hour.quantile("wait", part) for part in sorted((one, other)))
    assert less is not None
    assert more is not None
    assert less <= more


@given(LENGTHS, LENGTHS, PARTS)
def test_quantiles_of_a_sum_lie_between_those_of_its_parts(here: list[int], there: list[int], part: float) -> None:
    together, first, second = Hour(), _hour(here), _hour(there)
    together.add(first)
    together.add(second)
    found = together.quantile("wait", part)
    parts = [each.quantile("wait", part) for each in (first, second)]
    assert min(filter(None, parts)) <= (found or 0) <= max(filter(None, parts))
    assert _hour(here + there).quantile("wait", part) == found
    assert first.lengths == _hour(here).lengths


def test_nothing_measured_has_no_quantile() -> None:
    assert [Hour().quantile("wait", part) for part in (0.01, 0.5, 1.0)] == [None] * 3
    assert _hour([1_000], "run").quantile("wait", 0.5) is None
    assert _hour([1_000], "run").quantile("run", 0.5) == 1.024


def test_asking_changes_nothing() -> None:
    hour = Hour()
    hour.quantile("wait", 0.5)
    assert not hour.lengths


NAMES = st.builds(
    lambda kind, band, what: f"{kind}:{band}:{what}",
    st.sampled_from(JobKind),
    st.sampled_from(Band),
    st.one_of(
        st.sampled_from(["failed", "cancelled"]),
        st.builds(
            lambda what, bucket: f"{what}:{bucket}",
            st.sampled_from(["wait", "completed", "failed"]),
            st.integers(0, 120),
        ),
    ),
)


@given(st.lists(st.dictionaries(NAMES, st.integers(1, 1_000)), max_size=6))
def test_every_count_is_gathered_once(tallies: list[dict[str, int]]) -> None:
    hours = gather(tallies)
    assert hours.keys() == {(kind, band) for kind in JobKind for band in Band}
    gathered: Counter[tuple[str, ...]] = Counter()
    for (kind, band), hour in hours.items():
        gathered.update({(kind, band, state): count for state, count in hour.ended.items()})
        for what, buckets in hour.lengths.items():
            gathered.update({(kind, band, what, str(bucket)): count for bucket, count in buckets.items()})
    expected: Counter[tuple[str, ...]] = Counter()
    for tally in tallies:
        for name, count in tally.items():
            queue, what, bucket = name.split(":")[:2], name.split(":")[2], name.split(":")[3:]
            if what != "wait":
                expected[*queue, what] += count
            if bucket:
                expected[*queue, "wait" if what == "wait" else "run", *bucket] += count
    assert gathered == expected
