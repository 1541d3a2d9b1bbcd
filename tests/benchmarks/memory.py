"""``memory``: what a running job costs in a worker."""

import asyncio
from dataclasses import asdict, dataclass

from shared.settings import ModelSettings
from tests.benchmarks.documents import MANY_CALLS, SECTIONS, Stage, body, stage, submit_all, until_settled
from tests.benchmarks.figures import resident_kib
from tests.benchmarks.line import Check, Line, Options

MOST_KIB = 256.0
SLOTS: int = ModelSettings.model_fields["model_concurrency"].default
JOBS, QUICK_JOBS = 500, 100
LATENCY_SECONDS, WARM_MS = 300.0, 50
QUIET_SECONDS = 5
_METHOD = f"""\
One document worker process runs some documents of {SECTIONS} sections to their end, so that everything is loaded;
its resident memory then is the base. Then it is given the jobs, and when every section of every job waits for the
model (which answers nothing yet, so there is no text), or no more calls come, the memory is read again. The
difference is divided by the jobs: graph state, leases, prompts, and the open calls. Once as the worker is set by
default, {SLOTS} calls at a time, which is held against the bar; and once with all {SECTIONS} calls of every job open at
the same time, each with a connection and the state of the HTTP client, which are most of it.

Where a bar is missed, tracemalloc shows 24 to 30 KiB for each open call (anyio, httpx2, httpcore2, h11, openai:
locks, headers, scopes), about 110 KiB a job for LangGraph's tasks and configurations, and 12 sections that wait with
their prompts."""


async def measure(options: Options) -> Line:
    """KiB of a job that waits for the model."""
    jobs = QUICK_JOBS if options.quick else JOBS
    usual = await _weigh(options, jobs, {})
    all_open = await _weigh(options, jobs, {"DRAFTLINE_MODEL_CONCURRENCY": MANY_CALLS})
    return Line(
        name="memory",
        what="Memory of a running job in a worker",
        method=_METHOD,
        checks=[
            Check(f"a job of {SECTIONS} sections, {SLOTS} calls at a time", usual.kib_a_job, MOST_KIB, "KiB"),
            Check(f"a job of {SECTIONS} sections, all calls open", all_open.kib_a_job, MOST_KIB, "KiB"),
            Check("the idle worker", usual.idle / 1024, None, "MiB"),
        ],
        figures={"jobs": jobs, "usual": asdict(usual), "all_open": asdict(all_open)},
        commands=["python -m document_worker"],
    )


@dataclass(frozen=True, slots=True)
class Weighed:
    """Resident KiB of a worker without and with its jobs, and how many calls the model saw."""

    jobs: int
    idle: float
    busy: float
    calls: int

    @property
    def kib_a_job(self) -> float:
        return (self.busy - self.idle) / self.jobs


async def _weigh(options: Options, jobs: int, settings: dict[str, str]) -> Weighed:
    async with stage(options, LATENCY_SECONDS, DRAFTLINE_CONCURRENCY=str(jobs), **settings) as ready:
        worker = await ready.fleet.start("document_worker")
        warm = [f"warm-{number}" for number in range(4)]
        await submit_all(ready.fleet, (body(job_id, [WARM_MS] * SECTIONS) for job_id in warm))
        await until_settled(ready, warm)
        await ready.model.reset()
        idle = resident_kib(worker.process.pid)
        await submit_all(ready.fleet, (body(f"waiting-{number}") for number in range(jobs)))
        asking = await _until_all_ask(ready, jobs * SECTIONS)
        return Weighed(jobs, idle, resident_kib(worker.process.pid), asking)


async def _until_all_ask(ready: Stage, wanted: int) -> int:
    """Wait until every section asks, or no more come; returns how many did."""
    seen, quiet = 0, 0
    while seen < wanted and quiet < QUIET_SECONDS:
        await asyncio.sleep(1)
        calls = len((await ready.model.asked()).calls)
        seen, quiet = calls, quiet + 1 if calls == seen else 0
    return seen
