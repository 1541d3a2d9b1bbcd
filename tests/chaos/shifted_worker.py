"""``python -m tests.chaos.shifted_worker <module>``: a worker whose wall clock jumps by an hour every half second.

Monotonic time goes on as it does, as it would on a machine whose clock is set.
"""

import runpy
import sys
from datetime import datetime, timedelta
from itertools import cycle

from shared.lifecycle.clock import SystemClock
from shared.streams import worker

HOURS = (0, -1, 1, -1)
PERIOD_SECONDS = 0.5


class JumpingClock(SystemClock):
    """The machine's clock, set again and again."""

    def __init__(self) -> None:
        self._hours = cycle(HOURS)
        self._shift = timedelta(0)
        self._next = 0.0

    def now(self) -> datetime:
        if self.monotonic() >= self._next:
            self._shift = timedelta(hours=next(self._hours))
            self._next = self.monotonic() + PERIOD_SECONDS
        return super().now() + self._shift


def main() -> None:
    """Run the worker with the other clock."""
    worker.SystemClock = JumpingClock  # type: ignore[attr-defined]
    module = sys.argv[1]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
