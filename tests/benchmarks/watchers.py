"""``watchers``: from an append to the client, with a thousand jobs that each have somebody watching."""

import asyncio
import json
import re
import sys
from typing import Any

from tests.benchmarks.contenders import process
from tests.benchmarks.figures import cpu_seconds, quantile
from tests.benchmarks.line import Check, Line, Options
from tests.benchmarks.watching import connect, events_path
from tests.support.processes import Fleet, fleet
from tests.support.servers import running, server_binaries
from tests.support.waiting import eventually

MOST_MS = 100.0
JOBS = 1_000
SECONDS, QUICK_SECONDS = 20, 5
ENDING_SECONDS = 60.0
_SENT_AT = re.compile(rb'"text": ?"@(\d+\.\d+)@')
_METHOD = f"""\
{JOBS:,} running jobs, each with one client on one gateway process. A process that holds the jobs appends one event
to each every second (`Attempts.append_events`), at a moment of its own within the second. An event carries the time
just before it was appended; the clients, in the process of the benchmark, take the time when its frame is there.
Every event of every job has to arrive."""


async def measure(options: Options) -> Line:
    """Quantiles of the lag."""
    seconds = QUICK_SECONDS if options.quick else SECONDS
    async with (
        running("valkey9", server_binaries()["valkey9"], *options.server) as server,
        fleet(server.url, "http://127.0.0.1:9/v1", options.data) as services,
    ):
        gateway = await services.start("gateway")
        told = {"REDIS_URL": server.url, "BENCHMARK_JOBS": str(JOBS), "BENCHMARK_SECONDS": str(seconds)}
        command = (sys.executable, "-m", "tests.benchmarks.holder")
        async with process(command, options.root, options.data / "holder.log", told, talks=True) as holder:
            lags, told_by_holder, used = await _watch(services, holder, gateway.process.pid, JOBS * seconds)
    return Line(
        name="watchers",
        what=f"Append to client, {JOBS:,} jobs with one watcher and one event a second each",
        method=_METHOD,
        checks=[
            Check("99th percentile", quantile(lags, 0.99) * 1000, MOST_MS, "ms"),
            Check("median", quantile(lags, 0.5) * 1000, None, "ms"),
            Check("longest", max(lags) * 1000, None, "ms"),
            Check("gateway, share of a core", used / seconds * 100, None, "%"),
        ],
        figures={
            "events": len(lags),
            "lag_ms": {f"p{share}": quantile(lags, share / 100) * 1000 for share in (1, 10, 50, 90, 99, 100)},
            "holder_most_late_ms": told_by_holder["most_late_seconds"] * 1000,
        },
        commands=["python -m gateway", "python -m tests.benchmarks.holder"],
    )


async def _watch(
    services: Fleet, holder: asyncio.subprocess.Process, gateway: int, events: int
) -> tuple[list[float], dict[str, Any], float]:
    assert holder.stdout is not None
    assert holder.stdin is not None
    if await holder.stdout.readline() != b"holding\n":
        message = "the holder could not claim its jobs"
        raise RuntimeError(message)
    lags: list[float] = []

    def take(frame: bytes, now: float) -> None:
        if sent := _SENT_AT.search(frame):
            lags.append(now - float(sent[1]))

    clients = await connect(services.port, [events_path(f"job-{number}") for number in range(JOBS)], take)
    before = cpu_seconds(gateway)
    holder.stdin.write(b"go\n")
    told: dict[str, Any] = json.loads(await holder.stdout.readline())
    await eventually(lambda: len(lags) >= events, ENDING_SECONDS)
    used = cpu_seconds(gateway) - before
    for client in clients:
        client.close()
    return lags, told, used
