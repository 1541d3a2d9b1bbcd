"""What is said of the time left, compared with what comes true in a simulation."""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from document_worker.pipeline.pace import REPLAYED_SECONDS, Pace
from shared.contracts.plan import PlannedSection
from shared.lifecycle.clock import SystemClock

CHARACTERS_PER_WORD = 6
WORDS_PER_SECOND = 40.0
PIECE_WORDS = 4


class StandingClock(SystemClock):
    """Stands where it is put."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def monotonic(self) -> float:
        return self.at


@dataclass(order=True)
class _Moment:
    """Something that happens: a piece of text, or the end of a section."""

    at: float
    order: int
    number: int = field(compare=False)
    words: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What was said at one moment, and what came true."""

    finished: int
    estimate: float | None
    truth: float


def sections(lengths: Sequence[int]) -> list[PlannedSection]:
    return [
        PlannedSection(id=f"s{n}", title="t", level=1, summary="", leaf=True, target_words=words, evidence=[])
        for n, words in enumerate(lengths, 1)
    ]


class Model:
    """Writes sections in order, ``slots`` at once, each at the same rate after a wait for its first word."""

    def __init__(
        self, lengths: Sequence[int], slots: int, first_word_seconds: float = 0.5, longer: float = 1.0
    ) -> None:
        self.planned = sections(lengths)
        self.clock = StandingClock()
        self.pace = Pace(self.clock)
        self._written = [max(1, round(words * longer)) for words in lengths]
        self._first_word_seconds = first_word_seconds
        self._moments: list[_Moment] = []
        self._order = itertools.count()
        self._waiting = iter(range(len(lengths)))
        for _ in range(slots):
            self._begin_next(self.clock.at)

    def _begin_next(self, at: float) -> None:
        number = next(self._waiting, None)
        if number is None:
            return
        begun = at + self._first_word_seconds
        words = self._written[number]
        for so_far in [*range(PIECE_WORDS, words, PIECE_WORDS), words]:
            self._push(_Moment(begun + so_far / WORDS_PER_SECOND, next(self._order), number, so_far))

    def _push(self, moment: _Moment) -> None:
        heapq.heappush(self._moments, moment)

    def run(self) -> Iterator[Told]:
        """What is said each time a section ends. All are begun at once: those beyond the slots wait for one."""
        for section in self.planned:
            self.pace.begin(section.id)
        left = {section.id: section for section in self.planned}
        told: list[tuple[float, float | None]] = [(self.clock.at, self.pace.seconds_left(left.values()))]
        while self._moments:
            moment = heapq.heappop(self._moments)
            self.clock.at = moment.at
            section = self.planned[moment.number]
            self.pace.written(section.id, moment.words * CHARACTERS_PER_WORD)
            if moment.words == self._written[moment.number]:
                del left[section.id]
                self.pace.end(section)
                self._begin_next(moment.at)
                told.append((moment.at, self.pace.seconds_left(left.values())))
        for finished, (at, estimate) in enumerate(told):
            yield Told(finished, estimate, self.clock.at - at)


def _first_wave(lengths: Sequence[int], slots: int, first_word_seconds: float, longer: float) -> Told:
    told = list(Model(lengths, slots, first_word_seconds, longer).run())
    return told[slots]


EQUAL = [100] * 24
UNEQUAL = [120, 60, 100, 140, 80, 100] * 6
TWO_SORTS = [60, 180] * 12


def test_without_company_the_first_section_tells() -> None:
    told = _first_wave(EQUAL, 1, 3.0, 1.0)
    assert told.estimate == pytest.approx(told.truth, rel=0.01)


@pytest.mark.parametrize("longer", [0.6, 1.5])
@pytest.mark.parametrize("first_word_seconds", [0.1, 3.0])
@pytest.mark.parametrize("slots", [2, 4, 8, 12])
@pytest.mark.parametrize("lengths", [EQUAL, UNEQUAL, TWO_SORTS], ids=["equal", "unequal", "two-sorts"])
def test_after_the_first_wave_the_estimate_is_near(
    lengths: Sequence[int], slots: int, first_word_seconds: float, longer: float
) -> None:
    """Whatever the model's speed, and however much more or less it writes than it is asked for."""
    told = _first_wave(lengths, slots, first_word_seconds, longer)
    assert told.truth > 0
    assert told.estimate == pytest.approx(told.truth, rel=0.35)


def test_a_last_wave_is_not_spread_over_slots_it_cannot_fill() -> None:
    """One long section is left, of which no slot but its own can write: the mean of all together would be too low."""
    told = list(Model([50] * 12 + [600], slots=4).run())
    assert told[12].estimate == pytest.approx(told[12].truth, rel=0.35)


def test_nothing_is_said_before_a_section_is_finished() -> None:
    model = Model([100, 100], slots=2)
    one, other = model.planned
    assert model.pace.seconds_left([one, other]) is None
    model.pace.begin(one.id)
    model.pace.written(one.id, 300)
    model.clock.at += 5
    assert model.pace.seconds_left([one, other]) is None
    model.pace.end(one)
    assert model.pace.seconds_left([other]) == pytest.approx(5)


def test_nothing_is_said_when_all_are_finished() -> None:
    """What follows the writing takes its time too: no seconds left would be untrue."""
    *_, last = Model([100, 50, 70], slots=2).run()
    assert (last.estimate, last.truth) == (None, 0)


def test_introduction_and_conclusion_come_on_top() -> None:
    """They are asked for when the body is finished, and wait for their first word once more."""
    model = Model([100, 100], slots=2, first_word_seconds=4.0)
    closings = [section.model_copy(update={"role": "conclusion", "id": "end"}) for section in sections([60])]
    one, other = model.planned
    for section in model.planned:
        model.pace.begin(section.id)
    model.clock.at += 4
    model.pace.written(one.id, 1)
    model.pace.written(other.id, 1)
    model.clock.at += 10
    for section in model.planned:
        model.pace.written(section.id, 600)
    model.pace.end(one)
    # At most 95 % of the other one count as written; the conclusion is 4 seconds of waiting and 6 of writing away.
    assert model.pace.seconds_left([other, *closings]) == pytest.approx(10.5, rel=0.1)
    model.pace.end(other)
    assert model.pace.seconds_left(closings) == pytest.approx(10, rel=0.01)
    model.clock.at += 30
    model.pace.begin("end")
    model.clock.at += 4
    model.pace.written("end", 180)
    assert model.pace.seconds_left(closings) == pytest.approx(7, rel=0.2)


def test_a_rewording_takes_its_words_and_its_waits() -> None:
    model = Model([100], slots=1)
    assert model.pace.seconds_for(50, answers=2) is None
    (only,) = model.planned
    model.pace.begin(only.id)
    model.clock.at += 3
    _write(model, only, 10)
    assert model.pace.seconds_for(50, answers=2) == pytest.approx(5 + 2 * 3)


def test_what_is_being_written_counts_by_its_length() -> None:
    """Two of one length, the second begun when the first ended: at half its text half its time is left."""
    model = Model([100, 100], slots=1)
    one, other = model.planned
    model.pace.begin(one.id)
    _write(model, one, 10)
    model.pace.written(other.id, 1)
    model.clock.at += 5
    model.pace.written(other.id, 300)
    assert model.pace.seconds_left([other]) == pytest.approx(5, rel=0.1)
    model.pace.written(other.id, 3_000)
    left = model.pace.seconds_left([other])
    assert left is not None
    assert 0 < left < 1


def _write(model: Model, section: PlannedSection, seconds: float) -> None:
    model.pace.written(section.id, 1)
    model.clock.at += seconds
    model.pace.written(section.id, section.target_words * CHARACTERS_PER_WORD)
    model.pace.end(section)


def test_stored_sections_teach_nothing() -> None:
    """A resumed attempt shows at once what the ones before it have written."""
    model = Model([100] * 6, slots=1)
    *stored, written, left = model.planned
    for section in stored:
        _write(model, section, REPLAYED_SECONDS / 2)
    assert model.pace.seconds_left([written, left]) is None
    model.pace.begin(written.id)
    _write(model, written, 8)
    assert model.pace.seconds_left([left]) == pytest.approx(8)


def test_stored_sections_among_others_teach_nothing() -> None:
    model = Model([100] * 3, slots=1)
    stored, written, left = model.planned
    model.pace.begin(written.id)
    _write(model, written, 8)
    _write(model, stored, REPLAYED_SECONDS / 2)
    assert model.pace.seconds_left([left]) == pytest.approx(8, rel=0.01)


def test_a_section_that_was_never_written_is_passed_over() -> None:
    model = Model([100, 100], slots=1)
    model.pace.end(model.planned[0])
    assert model.pace.seconds_left(model.planned[1:]) is None


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=20),
    st.integers(1, 16),
    st.floats(0.1, 20),
    st.floats(0.05, 4),
)
def test_whatever_the_lengths(lengths: list[int], slots: int, first_word_seconds: float, longer: float) -> None:
    told = list(Model(lengths, slots, first_word_seconds, longer).run())
    assert told[0].estimate is None
    for each in told[1:]:
        if each.estimate is not None:
            assert 0 <= each.estimate < 1_000_000
    known = [each.estimate is not None for each in told[:-1]]
    assert known == sorted(known)
    assert told[-1].estimate is None
