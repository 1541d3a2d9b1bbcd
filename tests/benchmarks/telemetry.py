"""``telemetry``: whether every documented metric moves when everything happens that can."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.architecture.repository import rows, under
from tests.benchmarks.line import Check, Line, Options
from tests.support.documents import events_of, outline
from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import Asked, Reply, ScriptedModel, failure, obedient
from tests.support.servers import running, server_binaries
from tests.support.waiting import eventually

SCRAPE_SECONDS = 0.1
MEMORY = "1gb"
"""Bound of the server: without one, its share in use cannot be told."""
REFUSALS = 5
"""More than a worker repeats within one attempt, fewer than in two."""
ENDING_SECONDS = 40.0
REFUSED, AWAY, ONCE_AWAY, SLOW = "refused", "away", "once-away", "slow"
_SAMPLE = re.compile(r"^(draftline_\w+?)(?:_bucket|_count|_sum)?(?:\{.*\})? ([\d.e+-]+)$", re.MULTILINE)
_METHOD = """\
One run with every service: an outline and a document that complete, one that fails for good, one that is retried, one
that uses up its attempts, one that is cancelled while it runs, a queue that is paused with jobs waiting, and somebody
who watches. Every process is scraped all the while. A metric has moved where a sample of it was not 0 once."""


async def measure(options: Options) -> Line:
    """Metrics of docs/telemetry.md that never moved."""
    text = await asyncio.to_thread((options.root / "docs" / "telemetry.md").read_text, encoding="utf-8")
    documented = [row[0] for row in rows(under(text, "## Metrics"))]
    moved: set[str] = set()
    async with (
        running("valkey9", server_binaries()["valkey9"], *options.server, "--maxmemory", MEMORY) as server,
        ScriptedModel(_Script()) as model,
        fleet(server.url, model.base_url, options.data, DRAFTLINE_BACKOFF_BASE_SECONDS="0.2",
              DRAFTLINE_SAMPLE_SECONDS="0.2",
              DRAFTLINE_MODEL_PRICES='{"scripted": {"prompt": 1, "completion": 2}}') as services,
    ):  # fmt: skip
        await asyncio.gather(*map(services.start, ("gateway", "outline_worker", "document_worker")))
        async with _scraped(services, moved):
            await _everything(services, moved)
    still = [name for name in documented if name not in moved]
    return Line(
        name="telemetry",
        what=f"Documented metrics ({len(documented)}) that one scripted run does not move",
        method=_METHOD + (f"\n\nNever moved: {', '.join(f'`{name}`' for name in still)}." if still else ""),
        checks=[Check("metrics that never moved", len(still), 0, "metrics")],
        figures={"documented": list(documented), "never_moved": list(still)},
        commands=["python -m gateway", "python -m outline_worker", "python -m document_worker"],
    )


class _Script:
    """Answers as the prompt's first word says."""

    def __init__(self) -> None:
        self._refusals = REFUSALS

    def __call__(self, asked: Asked) -> Reply:
        prompt = asked.prompt
        if REFUSED in prompt:
            return failure(400, "no")
        if ONCE_AWAY in prompt and self._refusals:
            self._refusals -= 1
            return failure(503, "gone", retry_after="0")
        if AWAY in prompt and ONCE_AWAY not in prompt:
            return failure(503, "gone", retry_after="0")
        return Reply(text="x", first_token_seconds=60) if SLOW in prompt else obedient(asked)


@asynccontextmanager
async def _scraped(services: Fleet, moved: set[str]) -> AsyncIterator[None]:
    """Look at every process's metrics while the block runs."""
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(_scrape_forever(services, moved))
        yield
        looking.cancel()


async def _scrape_forever(services: Fleet, moved: set[str]) -> None:
    while True:
        for service in services.services:
            for name, value in _SAMPLE.findall(await service.metrics()):
                if float(value):
                    moved.add(name)
        await asyncio.sleep(SCRAPE_SECONDS)


async def _everything(services: Fleet, moved: set[str]) -> None:
    await services.post("/queues/outline/pause")
    for name in ("plain", REFUSED, AWAY, ONCE_AWAY):
        await _submit(services, "outline", name, {"task_prompt": name, "max_attempts": 1 if name == AWAY else 3})
    await _submit(services, "outline", "later", {"task_prompt": "plain", "delay_seconds": 1})
    await _until(lambda: {"draftline_queue_paused", "draftline_queue_oldest_waiting_seconds"} <= moved)
    await services.post("/queues/outline/resume")
    await _submit(services, "document", "text", {"outline": outline(3)})
    await _submit(services, "document", SLOW, {"outline": {**outline(2), "title": SLOW}})
    await events_of(services.api, "text")
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(events_of(services.api, SLOW))
        await _until(lambda: {"draftline_jobs_running", "draftline_sse_connections"} <= moved)
        await services.post(f"/jobs/{SLOW}/cancel")
        await watching
    for name, status in {"plain": "completed", REFUSED: "failed", AWAY: "failed", ONCE_AWAY: "completed",
                         "later": "completed", "text": "completed", SLOW: "cancelled"}.items():  # fmt: skip
        settled = await services.settled(name, ENDING_SECONDS)
        if settled["status"] != status:
            message = f"{name} was to be {status}: {settled}"
            raise RuntimeError(message)
    await services.get("/jobs/text/result?format=html")
    await asyncio.sleep(5 * SCRAPE_SECONDS)


async def _submit(services: Fleet, kind: str, job_id: str, body: dict[str, Any]) -> None:
    answer = await services.post(f"/jobs/{kind}", {"job_id": job_id, **body})
    if answer.status_code != 202:
        message = f"refused: {answer.status_code} {answer.text}"
        raise RuntimeError(message)


async def _until(condition: Callable[[], bool]) -> None:
    await eventually(condition, seconds=ENDING_SECONDS)
