"""Notes when the first and the last of the expected jobs ran. Standard library alone: each peer's Python runs it."""

import json
import os
import time
from pathlib import Path


class Stopwatch:
    """Runs from the first execution until every number has been seen, then writes what it saw to a file."""

    def __init__(self) -> None:
        self._expected = jobs()
        self._figures = Path(os.environ["BENCHMARK_FIGURES"])
        self._seen: set[int] = set()
        self._executions = 0
        self._first = 0.0

    def note(self, number: int) -> None:
        """A job was executed."""
        now = time.perf_counter()
        if not self._seen:
            self._first = now
        self._seen.add(number)
        self._executions += 1
        if len(self._seen) == self._expected:
            self._write(now)

    def _write(self, last: float) -> None:
        found = {"jobs": len(self._seen), "executions": self._executions, "seconds": last - self._first}
        unfinished = self._figures.with_suffix(".part")
        unfinished.write_text(json.dumps(found))
        unfinished.replace(self._figures)


def redis_url() -> str:
    """Where the jobs lie."""
    return os.environ["BENCHMARK_REDIS_URL"]


def jobs() -> int:
    """How many there are."""
    return int(os.environ["BENCHMARK_JOBS"])
