"""``sections``: whether the sections of a document are written side by side."""

import statistics

from pydantic import JsonValue

from tests.benchmarks.documents import (
    MANY_CALLS,
    SECTIONS,
    body,
    longest_chain,
    mapped,
    seconds_between,
    stage,
    submit_all,
    until_settled,
)
from tests.benchmarks.line import Check, Line, Options

MOST_RATIO = 1.3
TIMES, QUICK_TIMES = 5, 2
LATENCIES_MS = [400 + 100 * number for number in range(SECTIONS)]
FUSING = ("collect", "fuse", "references")
_METHOD = f"""\
A document of {SECTIONS} sections whose model calls take {LATENCIES_MS[0]} to {LATENCIES_MS[-1]} ms. Planning and
fusing are measured by the worker itself (`draftline_stage_duration_seconds`: `split`; `collect`, `fuse` and
`references`), the longest chain at the model. The document's time runs from `started_at` to `finished_at` of its
record; the median of several documents, one after the other. Written one after the other, the calls alone would
take {sum(LATENCIES_MS) / 1000:.1f} s."""


async def measure(options: Options) -> Line:
    """The document's time over plan, longest chain and fuse."""
    times = QUICK_TIMES if options.quick else TIMES
    found: list[dict[str, float]] = []
    async with stage(options, latency=1.0, DRAFTLINE_MODEL_CONCURRENCY=MANY_CALLS) as ready:
        worker = await ready.fleet.start("document_worker")
        for number in range(times + 1):
            before = mapped(await worker.metrics(), "draftline_stage_duration_seconds")
            job_id = f"document-{number}"
            await submit_all(ready.fleet, [body(job_id, LATENCIES_MS)])
            (record,) = await until_settled(ready, [job_id])
            after = mapped(await worker.metrics(), "draftline_stage_duration_seconds")
            spent = {name: value - before.get(name, 0.0) for name, value in after.items()}
            chain = longest_chain((await ready.model.asked()).of(job_id))
            least = spent["split"] + chain + sum(spent[name] for name in FUSING)
            taken = seconds_between(record, "started_at", "finished_at")
            found.append({"document": taken, "plan": spent["split"], "chain": chain, "least": least})
    # The first one pays for what is loaded and connected on first use.
    ratios = [run["document"] / run["least"] for run in found[1:]]
    figures: dict[str, JsonValue] = {"ratios": list(ratios), "runs": [dict(run) for run in found[1:]]}
    return Line(
        name="sections",
        what="A document's time over plan + longest chain of calls + fuse",
        method=_METHOD,
        checks=[Check("document over its necessary steps, median", statistics.median(ratios), MOST_RATIO, "×")],
        figures=figures,
        commands=["python -m document_worker"],
    )
