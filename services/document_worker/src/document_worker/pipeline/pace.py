"""How long the rest of the writing will take, learned from the sections that are finished."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from document_worker.ports import Clock
from shared.contracts.plan import PlannedSection

REPLAYED_SECONDS = 0.05
"""A text that comes faster was stored by an earlier attempt, and tells nothing of the model."""
_MOST_DONE = 0.95
"""How much of a section that is being written may count as written: it can become longer than was asked for."""


@dataclass(slots=True)
class _Text:
    asked: float | None
    began: float
    characters: int = 0


class Pace:
    """Of one attempt. Lengths are counted in the words that were asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began: float | None = None
        self._asked: dict[str, float] = {}
        self._texts: dict[str, _Text] = {}
        self._seconds = 0.0
        self._words = 0
        self._characters = 0
        self._shortest_wait: float | None = None

    def begin(self, section_id: str) -> None:
        """A section is begun."""
        now = self._clock.monotonic()
        self._asked[section_id] = now
        if self._began is None:
            self._began = now

    def written(self, section_id: str, characters: int) -> None:
        """A section's text has come so far."""
        now = self._clock.monotonic()
        text = self._texts.setdefault(section_id, _Text(self._asked.pop(section_id, None), now))
        text.characters = characters

    def end(self, section: PlannedSection) -> None:
        """A section is finished."""
        text = self._texts.pop(section.id, None)
        if text is None or (took := self._clock.monotonic() - text.began) < REPLAYED_SECONDS:
            return
        self._seconds += took
        self._words += section.target_words
        self._characters += text.characters
        if text.asked is not None:
            wait = text.began - text.asked
            self._shortest_wait = wait if self._shortest_wait is None else min(wait, self._shortest_wait)

    def seconds_left(self, unfinished: Iterable[PlannedSection]) -> float | None:
        """Until the last section is finished. None before a section has been, and where none is left: what follows the
        writing is not measured.

        Introduction and conclusion are asked for once the body is finished, so their time comes on top of its time.
        """
        sections = list(unfinished)
        if not self._words or self._began is None or not sections:
            return None
        done = self._words + sum(section.target_words * self._part_done(section) for section in sections)
        seconds_per_word = (self._clock.monotonic() - self._began) / done
        body = [section for section in sections if section.role == "body"]
        closings = [section for section in sections if section.role != "body"]
        return self._side_by_side(body, seconds_per_word) + self._side_by_side(closings, seconds_per_word)

    def seconds_for(self, words: int, answers: int) -> float | None:
        """For answers of so many words together, one after the other; None before a section has been finished."""
        if not self._words:
            return None
        return words * self._seconds / self._words + answers * (self._shortest_wait or 0.0)

    def _side_by_side(self, sections: Sequence[PlannedSection], seconds_per_word: float) -> float:
        """At the pace of all together so far, which holds the waiting for the model too, but no sooner than the longest
        one can be written.
        """
        left, longest = 0.0, 0.0
        for section in sections:
            words = section.target_words * (1 - self._part_done(section))
            wait = 0.0 if section.id in self._texts else self._shortest_wait or 0.0
            left += words
            longest = max(longest, wait + words * self._seconds / self._words)
        return max(left * seconds_per_word, longest)

    def _part_done(self, section: PlannedSection) -> float:
        text = self._texts.get(section.id)
        if text is None:
            return 0.0
        expected = section.target_words * self._characters / self._words
        return min(_MOST_DONE, text.characters / max(1.0, expected))
