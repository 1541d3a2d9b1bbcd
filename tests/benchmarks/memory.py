"""``memory``: what a running job costs in a worker."""

import asyncio

from tests.benchmarks.documents import MANY_CALLS, SECTIONS, Stage, body, stage, submit_all, until_settled
from tests.benchmarks.figures import resident_kib
from tests.benchmarks.line import Check, Line, Options

MOST_KIB = 256.0
JOBS, QUICK_JOBS = 500, 100
LATENCY_SECONDS, WARM_MS = 300.0, 50
QUIET_SECONDS = 5
_METHOD = f"""\
One document worker process runs some documents of {SECTIONS} sections to their end, so that everything is loaded;
its resident memory then is the base. Then it is given the jobs, and when every section of every job waits for the
model (which answers nothing yet, so there is no text), or no more calls come, the memory is read again. The
difference is divided by the jobs: graph state, leases, prompts, and {SECTIONS} open connections to the model a job."""


async def measure(options: Options) -> Line:
    """KiB of a job that waits for the model."""
    jobs = QUICK_JOBS if options.quick else JOBS
    many = {"DRAFTLINE_CONCURRENCY": str(jobs), "DRAFTLINE_MODEL_CONCURRENCY": MANY_CALLS}
    async with stage(options, LATENCY_SECONDS, **many) as ready:
        worker = await ready.fleet.start("document_worker")
        warm = [f"warm-{number}" for number in range(4)]
        await submit_all(ready.fleet, (body(job_id, [WARM_MS] * SECTIONS) for job_id in warm))
        await until_settled(ready, warm)
        await ready.model.reset()
        idle = resident_kib(worker.process.pid)
        await submit_all(ready.fleet, (body(f"waiting-{number}") for number in range(jobs)))
        asking = await _until_all_ask(ready, jobs * SECTIONS)
        busy = resident_kib(worker.process.pid)
    return Line(
        name="memory",
        what="Memory of a running job in a worker",
        method=_METHOD,
        checks=[
            Check(f"a job of {SECTIONS} sections that waits for the model", (busy - idle) / jobs, MOST_KIB, "KiB"),
            Check("the idle worker", idle / 1024, None, "MiB"),
            Check(f"calls at the model at once, of {jobs * SECTIONS:,} wanted", asking, None, "calls"),
        ],
        figures={"jobs": jobs, "idle_kib": idle, "busy_kib": busy, "calls_at_once": asking},
        commands=["python -m document_worker"],
    )


async def _until_all_ask(ready: Stage, wanted: int) -> int:
    """Wait until every section asks, or no more come; returns how many did."""
    seen, quiet = 0, 0
    while seen < wanted and quiet < QUIET_SECONDS:
        await asyncio.sleep(1)
        calls = len((await ready.model.asked()).calls)
        seen, quiet = calls, quiet + 1 if calls == seen else 0
    return seen
