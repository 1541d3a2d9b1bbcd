"""``life``: the full life of an empty job through one worker process, against the others draining a no-op."""

import asyncio
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis.asyncio as aioredis
from pydantic import JsonValue

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.keys import Keyspace
from tests.benchmarks.contenders import (
    CONTENDER_SECONDS,
    PEERS,
    THEM,
    Peer,
    printed_seconds,
    process,
    programs,
)
from tests.benchmarks.line import Bar, Check, Line, Options
from tests.support.servers import Server, free_port, running, server_binaries
from tests.support.waiting import eventually

OURS = "draftline"
JOBS, QUICK_JOBS = 10_000, 2_000
ROUNDS, QUICK_ROUNDS = 3, 1
LEAST_RATIO = 1.5
LOOK_SECONDS = 0.005
KEYS = Keyspace(0)
_METHOD = """\
Each contender enqueues all jobs with no worker running, then one worker process drains them; a fresh server each time,
the contenders take turns, the median of the rounds counts. For the others the clock runs from the first to the last
execution as the task itself notes them: what follows the last execution is a present to them. For Draftline it runs
from the first call of the handler until the request stream is empty, that is until `completed` and the result of every
job are stored. The task of the others takes the number of the job, so that it can be told that each ran; ours returns
`{}`. Settings of the others are the fastest documented ones that were found; each script in `tests/benchmarks/peers`
says what was tried. None but SAQ stores results. All log from the level warning up."""


@dataclass(frozen=True, slots=True)
class Run:
    """One contender, once."""

    enqueue_seconds: float
    drain_seconds: float
    server_seconds: float
    """CPU of the server while the jobs were drained."""
    executions: int


async def measure(options: Options) -> Line:
    """Drain rates of everyone, side by side."""
    jobs = QUICK_JOBS if options.quick else JOBS
    folders = {peer.name: await asyncio.to_thread(programs, peer, options) for peer in THEM}
    runs: dict[str, list[Run]] = {name: [] for name in (OURS, *folders)}
    for number in range(QUICK_ROUNDS if options.quick else ROUNDS):
        for name, found in runs.items():
            peer = next((peer for peer in THEM if peer.name == name), None)
            found.append(await _once(options, jobs, peer, folders.get(name)))
            options.say(f"life: round {number + 1}, {name}: {(jobs - 1) / found[-1].drain_seconds:,.0f} jobs/s drained")
    return _line(jobs, runs)


async def _once(options: Options, jobs: int, peer: Peer | None, folder: Path | None) -> Run:
    with tempfile.TemporaryDirectory(prefix="draftline-life-") as name:
        async with running("valkey9", server_binaries()["valkey9"], *options.server) as server:
            figures = Path(name) / "figures.json"
            if peer is None or folder is None:
                return await _ours(options, jobs, server, figures)
            return await _theirs(options, jobs, server, figures, peer, folder)


async def _theirs(options: Options, jobs: int, server: Server, figures: Path, peer: Peer, folder: Path) -> Run:
    told = {"BENCHMARK_JOBS": str(jobs), "BENCHMARK_FIGURES": str(figures), "BENCHMARK_REDIS_URL": server.url}
    log = options.data / f"{peer.name}.log"
    # The Python path of a checkout would show them our packages instead of theirs.
    told |= {**peer.environment, "PYTHONPATH": str(PEERS)}
    seconds = await printed_seconds((folder / "python", peer.script), PEERS, log, told)
    before = await _server_seconds(server)
    program, *arguments = peer.worker
    async with process((folder / program, *arguments), PEERS, log, told) as worker:
        async with asyncio.timeout(CONTENDER_SECONDS):
            while not await asyncio.to_thread(figures.exists):
                if worker.returncode is not None:
                    message = f"the worker of {peer.name} ended, see {log}"
                    raise RuntimeError(message)
                await asyncio.sleep(0.05)
    found = json.loads(await asyncio.to_thread(figures.read_text))
    if found["jobs"] != jobs:
        message = f"{peer.name} ran {found['jobs']} of {jobs} jobs"
        raise RuntimeError(message)
    return Run(seconds, found["seconds"], await _server_seconds(server) - before, found["executions"])


async def _ours(options: Options, jobs: int, server: Server, figures: Path) -> Run:
    told = {
        "REDIS_URL": server.url,
        "BENCHMARK_JOBS": str(jobs),
        "BENCHMARK_FIGURES": str(figures),
        "DRAFTLINE_METRICS_PORT": str(free_port()),
        "DRAFTLINE_LOG_LEVEL": "warning",
    }
    log = options.data / "draftline.log"
    python = (sys.executable, "-m")
    seconds = await printed_seconds((*python, "tests.benchmarks.producer"), options.root, log, told)
    before = await _server_seconds(server)
    async with process((*python, "tests.benchmarks.empty_worker"), options.root, log, told) as worker:
        ended = await _drained(server)
        after = await _server_seconds(server)
        worker.send_signal(signal.SIGTERM)
        await worker.wait()
    found = json.loads(await asyncio.to_thread(figures.read_text))
    await _check(server, jobs, found)
    return Run(seconds, ended - found["first"], after - before, found["calls"])


async def _drained(server: Server) -> float:
    """When the request stream was empty: every job is settled then."""
    stream = KEYS.requests(JobKind.OUTLINE, Band.DEFAULT)
    async with aioredis.Redis.from_url(server.url) as client:

        async def empty() -> bool:
            return not await client.xlen(stream)

        await eventually(empty, CONTENDER_SECONDS, LOOK_SECONDS)
    return time.perf_counter()


async def _check(server: Server, jobs: int, found: dict[str, Any]) -> None:
    """Every job has run once, is completed, and has its result."""
    refs = [JobRef(f"job-{number}") for number in range(jobs)]
    async with aioredis.Redis.from_url(server.url) as client, client.pipeline(transaction=False) as pipe:
        for ref in refs:
            pipe.hget(KEYS.job(ref), "state")
            pipe.exists(KEYS.result(ref))
        told = await pipe.execute()
    if found["calls"] != jobs or set(told[::2]) != {b"completed"} or set(told[1::2]) != {1}:
        message = f"not every job ran once and was completed: {found['calls']} calls, states {set(told[::2])}"
        raise RuntimeError(message)


async def _server_seconds(server: Server) -> float:
    async with aioredis.Redis.from_url(server.url) as client:
        used = await client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def _line(jobs: int, runs: dict[str, list[Run]]) -> Line:
    drain, enqueue, whole = _rates(jobs, runs)
    them = [name for name in runs if name != OURS]
    fastest, quickest = max(them, key=lambda name: drain[name]), max(them, key=lambda name: whole[name])
    ratio = drain[OURS] / drain[fastest]
    rates: dict[str, JsonValue] = {
        name: {
            "drain_jobs_per_second": drain[name],
            "enqueue_jobs_per_second": enqueue[name],
            "enqueue_and_drain_jobs_per_second": whole[name],
            "server_microseconds_per_job": statistics.median(run.server_seconds for run in found) / jobs * 1e6,
            "runs": [asdict(run) for run in found],
        }
        for name, found in runs.items()
    }
    return Line(
        name="life",
        what="Full life of an empty job through one worker process",
        method=_METHOD,
        checks=[
            Check(f"drain, times the fastest other ({fastest})", ratio, LEAST_RATIO, "×", at_least=True),
            Check(f"enqueue and drain, times the fastest other ({quickest})", whole[OURS] / whole[quickest], None, "×"),
            *(
                Check(f"{name}, drain (enqueues {enqueue[name]:,.0f}/s)", rate, None, "jobs/s")
                for name, rate in drain.items()
            ),
        ],
        figures={"jobs": jobs, "rates": rates},
        commands=["python -m tests.benchmarks.empty_worker", *(peer.command for peer in THEM)],
        bars=[Bar(name, rate, name == OURS) for name, rate in drain.items()],
    )


def _rates(jobs: int, runs: dict[str, list[Run]]) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Jobs a second of each contender, medians: drained, enqueued, both one after the other."""

    def of(count: int, seconds: Callable[[Run], float]) -> dict[str, float]:
        return {name: count / statistics.median(map(seconds, found)) for name, found in runs.items()}

    return (
        # From the first to the last execution there is one interval fewer than there are jobs.
        of(jobs - 1, lambda run: run.drain_seconds),
        of(jobs, lambda run: run.enqueue_seconds),
        of(jobs, lambda run: run.enqueue_seconds + run.drain_seconds),
    )
