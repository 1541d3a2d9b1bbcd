"""Pauses between tries: random, growing, bounded, and short again after an answer."""

import random
from itertools import pairwise
from statistics import mean

import pytest

from shared.lifecycle.pauses import Pauses


@pytest.fixture(autouse=True)
def _seeded() -> None:
    random.seed(1)


def test_each_lies_between_the_bounds() -> None:
    pauses = Pauses(0.1, 2.0)
    waits = [pauses.following() for _ in range(1_000)]
    assert min(waits) >= 0.1
    assert max(waits) == 2.0


def test_first_is_short_and_they_grow() -> None:
    """In the mean over many processes."""
    herd = [Pauses(0.1, 60.0) for _ in range(2_000)]
    means = [mean(pauses.following() for pauses in herd) for _ in range(8)]
    assert means[0] == pytest.approx(0.2, rel=0.1)
    assert all(after > before for before, after in pairwise(means))


def test_none_is_more_than_thrice_the_one_before() -> None:
    pauses = Pauses(0.1, 60.0)
    waits = [0.1, *(pauses.following() for _ in range(1_000))]
    assert all(after <= 3 * before for before, after in pairwise(waits))


def test_processes_do_not_keep_step() -> None:
    herd = [Pauses(0.1, 60.0) for _ in range(100)]
    for _ in range(3):
        waits = {pauses.following() for pauses in herd}
        assert len(waits) == 100
    assert max(waits) > 3 * min(waits)


def test_an_answer_makes_the_next_short() -> None:
    pauses = Pauses(0.1, 60.0)
    for _ in range(50):
        pauses.following()
    pauses.reset()
    assert 0.1 <= pauses.following() <= 0.3 + 1e-9
