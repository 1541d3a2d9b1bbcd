"""``started``: from sending a job to the ``started`` frame, on an idle system."""

import asyncio
import json
import time

from tests.benchmarks.figures import quantile
from tests.benchmarks.line import Check, Line, Options
from tests.benchmarks.watching import events_path
from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import ScriptedModel
from tests.support.servers import running, server_binaries

MEDIAN_MS, P95_MS = 5.0, 15.0
TIMES, QUICK_TIMES = 200, 40
WARM_TIMES = 10
PAUSE_SECONDS = 0.05
JOB_SECONDS = 30.0
_METHOD = """\
A gateway, an outline worker, a model that answers at once, and nothing else to do. The client holds two connections; on
one it sends `POST /jobs/outline` with a `job_id` of its own, and when the 202 is there it asks for the job's events on
the other. The time runs from before the POST is written to the moment the frame of `started` is read. The job is
followed to its end, then there is a pause before the next one."""


async def measure(options: Options) -> Line:
    """Quantiles of the time to ``started``."""
    times = QUICK_TIMES if options.quick else TIMES
    async with (
        running("valkey9", server_binaries()["valkey9"], *options.server) as server,
        ScriptedModel() as model,
        fleet(server.url, model.base_url, options.data) as services,
    ):
        await asyncio.gather(services.start("gateway"), services.start("outline_worker"))
        found = [await _once(services, number) for number in range(WARM_TIMES + times)][WARM_TIMES:]
    accepted = [times[0] * 1000 for times in found]
    started = [times[1] * 1000 for times in found]
    return Line(
        name="started",
        what="POST to the `started` frame at an SSE client, idle system",
        method=_METHOD,
        checks=[
            Check("median", quantile(started, 0.5), MEDIAN_MS, "ms"),
            Check("95th percentile", quantile(started, 0.95), P95_MS, "ms"),
            Check("of it until the 202, median", quantile(accepted, 0.5), None, "ms"),
        ],
        figures={"started_ms": [round(value, 3) for value in started], "accepted_ms": [round(v, 3) for v in accepted]},
        commands=["python -m gateway", "python -m outline_worker"],
    )


async def _once(services: Fleet, number: int) -> tuple[float, float]:
    """Seconds to the 202 and to ``started``."""
    job_id = f"job-{number}"
    body = json.dumps({"job_id": job_id, "task_prompt": "Bees and honey"}).encode()
    post = _head("POST", "/api/v1/jobs/outline") + b"content-type: application/json\r\n"
    post += b"content-length: %d\r\n\r\n%s" % (len(body), body)
    watch = _head("GET", events_path(job_id)) + b"\r\n"
    sending, sender = await asyncio.open_connection("127.0.0.1", services.port)
    watching, watcher = await asyncio.open_connection("127.0.0.1", services.port)
    await asyncio.sleep(PAUSE_SECONDS)
    try:
        async with asyncio.timeout(JOB_SECONDS):
            begun = time.perf_counter()
            sender.write(post)
            status = await sending.readline()
            accepted = time.perf_counter()
            if b" 202 " not in status:
                message = f"refused: {status!r}"
                raise RuntimeError(message)
            watcher.write(watch)
            await watching.readuntil(b"\nevent: started\n")
            await watching.readuntil(b"\n\n")
            started = time.perf_counter()
            await watching.readuntil(b"\nevent: completed\n")
    finally:
        sender.close()
        watcher.close()
    return accepted - begun, started - begun


def _head(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode()
