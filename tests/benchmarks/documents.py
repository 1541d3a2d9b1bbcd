"""Documents of twelve sections, and what their records and the model say about how long they took."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import redis.asyncio as aioredis

from shared.contracts.ids import JobRef
from shared.redis.keys import Keyspace
from tests.benchmarks.line import Options
from tests.benchmarks.model_process import Call
from tests.benchmarks.waiting_model import WaitingModel, waiting_model
from tests.support.processes import Fleet, fleet
from tests.support.servers import running, server_binaries

SECTIONS = 12
WORDS = 60
KEYS = Keyspace(0)
MANY_CALLS = "20000"
"""Model calls at once in one worker: 500 jobs with twelve sections each, and room."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A server, a model that waits, and a gateway; workers are started by who needs them."""

    fleet: Fleet
    model: WaitingModel
    redis: Any


@asynccontextmanager
async def stage(options: Options, latency: float, **settings: str) -> AsyncIterator[Stage]:
    """Everything but the workers, while the block runs."""
    logs = options.data / "logs"
    await asyncio.to_thread(_make, logs)
    async with (
        running("valkey9", server_binaries()["valkey9"], *options.server) as server,
        waiting_model(options, latency) as model,
        fleet(server.url, model.url, logs, **settings) as services,
        aioredis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        await services.start("gateway")
        yield Stage(services, model, client)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def body(job_id: str, takes_ms: Sequence[int] = ()) -> dict[str, Any]:
    """A request for a document whose title is the job's id, so that the model can tell the documents apart."""
    nodes = [
        {
            "title": f"Section {number + 1}",
            "summary": f"takes {takes_ms[number]} ms" if takes_ms else "What there is to say",
            "target_words": WORDS,
        }
        for number in range(SECTIONS)
    ]
    return {"job_id": job_id, "outline": {"title": job_id, "language": "en", "nodes": nodes}}


async def submit_all(services: Fleet, bodies: Iterable[dict[str, Any]], at_once: int = 16) -> None:
    """Send the requests, many at once."""
    waiting = iter(bodies)
    async with httpx2.AsyncClient(base_url=services.api, timeout=60, trust_env=False) as client:

        async def some() -> None:
            for one in waiting:
                answer = await client.post("/jobs/document", json=one)
                if answer.status_code != 202:
                    message = f"refused: {answer.status_code} {answer.text}"
                    raise RuntimeError(message)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(some())


async def records(stage: Stage, job_ids: Sequence[str]) -> list[dict[str, str]]:
    """The jobs' records."""
    async with stage.redis.pipeline(transaction=False) as pipe:
        for job_id in job_ids:
            pipe.hgetall(KEYS.job(JobRef(job_id)))
        found: list[dict[str, str]] = await pipe.execute()
    return found


async def until_settled(stage: Stage, job_ids: Sequence[str], seconds: float = 300) -> list[dict[str, str]]:
    """The records once all jobs have ended; raises RuntimeError where one did not complete."""
    async with asyncio.timeout(seconds):
        while True:
            found = await records(stage, job_ids)
            if all(record.get("finished_at") for record in found):
                break
            await asyncio.sleep(0.2)
    if wrong := [record for record in found if record["state"] != "completed" or record["attempt"] != "1"]:
        message = f"{len(wrong)} jobs did not complete at once, the first: {wrong[0]}"
        raise RuntimeError(message)
    return found


def longest_chain(calls: Iterable[Call]) -> float:
    """Seconds of the model's critical path: sections are written side by side, the calls of one follow each other."""
    chains: dict[str, float] = defaultdict(float)
    for call in calls:
        if call.ended is not None:
            chains[call.section] += call.ended - call.began
    return max(chains.values(), default=0.0)


def seconds_between(record: dict[str, str], first: str, last: str) -> float:
    """Between two times of a record."""
    return (int(record[last]) - int(record[first])) / 1000


def mapped(body: str, family: str) -> dict[str, float]:
    """Sums of a histogram in a page of metrics, by stage."""
    found = {}
    for line in body.splitlines():
        if line.startswith(f"{family}_sum{{"):
            labels, _, value = line.rpartition(" ")
            found[labels.partition('stage="')[2].partition('"')[0]] = float(value)
    return found
