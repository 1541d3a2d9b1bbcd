"""``overhead``: what a document takes beyond its model calls, alone and with 500 at once in one worker process."""

import math
import statistics

from pydantic import JsonValue

from shared.settings import ModelSettings
from tests.benchmarks.documents import (
    MANY_CALLS,
    SECTIONS,
    Stage,
    body,
    longest_chain,
    seconds_between,
    stage,
    submit_all,
    until_settled,
)
from tests.benchmarks.figures import cpu_seconds, quantile
from tests.benchmarks.line import Check, Line, Options

CALL_SECONDS = 1.0
ALONE, QUICK_ALONE = 10, 3
CROWD, QUICK_CROWD = 500, 50
SLOTS: int = ModelSettings.model_fields["model_concurrency"].default
MOST_ALONE, MOST_IN_CROWD = 2.0, 10.0
_METHOD = f"""\
A document of {SECTIONS} sections; each has one model call of {CALL_SECONDS:.0f} s, and all of a document run at
once. The model is a process of its own that only waits and reports its own lateness. The critical path is the
longest chain of calls of one section, as the model saw them begin and end; planning and fusing ask nothing. Alone:
documents one after the other, from the time the gateway accepted one to the time it was completed, both in the
record; the median counts. At once: the queue is paused, all are submitted, the queue is resumed; each job's time
runs from the resuming. The median of the jobs is held against the bar, the slowest is told beside it. One document
worker process, `DRAFTLINE_CONCURRENCY` and `DRAFTLINE_MODEL_CONCURRENCY` above what is asked of it: 500 documents then
ask for 6,000 answers at the same moment. The same once more with {SLOTS} calls at a time, as it is set by default:
there the model's own time is the number of calls by {SLOTS}, and the last job's end is held against it.

Where a bar is missed, the profile (py-spy) shows the price of a call: 3 to 6 ms of the worker's CPU a section, of it
34 % the HTTP client (openai, httpx2, httpcore2, h11), 13 % Redis, the rest LangGraph, checking of citations, and the
loop. Twelve requests leave one after the other and twelve answers come back in the same moment, which is most of what
one document takes beyond its second. 6,000 calls in the same second would have to cost 17 µs each; a Python process
does not do that."""


async def measure(options: Options) -> Line:
    """Overhead in per cent of the critical path."""
    crowd = QUICK_CROWD if options.quick else CROWD
    many = {"DRAFTLINE_CONCURRENCY": str(crowd), "DRAFTLINE_MODEL_CONCURRENCY": MANY_CALLS}
    async with stage(options, CALL_SECONDS, **many) as ready:
        worker = await ready.fleet.start("document_worker")
        alone = await _alone(ready, QUICK_ALONE if options.quick else ALONE)
        options.say(f"overhead: alone {statistics.median(alone):.1f} %")
        before = cpu_seconds(worker.process.pid)
        together, late = await _together(ready, crowd)
        used = cpu_seconds(worker.process.pid) - before
    served = await _served(options, crowd)
    figures: dict[str, JsonValue] = {
        "alone_percent": [float(value) for value in alone],
        "together_percent": [float(value) for value in sorted(together)],
        "together_jobs": crowd,
        "served_percent": served,
        "together_worker_cpu_seconds": used,
        "together_worker_cpu_milliseconds_a_call": used / crowd / SECTIONS * 1000,
        "model_most_late_seconds": late,
    }
    return Line(
        name="overhead",
        what="What a document of twelve sections takes beyond the model's critical path",
        method=_METHOD,
        checks=[
            Check("one job alone, median", statistics.median(alone), MOST_ALONE, "%"),
            Check(f"{crowd} jobs at once, median", statistics.median(together), MOST_IN_CROWD, "%"),
            Check(f"{crowd} jobs at once, 95th percentile", quantile(together, 0.95), None, "%"),
            Check(
                f"{crowd} jobs at once, {SLOTS} model calls at a time (the default), all", served, MOST_IN_CROWD, "%"
            ),
            Check("most the model itself was late", late * 1000, None, "ms"),
        ],
        figures=figures,
        commands=[
            "python -m document_worker",
            f"python -m tests.benchmarks.model_process --latency {CALL_SECONDS:.0f}",
        ],
    )


async def _alone(ready: Stage, times: int) -> list[float]:
    found = []
    for number in range(times + 1):
        job_id = f"alone-{number}"
        await submit_all(ready.fleet, [body(job_id)])
        (record,) = await until_settled(ready, [job_id])
        chain = longest_chain((await ready.model.asked()).of(job_id))
        found.append((seconds_between(record, "created_at", "finished_at") / chain - 1) * 100)
    # The first one pays for what is loaded and connected on first use.
    return found[1:]


async def _served(options: Options, crowd: int) -> float:
    """What a batch takes beyond the model, which answers so many calls at a time and no more."""
    async with stage(options, CALL_SECONDS, DRAFTLINE_CONCURRENCY=str(crowd)) as ready:
        await ready.fleet.start("document_worker")
        last = await _last_end(ready, [f"served-{number}" for number in range(crowd)])
    return (last / (math.ceil(crowd * SECTIONS / SLOTS) * CALL_SECONDS) - 1) * 100


async def _last_end(ready: Stage, job_ids: list[str]) -> float:
    """Seconds until the last of the jobs has ended, all let go at the same moment."""
    await ready.fleet.post("/queues/document/pause")
    await submit_all(ready.fleet, (body(job_id) for job_id in job_ids))
    seconds, microseconds = await ready.redis.time()
    resumed = {"resumed_at": str(seconds * 1000 + microseconds // 1000)}
    await ready.fleet.post("/queues/document/resume")
    settled = await until_settled(ready, job_ids)
    return max(seconds_between(record | resumed, "resumed_at", "finished_at") for record in settled)


async def _together(ready: Stage, crowd: int) -> tuple[list[float], float]:
    job_ids = [f"crowd-{number}" for number in range(crowd)]
    await ready.fleet.post("/queues/document/pause")
    await submit_all(ready.fleet, (body(job_id) for job_id in job_ids))
    await ready.model.reset()
    seconds, microseconds = await ready.redis.time()
    resumed = {"resumed_at": str(seconds * 1000 + microseconds // 1000)}
    await ready.fleet.post("/queues/document/resume")
    settled = await until_settled(ready, job_ids)
    asked = await ready.model.asked()
    found = []
    for job_id, record in zip(job_ids, settled, strict=True):
        chain = longest_chain(asked.of(job_id))
        found.append((seconds_between(record | resumed, "resumed_at", "finished_at") / chain - 1) * 100)
    return found, asked.most_late_seconds
