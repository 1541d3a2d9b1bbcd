"""A Redis that fills up: new jobs are refused while there is still room for those that are there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.dependencies import Services
from gateway.parts.admission import KEEPS_ALL
from shared.redis.client import Connections
from shared.streams import Session
from tests.support.gateway import Gateway, gateway_in_loop
from tests.support.problems import problem
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import RESULT, worker

JOBS = "/api/v1/jobs"
MIB = 1 << 20


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


@asynccontextmanager
async def _configured(redis: Any, **options: Any) -> AsyncIterator[None]:
    before = {name: (await redis.config_get(name))[name] for name in (each.replace("_", "-") for each in options)}
    try:
        for name, value in options.items():
            await redis.config_set(name.replace("_", "-"), value)
        yield
    finally:
        for name, value in before.items():
            await redis.config_set(name, value)


@pytest_asyncio.fixture
async def roomy(redis: Any) -> AsyncIterator[int]:
    """A limit with room for some twenty large requests, in bytes."""
    limit = 4 * (await redis.info("memory"))["used_memory"] + 24 * MIB
    async with _configured(redis, maxmemory=limit, maxmemory_policy=KEEPS_ALL):
        yield limit


async def _submit(gateway: Gateway, job_id: str, size: int = 0) -> httpx2.Response:
    body = {"task_prompt": "x", "job_id": job_id, "context_files": {"file": "x" * size} if size else {}}
    return await gateway.client.post(f"{JOBS}/outline", json=body)


def _measured(gateway: Gateway) -> bool:
    return gateway.services.admission.share > 0


async def _share(redis: Any) -> float:
    found = await redis.info("memory")
    return float(found["used_memory"] / found["maxmemory"])


async def _safe(redis: Any) -> bool:
    return await _share(redis) < 0.8


async def _filled(gateway: Gateway, size: int) -> tuple[list[str], httpx2.Response]:
    """Submit until one is refused; the ids of those that were taken, and the refusal."""
    taken: list[str] = []
    while (answer := await _submit(gateway, f"job-{len(taken)}", size)).status_code == 202:
        taken.append(f"job-{len(taken)}")
        assert len(taken) < 100
    return taken, answer


async def test_new_jobs_are_refused_before_redis_is_full(
    gateway: Gateway, redis: Any, roomy: int, one_server: Server
) -> None:
    await eventually(lambda: _measured(gateway))
    taken, refused = await _filled(gateway, MIB)
    assert taken
    problem(refused, 503, "redis_full")
    assert 30 <= int(refused.headers["retry-after"]) <= 61
    assert await _share(redis) > 0.4
    await eventually(lambda: _safe(redis))
    repeated = await _submit(gateway, taken[0], MIB)
    assert (repeated.status_code, repeated.headers.get("idempotent-replayed")) == (202, "true")
    assert (await gateway.client.get(f"{JOBS}/{taken[0]}")).status_code == 200
    problem(await _submit(gateway, taken[0], 5), 409, "job_id_conflict")
    await gateway.client.post(f"{JOBS}/{taken[0]}/cancel")


async def test_running_jobs_finish_where_redis_is_over_its_limit(
    gateway: Gateway, redis: Any, one_server: Server
) -> None:
    """Even beyond it: only what would add jobs is refused."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def work(session: Session) -> bytes:
        started.set()
        await go_on.wait()
        await session.store("part", b"x" * MIB)
        return RESULT

    assert (await _submit(gateway, "job")).status_code == 202
    async with worker(one_server.url, work, lease_seconds=1, poll_seconds=0.5):
        await started.wait()
        used = (await redis.info("memory"))["used_memory"]
        async with _configured(redis, maxmemory=used // 2, maxmemory_policy=KEEPS_ALL):
            await eventually(lambda: gateway.services.admission.share > 1)
            problem(await _submit(gateway, "new"), 503, "redis_full")
            go_on.set()
            await eventually(lambda: _completed(gateway))
            result = await gateway.client.get(f"{JOBS}/job/result")
            assert result.json()["done"] is True
        await eventually(lambda: not _measured(gateway))
        assert (await _submit(gateway, "new")).status_code == 202
        await eventually(lambda: _completed(gateway, "new"))


async def _completed(gateway: Gateway, job_id: str = "job") -> bool:
    return bool((await gateway.client.get(f"{JOBS}/{job_id}")).json()["status"] == "completed")


async def test_requests_between_two_samples_are_counted(one_server: Server, redis: Any, roomy: int) -> None:
    """All at once: Redis is asked how full it is before the first of them only."""

    def sample_once(services: Services) -> Services:
        services.admission.sample_seconds = 3_600.0
        return services

    async with gateway_in_loop(one_server.url, change=sample_once) as gateway:
        await eventually(lambda: _measured(gateway))
        answers = await asyncio.gather(*(_submit(gateway, f"job-{number}", 2 * MIB) for number in range(24)))
        codes = [answer.status_code for answer in answers]
        assert set(codes) == {202, 503}
        # What clients send is held twice for a moment.
        await eventually(lambda: _safe(redis))
        # One that still fits is taken.
        assert (await _submit(gateway, "small")).status_code == 202


async def test_refused_clients_come_back_at_different_times(gateway: Gateway, redis: Any) -> None:
    used = (await redis.info("memory"))["used_memory"]
    async with _configured(redis, maxmemory=used * 11 // 10, maxmemory_policy=KEEPS_ALL):
        await eventually(lambda: _measured(gateway))
        refused = await asyncio.gather(*(_submit(gateway, f"job-{number}") for number in range(60)))
    assert {answer.status_code for answer in refused} == {503}
    assert len({answer.headers["retry-after"] for answer in refused}) > 10


async def test_policy_that_evicts_is_told_of_once(one_server: Server, redis: Any, roomy: int) -> None:
    with capture_logs() as logs:
        async with _configured(redis, maxmemory_policy="allkeys-lru"), gateway_in_loop(one_server.url) as gateway:
            await eventually(lambda: _measured(gateway))
            await gateway.services.admission._sample()
    told = [entry for entry in logs if entry["event"] == "redis_may_evict_jobs"]
    assert [(entry["log_level"], entry["policy"]) for entry in told] == [("warning", ["allkeys-lru"])]


async def test_without_a_limit_nobody_is_refused(gateway: Gateway, redis: Any) -> None:
    async with _configured(redis, maxmemory=0):
        await gateway.services.admission._sample()
        assert gateway.services.admission.share == 0
        gateway.services.admission.check(1 << 50)
        assert (await _submit(gateway, "job")).status_code == 202


async def test_percentage_is_a_setting(one_server: Server, redis: Any, roomy: int) -> None:
    async with gateway_in_loop(one_server.url, admission_memory_percent=30) as gateway:
        await eventually(lambda: _measured(gateway))
        _, refused = await _filled(gateway, MIB)
        problem(refused, 503, "redis_full")
        assert 0.15 < await _share(redis) < 0.35
