"""A master that dies or stalls under load: the Sentinels name another one, and everybody goes there."""

import signal
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest
import redis.asyncio as aioredis

from shared.settings import RedisSettings
from tests.support.gateway import Gateway, gateway_in_loop
from tests.support.problems import problem
from tests.support.replication import SentinelSetup, sentinel_setup
from tests.support.servers import Server
from tests.support.sse import follow
from tests.support.waiting import eventually
from tests.support.workers import Blocking, worker

pytestmark = [pytest.mark.ci, pytest.mark.one_server]

JOBS = "/api/v1/jobs"
RESUMED_SECONDS = 10.0


def _tell(monkeypatch: pytest.MonkeyPatch, setup: SentinelSetup) -> str:
    """Put into the environment what a service has to be told; returns the address."""
    for name, value in setup.environment.items():
        monkeypatch.setenv(name, value)
    return setup.environment["REDIS_URL"]


async def _submit(gateway: Gateway, job_id: str) -> httpx2.Response:
    return await gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "x", "job_id": job_id})


async def _taken(gateway: Gateway, job_id: str) -> bool:
    """Whether the gateway takes the job; if not, it says that it cannot now."""
    answer = await _submit(gateway, job_id)
    if answer.status_code != 202:
        problem(answer, 503, "redis_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code == 202


async def _status(gateway: Gateway, job_id: str) -> str:
    answer = await gateway.client.get(f"{JOBS}/{job_id}")
    return str(answer.json()["status"]) if answer.status_code == 200 else ""


async def _is(gateway: Gateway, job_id: str, status: str) -> bool:
    return await _status(gateway, job_id) == status


async def _command(setup: SentinelSetup, server: Server, *command: Any) -> Any:
    client: Any = aioredis.Redis(port=server.port, password=setup.password or None, socket_timeout=3)
    try:
        return await client.execute_command(*command)
    finally:
        await client.connection_pool.disconnect()


async def _caught_up(setup: SentinelSetup) -> bool:
    master, replica = [await _command(setup, server, "ROLE") for server in setup.servers]
    return bool(master[1] == replica[4])


async def test_killed_master(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With passwords, and with a Sentinel that is away too."""
    handler = Blocking()
    async with sentinel_setup(binary, password="master-secret", sentinel_password="sentinel-secret") as setup:
        url = _tell(monkeypatch, setup)
        async with (
            gateway_in_loop(url) as gateway,
            worker(url, handler, redis=RedisSettings(), lease_seconds=20, poll_seconds=1),
        ):
            assert await _taken(gateway, "job")
            async with follow(gateway.client, "job") as stream:
                await eventually(lambda: handler.running == 1)
                await eventually(lambda: _caught_up(setup))
                await setup.sentinels[0].stop()
                await setup.kill_master()
                killed = monotonic()
                await eventually(lambda: _taken(gateway, "later"), seconds=RESUMED_SECONDS, every=0.1)
                await eventually(lambda: handler.started == 2, seconds=RESUMED_SECONDS)
                assert monotonic() - killed < RESUMED_SECONDS
                handler.free.set()
                told = [(frame.id, frame.event) for frame in await stream.rest()]
            assert told == [("1-0", "queued"), ("2-0", "started"), ("2-1", "completed")]
            await eventually(lambda: _is(gateway, "later", "completed"))
        assert (handler.started, handler.cancelled) == (2, 0)


async def _named_clients(setup: SentinelSetup, server: Server) -> list[str]:
    """Those of ours that a server has."""
    clients = await _command(setup, server, "CLIENT LIST")
    return [client["name"] for client in clients if client["name"].startswith("draftline-")]


async def _deserted(setup: SentinelSetup, server: Server) -> bool:
    return not await _named_clients(setup, server)


async def test_stalled_master_that_wakes_is_left_alone(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections are still open when it wakes: nobody may go on with them."""
    handler = Blocking()
    async with sentinel_setup(binary) as setup:
        url = _tell(monkeypatch, setup)
        stalled = setup.servers[0]
        async with (
            gateway_in_loop(url) as gateway,
            worker(url, handler, redis=RedisSettings(), lease_seconds=20, poll_seconds=1),
        ):
            assert await _taken(gateway, "job")
            await eventually(lambda: handler.running == 1)
            await eventually(lambda: _caught_up(setup))
            assert stalled.process is not None
            stalled.process.send_signal(signal.SIGSTOP)
            promoted = await setup.promoted(other_than=stalled, seconds=10)
            await eventually(lambda: _taken(gateway, "later"), seconds=RESUMED_SECONDS, every=0.1)
            await eventually(lambda: handler.started == 2, seconds=RESUMED_SECONDS)
            stalled.process.send_signal(signal.SIGCONT)
            # Not only when the Sentinels make it a replica: they watch it for eight seconds, and it takes writes.
            await eventually(lambda: _deserted(setup, stalled), seconds=4)
            assert await setup.role(stalled) == "master"
            assert {"draftline-commands", "draftline-blocking"} <= set(await _named_clients(setup, promoted))
            handler.free.set()
            await eventually(lambda: _is(gateway, "job", "completed"))
            await eventually(lambda: _is(gateway, "later", "completed"))
        assert (handler.started, handler.cancelled) == (2, 0)


async def test_wrong_password_of_the_sentinels_is_no_crash(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be put right while the services run; until then they say that they are not ready."""
    async with sentinel_setup(binary, sentinels=1, replicas=0, sentinel_password="right") as setup:
        url = _tell(monkeypatch, setup)
        monkeypatch.setenv("DRAFTLINE_REDIS_SENTINEL_PASSWORD", "wrong")
        async with worker(url, Blocking(), redis=RedisSettings(), poll_seconds=0.1) as at_work:
            await eventually(lambda: at_work.health.readiness() == "Redis does not answer")
            assert not at_work.task.done()
