"""What the clients did and what they were told, in the order it happened."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

Phase = Literal["invoke", "ok", "fail", "info", "event", "note"]
"""``info``: the outcome is unknown, the operation may have been carried out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history; ``at`` in seconds since its beginning, by a monotonic clock."""

    at: float
    operation: int
    """The same in all lines of an operation."""
    phase: Phase
    what: str
    job: str
    data: dict[str, Any]


class History:
    """Kept in memory, and written as JSON lines where it is wanted."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.entries: list[Entry] = []
        self._begun = time.monotonic()
        self._operations = count(1)

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def invoke(self, what: str, job: str = "", **data: Any) -> int:
        """An operation begins; its number."""
        operation = next(self._operations)
        self.add(operation, "invoke", what, job, **data)
        return operation

    def add(self, operation: int, phase: Phase, what: str, job: str = "", **data: Any) -> None:
        """A line."""
        self.entries.append(Entry(self.now(), operation, phase, what, job, data))

    def note(self, what: str, **data: Any) -> None:
        """What was done to the system, between the operations."""
        self.add(0, "note", what, **data)

    def told(self, what: str, phase: Phase = "ok") -> Iterator[Entry]:
        """The answers of one kind to one kind of operation."""
        return (entry for entry in self.entries if (entry.what, entry.phase) == (what, phase))

    def by_job(self) -> dict[str, list[Entry]]:
        """The lines of each job."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.job, []).append(entry)
        return found

    def acknowledged(self) -> dict[str, float]:
        """By job: when its submit was first answered with 202."""
        found: dict[str, float] = {}
        for entry in self.told("submit"):
            found.setdefault(entry.job, entry.at)
        return found

    def followed(self) -> dict[int, list[Entry]]:
        """By follower: the events it received, over all its connections."""
        found: dict[int, list[Entry]] = {}
        for entry in self.told("follow", "event"):
            found.setdefault(entry.operation, []).append(entry)
        return found

    def write(self, path: Path) -> None:
        """As JSON lines, the seed first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [{"seed": self.seed}, *map(asdict, self.entries)]
        path.write_text("".join(json.dumps(line, default=str) + "\n" for line in lines))
