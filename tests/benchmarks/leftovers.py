"""``leftovers``: what is still in Redis when the TTLs of finished jobs have passed."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import redis.asyncio as aioredis
from pydantic import JsonValue

from shared.contracts.ids import DEFAULT_TENANT
from shared.contracts.states import Band, JobKind
from shared.redis.keys import Keyspace
from tests.benchmarks.line import Check, Line, Options
from tests.support.documents import outline
from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import Asked, Reply, ScriptedModel, failure, obedient
from tests.support.servers import running, server_binaries
from tests.support.waiting import eventually

JOBS, QUICK_JOBS = 200, 40
TTL_SECONDS = 2
SWEPT_SECONDS, JOBS_SECONDS = 60.0, 120.0
REFUSED, AWAY = "refused", "away"
KEYS = Keyspace(0)
_METHOD = f"""\
Jobs of both kinds run to their end: most complete, some fail for good, some use up their attempts and become dead
letters, some are cancelled. The three `DRAFTLINE_*_TTL_SECONDS` are {TTL_SECONDS}. When all have ended and the time
has passed, every key is listed. A key belongs to a job where it ends in the job's id; the others belong to the
service and are named. Members of the service's own keys that name a job (index, dead letters) have to be swept
within {SWEPT_SECONDS:.0f} s. The memory of the data set is told before and after; the capped `feed` and the
statistics of the last hour are in it."""


async def measure(options: Options) -> Line:
    """Keys of finished jobs that remain."""
    jobs = QUICK_JOBS if options.quick else JOBS
    ttl = {f"DRAFTLINE_{name}_TTL_SECONDS": str(TTL_SECONDS) for name in ("RESULT", "RECORD", "FAILED")}
    async with (
        running("valkey9", server_binaries()["valkey9"], *options.server) as server,
        ScriptedModel(_script) as model,
        fleet(server.url, model.base_url, options.data, **ttl, DRAFTLINE_BACKOFF_BASE_SECONDS="0.2") as services,
        aioredis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        await asyncio.gather(*map(services.start, ("gateway", "outline_worker", "document_worker")))
        before = await _dataset(client)
        await _run(services, client, jobs)
        most = await _dataset(client)
        await asyncio.sleep(TTL_SECONDS + 1)
        await _until_swept(client)
        keys = [key async for key in client.scan_iter(count=1_000)]
        after, members = await _dataset(client), await _members(client)
    left = [key for key in keys if _job_of(key)]
    service = sorted(set(keys) - set(left))
    figures: dict[str, JsonValue] = {
        "jobs": jobs,
        "left": list(Counter(key.split("}:")[-1].split(":")[0] for key in left)),
        "service_keys": list(service),
        "dataset_bytes": {"before": before, "with_jobs": most, "after": after},
    }
    return Line(
        name="leftovers",
        what=f"What {jobs} finished jobs leave in Redis when their TTLs have passed",
        method=_METHOD + "\n\nThe service's own keys: " + ", ".join(f"`{key}`" for key in service) + ".",
        checks=[
            Check("keys of jobs", len(left), 0, "keys"),
            Check("members of index and dead letters", members, 0, "members"),
            Check("data set, more than before the first job", (after - before) / 1024, None, "KiB"),
        ],
        figures=figures,
        commands=["python -m gateway", "python -m outline_worker", "python -m document_worker"],
    )


def _script(asked: Asked) -> Reply:
    if REFUSED in asked.prompt:
        return failure(400, "no")
    return failure(503, "gone for a while", retry_after="0") if AWAY in asked.prompt else obedient(asked)


def _bodies(jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(jobs):
        job = {"job_id": f"job-{number}"}
        match number % 10:
            case 0:
                yield "outline", {**job, "task_prompt": REFUSED}
            case 1:
                yield "outline", {**job, "task_prompt": AWAY, "max_attempts": 1}
            case 2:
                yield "outline", {**job, "task_prompt": "Later", "delay_seconds": 3_600}
            case 3 | 4:
                yield "document", {**job, "outline": outline(2)}
            case _:
                yield "outline", {**job, "task_prompt": "Bees and honey"}


async def _run(services: Fleet, client: Any, jobs: int) -> None:
    """Submit all, cancel those that are scheduled, wait for the ends. The index tells of expired ones too."""
    async with httpx2.AsyncClient(base_url=services.api, timeout=30, trust_env=False) as http:
        for kind, body in _bodies(jobs):
            answer = await http.post(f"/jobs/{kind}", json=body)
            if answer.status_code != 202:
                message = f"refused: {answer.status_code} {answer.text}"
                raise RuntimeError(message)
            if "delay_seconds" in body:
                await http.post(f"/jobs/{body['job_id']}/cancel")
    waiting = [KEYS.requests(kind, band) for kind in JobKind for band in Band]

    async def ended() -> bool:
        queued = [await client.xlen(key) for key in waiting]
        return not any(queued + [await client.zcard(KEYS.delayed(kind)) for kind in JobKind])

    await eventually(ended, JOBS_SECONDS, 0.1)


async def _members(client: Any) -> int:
    dead: list[int] = [await client.zcard(KEYS.dead(kind, band)) for kind in JobKind for band in Band]
    return int(await client.zcard(KEYS.index(DEFAULT_TENANT))) + sum(dead)


async def _until_swept(client: Any) -> None:
    async def swept() -> bool:
        return await _members(client) == 0

    # What is never swept is told in the figures.
    with contextlib.suppress(AssertionError):
        await eventually(swept, SWEPT_SECONDS, 0.5)


async def _dataset(client: Any) -> int:
    return int((await client.info("memory"))["used_memory_dataset"])


def _job_of(key: str) -> str | None:
    """The job a key belongs to, by its end."""
    name = key.rpartition(":")[2]
    return name if name.startswith(f"{DEFAULT_TENANT}/") else None
