"""A worker whose handler does nothing: ``python -m tests.benchmarks.empty_worker``, settings from the environment.

The real ``run_worker`` on the loop the services use. At its end it writes when the first job came and how many did.
"""

import json
import os
import time
from pathlib import Path

import uvloop

from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.lifecycle.supervisor import Drain, run_service
from shared.redis.store import Store
from shared.streams import Handler, Session, run_worker


class Empty:
    """Notes its first call, and counts."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.calls = 0

    async def __call__(self, _session: Session) -> bytes:
        if self.first is None:
            self.first = time.perf_counter()
        self.calls += 1
        return b"{}"


async def _main(drain: Drain) -> None:
    empty = Empty()

    def build(store: Store, _clock: Clock) -> Handler:
        return empty

    await run_worker(JobKind.OUTLINE, int(os.environ["DRAFTLINE_METRICS_PORT"]), build, drain)
    _write({"first": empty.first, "calls": empty.calls})


def _write(figures: dict[str, float | None]) -> None:
    Path(os.environ["BENCHMARK_FIGURES"]).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    run_service("empty worker", _main, uvloop.new_event_loop)
