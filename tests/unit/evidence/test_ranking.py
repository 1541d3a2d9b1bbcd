"""Passages by words, by meaning, and dealt out to the sections."""

import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.evidence.dealing import deal
from shared.evidence.hybrid import HybridRanking, pack, unpack
from shared.evidence.ledger import Passage
from shared.evidence.ranking import Ranking
from shared.language.text import terms

TEXTS = [
    "Bees turn nectar into honey. Bees dance.",
    "蜜蜂把花蜜变成蜂蜜。",
    "Copper rose in March, and so did tin; copper is dear.",
    "Honey is sold by weight, as copper is.",
]
WORDS = st.sampled_from(["bees", "honey", "copper", "tin", "the", "蜂蜜", "蜜蜂", "。", "2024"])
TEXT = st.lists(WORDS, max_size=12).map(" ".join)


def _passages(texts: Sequence[str]) -> list[Passage]:
    return [Passage(key=f"S{n}", source_id="file-1", offset=n, text=text) for n, text in enumerate(texts)]


def _by_hand(texts: Sequence[str], query: str) -> dict[int, float]:
    """Robertson and Zaragoza (2009), formula 3.15, with an idf that is never negative."""
    held = [terms(text) for text in texts]
    average = sum(map(len, held)) / max(len(held), 1)
    found: defaultdict[int, float] = defaultdict(float)
    for term in set(terms(query)):
        holders = sum(term in some for some in held)
        idf = math.log(1 + (len(held) - holders + 0.5) / (holders + 0.5))
        for index, some in enumerate(held):
            if term in some:
                found[index] += idf * some.count(term) / (some.count(term) + 1.5 * (0.25 + 0.75 * len(some) / average))
    return dict(found)


@given(st.lists(TEXT, max_size=8), TEXT)
def test_scores_are_those_of_the_formula(texts: list[str], query: str) -> None:
    found = Ranking(_passages(texts)).scores(query)
    assert found == pytest.approx(_by_hand(texts, query), rel=1e-5)


def test_scores_of_a_small_corpus() -> None:
    found = Ranking(_passages(TEXTS)).scores("Honey, honey! 蜂蜜")
    # Of 6, 8 and 4 terms where 6 are the average; two passages of four speak of honey, one of 蜂蜜.
    honey, chinese = math.log(1 + 2.5 / 2.5), math.log(1 + 3.5 / 1.5)
    assert found == pytest.approx({0: honey / (1 + 1.5), 1: chinese / (1 + 1.875), 3: honey / (1 + 1.125)})


def test_equal_passages_come_in_their_order() -> None:
    ranking = Ranking(_passages(["same bees", "other", "same bees", "same bees"]))
    assert [passage.key for passage in ranking.best("bees", 2)] == ["S0", "S2"]
    assert ranking.best("volcanoes", 2) == []


def test_nothing_to_find_is_no_error() -> None:
    assert Ranking([]).scores("bees") == {}
    assert Ranking(_passages(["the", "。"])).scores("the bees") == {}
    assert Ranking(_passages(TEXTS)).scores("") == {}


def test_indexing_is_silent(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Ranking(_passages(TEXTS)).best("honey", 3)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def _towards(axis: int) -> list[float]:
    """Of unit length, near one axis of ten, and near all others as texts are."""
    vector = [0.2] * 10
    vector[axis] = math.sqrt(1 - 9 * 0.04)
    return vector


def test_without_vectors_the_scores_are_those_of_the_words() -> None:
    words, both = Ranking(_passages(TEXTS)), HybridRanking(_passages(TEXTS))
    assert both.scores("copper honey") == words.scores("copper honey")
    assert HybridRanking(_passages(TEXTS), [_towards(n) for n in range(4)]).scores("tin") == words.scores("tin")
    assert both.scores("tin", _towards(0)) == words.scores("tin")


def test_ranks_are_fused() -> None:
    both = HybridRanking(_passages(TEXTS), [_towards(n) for n in (0, 0, 5, 7)])
    # The words are those of passage 3 and 0, the meaning that of 0 and 1.
    found = both.scores("honey", _towards(0))
    assert found == pytest.approx({0: 1 / 62 + 1 / 61, 3: 1 / 61, 1: 1 / 62})


def test_a_meaning_stands_out_or_says_nothing() -> None:
    texts = [f"text {number}" for number in range(200)]
    near = HybridRanking(_passages(texts), [_towards(number % 10) for number in range(200)])
    assert set(near.scores("unheard", _towards(3))) == set(range(3, 200, 10))
    far = HybridRanking(_passages(texts), [_towards(number % 2) for number in range(200)])
    assert len(far.scores("unheard", _towards(0))) == 50
    apart = HybridRanking(_passages(texts[:2]), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert apart.scores("unheard", [0.0, 0.0, 1.0]) == {}
    assert set(apart.scores("unheard", [1.0, 0.0, 0.0])) == {0}


def test_many_queries_score_as_each_alone() -> None:
    both = HybridRanking(_passages(TEXTS), [_towards(n) for n in range(4)])
    queries, wanted = ["honey", "蜜蜂", "unheard"], [_towards(n) for n in (3, 2, 1)]
    alone = [both.scores(query, vector) for query, vector in zip(queries, wanted, strict=True)]
    assert both.score_all(queries, wanted) == alone
    assert both.score_all([], []) == []
    assert HybridRanking([], []).score_all(queries, wanted) == [{}, {}, {}]


@pytest.mark.parametrize(
    "vectors", [[[1.0, 0.0]] * 3, [[1.0], [1.0, 0.0], [1.0], [1.0]], [[math.nan, 1.0]] * 4, [1.0] * 4]
)
def test_vectors_that_are_not_the_passages_are_refused(vectors: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"vectors|inhomogeneous"):
        HybridRanking(_passages(TEXTS), vectors)


def test_a_query_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="2 components"):
        HybridRanking(_passages(TEXTS), [_towards(0)] * 4).scores("honey", [1.0, 0.0])


@given(st.integers(0, 5), st.integers(1, 5), st.randoms())
def test_packed_vectors_come_back(count: int, dimension: int, random: Random) -> None:
    vectors = [[random.uniform(-1, 1) for _ in range(dimension)] for _ in range(count)]
    packed = pack(vectors)
    assert len(packed) == 12 + 2 * count * dimension
    found = unpack(packed)
    assert len(found) == count
    assert np.allclose(found, np.array(vectors).reshape(found.shape), atol=1e-3)
    for spoiled in (packed[:-1], packed + b"\0", b"DLV9" + packed[4:], packed[:7]):
        with pytest.raises(ValueError, match="packed"):
            unpack(spoiled)


def test_packed_numbers_are_checked() -> None:
    with pytest.raises(ValueError, match="finite"):
        unpack(pack([[0.5]])[:-2] + np.array([math.nan], "<f2").tobytes())


SCORES = st.lists(
    st.dictionaries(st.integers(0, 11), st.sampled_from([0.0, 0.1, 1.0, 2.0, 9.0]), max_size=12), max_size=6
)
SIZES = st.lists(st.integers(1, 6), min_size=12, max_size=12)


@given(SCORES, SIZES, st.integers(0, 12), st.integers(0, 4))
def test_what_is_dealt(scores: list[dict[int, float]], sizes: list[int], room: int, most: int) -> None:
    dealt = deal(scores, sizes, room, most)
    given_out = [passage for hand in dealt for passage in hand]
    assert len(given_out) == len(set(given_out))
    assert len(dealt) == len(scores)
    for section, hand in zip(scores, dealt, strict=True):
        assert len(hand) <= most
        assert sum(sizes[passage] for passage in hand) <= room
        assert all(section[passage] > 0 for passage in hand)
        assert hand == sorted(hand, key=lambda passage: (-section[passage], passage))
    assert dealt == deal(scores, sizes, room, most)


@given(SCORES, SIZES, st.integers(0, 12), st.integers(1, 4))
def test_who_is_left_with_nothing(scores: list[dict[int, float]], sizes: list[int], room: int, most: int) -> None:
    dealt = deal(scores, sizes, room, most)
    holder = {passage: hand for hand in dealt for passage in hand}
    for section, hand in zip(scores, dealt, strict=True):
        for passage in (passage for passage, score in section.items() if score > 0 and sizes[passage] <= room):
            best = max(other.get(passage, 0.0) for other in scores)
            spared = passage in holder and len(holder[passage]) > 1 and section[passage] >= best / 4
            assert hand or (passage in holder and not spared)


def test_sections_draw_in_turn() -> None:
    scores = [{0: 9.0, 1: 8.0, 2: 7.0, 3: 6.0}, {0: 8.0, 1: 8.0, 2: 7.0, 3: 6.0}]
    assert deal(scores, [1] * 4, room=9, most=9) == [[0, 2], [1, 3]]


def test_a_passage_goes_where_it_speaks() -> None:
    scores = [{0: 9.0}, {0: 2.0, 1: 1.0}, {1: 0.3}]
    assert deal(scores, [1, 1], room=9, most=9) == [[0], [1], []]
    # Nobody else can hold it, so a faint voice is better than none.
    assert deal([{0: 9.0, 1: 8.0}, {1: 0.1}], [1, 1], room=9, most=1) == [[0], [1]]


def test_who_holds_two_spares_one() -> None:
    assert deal([{0: 9.0, 1: 8.0}, {0: 7.0}], [1, 1], room=9, most=9) == [[1], [0]]


def test_room_is_kept() -> None:
    assert deal([{0: 9.0, 1: 8.0, 2: 7.0}], [60, 50, 40], room=100, most=9) == [[0, 2]]
