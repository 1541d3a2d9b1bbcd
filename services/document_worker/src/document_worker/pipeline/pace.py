"""How long the rest of the sections will take, learned from those that are finished."""

import heapq
from collections.abc import Iterable

from document_worker.ports import Clock
from shared.contracts.plan import PlannedSection

OVERDUE_PART = 0.1
"""A section that takes longer than expected is expected to take this much of its time more."""


class Pace:
    """Of one attempt: seconds per word asked for, and which sections are being written since when."""

    def __init__(self, clock: Clock, at_once: int) -> None:
        self._clock = clock
        self._at_once = at_once
        self._began: dict[str, float] = {}
        self._seconds = 0.0
        self._words = 0

    def begin(self, section_id: str) -> None:
        self._began[section_id] = self._clock.monotonic()

    def end(self, section: PlannedSection) -> None:
        """The section is finished."""
        began = self._began.pop(section.id, None)
        if began is not None:
            self._seconds += self._clock.monotonic() - began
            self._words += section.target_words

    def seconds_left(self, unfinished: Iterable[PlannedSection]) -> float | None:
        """Until the last of the sections, written side by side, is finished; None before one has been."""
        if not self._words:
            return None
        now = self._clock.monotonic()
        lengths = {section.id: section.target_words * self._seconds / self._words for section in unfinished}
        slots = [
            max(length - (now - self._began[name]), OVERDUE_PART * length)
            for name, length in lengths.items()
            if name in self._began
        ]
        slots += [0.0] * (self._at_once - len(slots))
        heapq.heapify(slots)
        for name, length in lengths.items():
            if name not in self._began:
                heapq.heapreplace(slots, slots[0] + length)
        return max(slots)
