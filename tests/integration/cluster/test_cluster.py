"""The whole life of jobs that are spread over a Cluster."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.crc import key_slot

from shared.contracts.ids import JobRef
from shared.llm.errors import ModelUnavailableError
from shared.redis.keys import shard_of
from shared.settings import RedisSettings
from shared.streams import Session
from tests.integration.cluster.conftest import SHARDS
from tests.support.cluster import Cluster
from tests.support.gateway import Gateway, gateway_in_loop
from tests.support.problems import problem
from tests.support.sse import all_events, follow_all, stories
from tests.support.waiting import eventually
from tests.support.workers import RESULT, Blocking, succeed, worker

pytestmark = [pytest.mark.ci, pytest.mark.one_server, pytest.mark.xdist_group("cluster cluster")]

API = "/api/v1"


@pytest_asyncio.fixture
async def gateway(nodes: Cluster) -> AsyncIterator[Gateway]:
    async with gateway_in_loop(nodes.url, shards=SHARDS) as started:
        yield started


def names(count: int, prefix: str = "job") -> list[str]:
    """Ids of so many jobs on each shard."""
    found: dict[int, list[str]] = {shard: [] for shard in range(SHARDS)}
    number = 0
    while any(len(each) < count for each in found.values()):
        name = f"{prefix}-{number}"
        number += 1
        found[shard_of(JobRef(name), SHARDS)].append(name)
    return [name for each in found.values() for name in each[:count]]


async def submit(gateway: Gateway, *job_ids: str, **options: Any) -> None:
    for job_id in job_ids:
        body = {"task_prompt": "x", "job_id": job_id, **options}
        answer = await gateway.client.post(f"{API}/jobs/outline", json=body)
        assert answer.status_code == 202, answer.text


async def ended(gateway: Gateway, job_ids: list[str], state: str = "completed") -> bool:
    """Whether all these jobs are in a state."""
    answers = [await gateway.client.get(f"{API}/jobs/{job_id}") for job_id in job_ids]
    return all(answer.status_code == 200 and answer.json()["status"] == state for answer in answers)


async def _all_pages(gateway: Gateway, path: str, **query: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await gateway.client.get(f"{API}{path}", params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [job["job_id"] for job in page["items"]]
        cursor = page["next_cursor"]
    return found


async def test_jobs_lie_on_all_servers(nodes: Cluster, gateway: Gateway) -> None:
    await submit(gateway, *names(2))
    for server in nodes.masters:
        mine = nodes.shards_of(server, SHARDS)
        assert mine
        records = [key for key in await nodes.keys(server) if "}:job:" in key]
        assert len(records) == 2 * len(mine)
        assert all(key.startswith(tuple(f"draftline:{{{shard}}}:" for shard in mine)) for key in records)


async def test_jobs_run_and_are_followed(nodes: Cluster, gateway: Gateway) -> None:
    jobs = names(2)
    async with worker(nodes.url, succeed, redis=RedisSettings()):
        await submit(gateway, jobs[0])
        assert [frame.event for frame in await all_events(gateway.client, jobs[0])] == [
            "queued", "started", "completed",
        ]  # fmt: skip
        await submit(gateway, *jobs[1:])
        async with follow_all(gateway.client, jobs) as stream:
            told = stories(await stream.rest())
    assert told == {job_id: ["1-0", "2-0", "2-1"] for job_id in jobs}
    for job_id in jobs:
        result = await gateway.client.get(f"{API}/jobs/{job_id}/result")
        assert result.json()["done"] is True


async def test_running_jobs_are_cancelled(nodes: Cluster, gateway: Gateway) -> None:
    """The worker hears of it by the control stream of each shard, long before it would renew."""
    handler, jobs = Blocking(), names(1)
    async with worker(nodes.url, handler, redis=RedisSettings(), concurrency=10, lease_seconds=30):
        await submit(gateway, *jobs)
        await eventually(lambda: handler.running == SHARDS)
        answers = [await gateway.client.post(f"{API}/jobs/{job_id}/cancel") for job_id in jobs]
        assert [answer.status_code for answer in answers] == [202] * SHARDS
        await eventually(lambda: ended(gateway, jobs, "cancelled"))
    problem(await gateway.client.get(f"{API}/jobs/{jobs[0]}/result"), 409, "job_cancelled")


async def test_lists_and_statistics_are_of_all_servers(nodes: Cluster, gateway: Gateway) -> None:
    waiting, done = names(3), names(2, "done")
    await submit(gateway, *done)
    async with worker(nodes.url, succeed, redis=RedisSettings()):
        await eventually(lambda: ended(gateway, done))
        workers = (await gateway.client.get(f"{API}/workers")).json()
        assert len(workers["items"] if isinstance(workers, dict) else workers) == 1
    await submit(gateway, *waiting)
    assert await _all_pages(gateway, "/jobs", limit=5) == [*waiting[::-1], *done[::-1]]
    found = (await gateway.client.get(f"{API}/stats")).json()["kinds"]["outline"]
    assert (found["waiting"], found["last_hour"]["completed"]) == (len(waiting), len(done))


async def test_dead_letters_of_all_servers(nodes: Cluster, gateway: Gateway) -> None:
    async def fail_once(session: Session) -> bytes:
        if int(session.claim.run) == 1:
            raise ModelUnavailableError("It is away.")
        return RESULT

    jobs = names(1)
    async with worker(nodes.url, fail_once, redis=RedisSettings()):
        await submit(gateway, *jobs, max_attempts=1)
        await eventually(lambda: ended(gateway, jobs, "failed"))
        assert sorted(await _all_pages(gateway, "/dead-letters", limit=3)) == sorted(jobs)
        assert (await gateway.client.post(f"{API}/dead-letters/requeue")).json() == {"requeued": len(jobs)}
        await eventually(lambda: ended(gateway, jobs))
    assert await _all_pages(gateway, "/dead-letters") == []


async def test_fullest_server_counts(nodes: Cluster, gateway: Gateway) -> None:
    """Nobody chooses where a job goes, so one server that is full refuses for all."""
    full = nodes.masters[-1]
    try:
        await nodes.ask(full, "CONFIG SET", "maxmemory", 1)
        await eventually(lambda: gateway.services.admission.share > 1)
        for job_id in names(1):
            answer = await gateway.client.post(f"{API}/jobs/outline", json={"task_prompt": "x", "job_id": job_id})
            problem(answer, 503, "redis_full")
    finally:
        await nodes.ask(full, "CONFIG SET", "maxmemory", 0)
    await eventually(lambda: gateway.services.admission.share == 0)
    await submit(gateway, *names(1))


async def _submit_while_moving(gateway: Gateway, job_id: str) -> None:
    """Accepted, or refused for now at once."""
    async with asyncio.timeout(5):
        answer = await gateway.client.post(f"{API}/jobs/outline", json={"task_prompt": "x", "job_id": job_id})
    if answer.status_code != 202:
        problem(answer, 503, "redis_unavailable")
        assert int(answer.headers["retry-after"]) >= 1


async def test_slot_that_moves_while_jobs_run(nodes: Cluster, gateway: Gateway) -> None:
    """There and back, each time with a while in which its keys lie on both servers."""
    handler, jobs, later = Blocking(), names(1), names(1, "later")
    moving = shard_of(JobRef(jobs[0]), SHARDS)
    slot, here = key_slot(f"{{{moving}}}".encode()), nodes.holder_of_shard(moving)
    there = next(server for server in nodes.masters if server is not here)
    async with worker(nodes.url, handler, redis=RedisSettings(), concurrency=20, lease_seconds=5, poll_seconds=1):
        await submit(gateway, *jobs)
        await eventually(lambda: handler.running == len(jobs))
        for source, target, name in ((here, there, "on-the-way"), (there, here, "on-the-way-back")):
            job_id = next(each for each in names(1, name) if shard_of(JobRef(each), SHARDS) == moving)
            await nodes.open_slot(slot, source, target)
            await _submit_while_moving(gateway, job_id)
            await submit(gateway, *(each for each in names(1, name) if shard_of(JobRef(each), SHARDS) != moving))
            await nodes.close_slot(slot, source, target)
            assert not any(f"{{{moving}}}" in key for key in await nodes.keys(source))
            await submit(gateway, job_id)
            later += names(1, name)
        await submit(gateway, *names(1, "later"))
        await eventually(lambda: handler.running == len(jobs) + len(later), seconds=10)
        handler.free.set()
        await eventually(lambda: ended(gateway, [*jobs, *later]), seconds=10)
    assert (handler.started, handler.cancelled) == (len(jobs) + len(later), 0)
