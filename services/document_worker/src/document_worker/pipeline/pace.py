"""How long the rest of the sections will take, learned from those that are finished."""

from collections.abc import Iterable
from dataclasses import dataclass

from document_worker.ports import Clock
from shared.contracts.plan import PlannedSection

REPLAYED_SECONDS = 0.05
"""A text that comes faster was stored by an earlier attempt, and tells nothing of the model."""
_MOST_DONE = 0.95
"""How much of a section that is being written may count as written: it can become longer than was asked for."""


@dataclass(slots=True)
class _Text:
    began: float
    characters: int = 0


class Pace:
    """Of one attempt. Lengths are counted in the words that were asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began: float | None = None
        self._texts: dict[str, _Text] = {}
        self._seconds = 0.0
        self._words = 0
        self._characters = 0

    def begin(self) -> None:
        """A section is begun."""
        if self._began is None:
            self._began = self._clock.monotonic()

    def written(self, section_id: str, characters: int) -> None:
        """A section's text has come so far."""
        text = self._texts.setdefault(section_id, _Text(self._clock.monotonic()))
        text.characters = characters

    def end(self, section: PlannedSection) -> None:
        """A section is finished."""
        text = self._texts.pop(section.id, None)
        if text is not None and (took := self._clock.monotonic() - text.began) >= REPLAYED_SECONDS:
            self._seconds += took
            self._words += section.target_words
            self._characters += text.characters

    def seconds_left(self, unfinished: Iterable[PlannedSection]) -> float | None:
        """Until the last section is finished: at the pace of all together so far, which holds the waiting for the
        model too, but no sooner than the longest one can be written. None before a section has been finished.
        """
        if not self._words or self._began is None:
            return None
        done, left, longest = float(self._words), 0.0, 0.0
        for section in unfinished:
            part = self._part_done(section)
            done += section.target_words * part
            left += section.target_words * (1 - part)
            longest = max(longest, section.target_words * (1 - part))
        together = left * (self._clock.monotonic() - self._began) / done
        return max(together, longest * self._seconds / self._words)

    def _part_done(self, section: PlannedSection) -> float:
        text = self._texts.get(section.id)
        if text is None:
            return 0.0
        expected = section.target_words * self._characters / self._words
        return min(_MOST_DONE, text.characters / max(1.0, expected))
