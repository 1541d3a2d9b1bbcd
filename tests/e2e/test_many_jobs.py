"""A thousand jobs at once in two worker processes."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.client import connections
from shared.redis.keys import Keyspace
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.documents import Event, events_of, texts
from tests.support.processes import Fleet, Service, fleet
from tests.support.servers import Server

pytestmark = [pytest.mark.ci, pytest.mark.timeout(120)]

JOBS, SLOTS = 1_000, 500
LATENCY_SECONDS = 1.0
MOST_KIB_A_JOB = 256
KEYS = Keyspace(0)
REPOSITORY = Path(__file__).parents[2]


@pytest_asyncio.fixture
async def slow_model_url() -> AsyncIterator[str]:
    """A model in a process of its own: a thousand connections would hold up the test's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.scripted_model", "--latency", str(LATENCY_SECONDS),
        stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY,
    )  # fmt: skip
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().strip()
    process.kill()
    await process.wait()


@pytest_asyncio.fixture
async def crowd(redis_server: Server, slow_model_url: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    many = {"DRAFTLINE_CONCURRENCY": str(SLOTS), "DRAFTLINE_MODEL_CONCURRENCY": str(SLOTS)}
    async with fleet(redis_server.url, slow_model_url, tmp_path, **many) as started:
        yield started


def _memory_kib(service: Service) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{service.process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


async def _running(service: Service) -> int:
    found = re.search(r'draftline_jobs_running\{kind="document"\} (\d+)', await service.metrics())
    return int(found[1]) if found else 0


async def _submit_all(crowd: Fleet) -> None:
    async with httpx2.AsyncClient(base_url=crowd.api, timeout=30) as client:

        async def some(first: int) -> None:
            for number in range(first, JOBS, 8):
                nodes = [{"title": f"Honey {number}", "summary": "What it is", "target_words": 60}]
                body = {"job_id": f"job-{number}", "outline": {"title": "Bees", "language": "en", "nodes": nodes}}
                assert (await client.post("/jobs/document", json=body)).status_code == 202

        await asyncio.gather(*(some(first) for first in range(8)))


class Watched:
    """The most jobs and the most memory seen of each worker."""

    def __init__(self, workers: list[Service]) -> None:
        self._workers = workers
        self._idle = [_memory_kib(worker) for worker in workers]
        self.running = [0] * len(workers)
        self._memory = list(self._idle)

    async def look(self) -> None:
        for place, worker in enumerate(self._workers):
            self.running[place] = max(self.running[place], await _running(worker))
            self._memory[place] = max(self._memory[place], _memory_kib(worker))

    def kib_a_job(self) -> list[float]:
        return [
            (most - idle) / running for most, idle, running in zip(self._memory, self._idle, self.running, strict=True)
        ]


async def test_a_thousand_jobs_at_once(crowd: Fleet, redis_server: Server) -> None:
    loop = asyncio.get_running_loop()
    _, *workers = await asyncio.gather(*map(crowd.start, ("gateway", "document_worker", "document_worker")))
    await crowd.post("/queues/document/pause")
    await _submit_all(crowd)
    watched = Watched(workers)
    begun = loop.time()
    await crowd.post("/queues/document/resume")
    async with connections(RedisSettings(url=SecretStr(redis_server.url))) as opened:
        commands: Any = opened.commands
        while await commands.xlen(KEYS.requests(JobKind.DOCUMENT, Band.DEFAULT)) + await commands.zcard(
            KEYS.delayed(JobKind.DOCUMENT)
        ):
            await watched.look()
            await asyncio.sleep(0.5)
        print(f"{loop.time() - begun:.1f} s, at once {watched.running}, KiB a job {watched.kib_a_job()}")
        await _check_jobs(crowd, Store(opened, 1))
    assert min(watched.running) > SLOTS / 2
    assert max(watched.kib_a_job()) < MOST_KIB_A_JOB
    for worker in workers:
        log = worker.log.read_text()
        assert [line for line in log.splitlines() if '"event": "lease_' in line] == []


async def _check_jobs(crowd: Fleet, store: Store) -> None:
    """Each ran once and to its end, with every event in its place."""
    workers: set[str] = set()
    for number in range(JOBS):
        ref = JobRef(f"job-{number}")
        record = await store.jobs.record(ref)
        assert (record["state"], record["llm_calls"], record["attempt"]) == ("completed", "1", "1"), record
        workers.add(record["worker"])
        _check_events(await _journal(store, ref))
    assert len(workers) == 2
    for number in range(0, JOBS, 50):
        told = await events_of(crowd.api, f"job-{number}")
        assert [event.id for event in told] == [event.id for event in await _journal(store, JobRef(f"job-{number}"))]


async def _journal(store: Store, ref: JobRef) -> list[Event]:
    entries: Any = await store.connections.commands.xrange(KEYS.events(ref))
    return [Event(name.decode(), fields[b"type"].decode(), json.loads(fields[b"data"])) for name, fields in entries]


def _check_events(events: list[Event]) -> None:
    assert [event.id for event in events[:2]] == ["1-0", "2-0"]
    assert [event.id for event in events[2:]] == [f"2-{number}" for number in range(1, len(events) - 1)]
    kinds = [event.type for event in events]
    assert (kinds[:2], kinds[-1]) == (["queued", "started"], "completed")
    assert (kinds.count("section"), kinds.count("completed"), kinds.count("queued")) == (1, 1, 1)
    assert len(texts(events)["s1"].split()) > 40
