"""Redis goes away under a worker and comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.contracts.events import ProgressData
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.usage import Usage
from shared.redis.client import connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from shared.streams import Session
from tests.support.board import KIND, Board
from tests.support.proxy import Proxy, script
from tests.support.servers import Server, running
from tests.support.waiting import eventually
from tests.support.workers import RESULT, Blocking, Running, succeed, worker

AOF = ("--appendonly", "yes", "--appendfsync", "always")


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


async def _ready(running: Running) -> None:
    await eventually(lambda: running.health.readiness() is None)


async def test_server_that_restarts_with_its_log(server: Server) -> None:
    """Nothing acknowledged is lost, and the worker goes on by itself."""
    handler = Blocking()
    async with running(server.name, server.binary, *AOF) as own, connections(_settings(own)) as opened:
        board = Board(opened.commands, Store(opened, 1))
        await board.store.queues.ensure_groups(KIND)
        await board.submit("running")
        async with worker(own.url, handler, concurrency=1, lease_seconds=5) as at_work:
            await eventually(lambda: handler.started == 1)
            await board.submit("waiting")
            await own.stop(signal.SIGKILL)
            await own.start(*AOF)
            handler.free.set()
            await eventually(lambda: board.stands("completed", "running"))
            await eventually(lambda: board.stands("completed", "waiting"))
            await _ready(at_work)
        assert (handler.started, (await board.record("running"))["attempt"]) == (2, "1")


def _settings(server: Server) -> RedisSettings:
    return RedisSettings(url=SecretStr(server.url))


async def test_broken_connections_lose_nothing(board: Board, proxy: Proxy) -> None:
    async def speak(session: Session) -> bytes:
        for number in range(5):
            session.emit(ProgressData(step="s", message="m", percent=number))
            await asyncio.sleep(0.01)
        return RESULT

    async with worker(proxy.url, speak, poll_seconds=0.5, lease_seconds=2) as at_work:
        await _ready(at_work)
        for number in range(10):
            await board.submit(f"job-{number}")
            await asyncio.sleep(0.02)
            proxy.reset()
        await eventually(board.idle, seconds=10)
    for number in range(10):
        events = await board.events(f"job-{number}")
        assert [kind for _, kind, _ in events].count("completed") == 1
        assert events[-1][1] == "completed"
    await board.assert_at_rest()


@pytest.mark.parametrize("name", ["append_events", "finish", "put_artifact"])
async def test_lost_replies_write_once(board: Board, proxy: Proxy, name: str) -> None:
    async def work(session: Session) -> bytes:
        session.emit(ProgressData(step="s", message="m", percent=1))
        session.spend(Usage(llm_calls=1))
        await session.store("part", b"part")
        return RESULT

    async with worker(proxy.url, work) as at_work:
        await _ready(at_work)
        await board.submit("before")
        await eventually(lambda: board.stands("completed", "before"))
        proxy.drop_reply(script(name), times=2)
        await board.submit()
        await eventually(lambda: board.stands("completed"))
    assert proxy.dropped == 2
    assert [kind for _, kind, _ in await board.events()] == ["queued", "started", "progress", "completed"]
    assert Job.from_record(JobRef("job"), await board.record()).usage == Usage(llm_calls=1)


async def test_worker_that_idles_tells_when_redis_is_away(board: Board, proxy: Proxy) -> None:
    async with worker(proxy.url, succeed, poll_seconds=0.1) as at_work:
        await _ready(at_work)
        proxy.cut()
        await eventually(lambda: at_work.health.readiness() == "Redis does not answer")
        assert at_work.health.liveness() is None
        proxy.heal()
        await _ready(at_work)
        await board.submit()
        await eventually(lambda: board.stands("completed"))


async def test_worker_that_is_full_tells_when_redis_is_away(board: Board, proxy: Proxy) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(proxy.url, handler, concurrency=1, poll_seconds=0.1, lease_seconds=3) as at_work:
        await eventually(lambda: handler.started == 1)
        proxy.cut()
        await eventually(lambda: at_work.health.readiness() == "Redis does not answer")
        proxy.heal()
        await _ready(at_work)
        handler.free.set()
        await eventually(lambda: board.stands("completed"))
    assert (await board.record())["attempt"] == "1"


async def test_settling_waits_until_the_server_takes_writes(board: Board, server: Server) -> None:
    """Here for want of a replica; a full disk is refused in the same way."""
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, lease_seconds=10) as at_work:
        await eventually(lambda: handler.started == 1)
        await board.redis.config_set("min-replicas-to-write", 1)
        try:
            handler.free.set()
            await eventually(lambda: handler.running == 0)
            await asyncio.sleep(0.3)
        finally:
            await board.redis.config_set("min-replicas-to-write", 0)
        await eventually(lambda: board.stands("completed"))
        assert not at_work.task.done()
    assert (await board.record())["attempt"] == "1"


async def test_full_server_drops_progress_and_keeps_the_result(board: Board, server: Server) -> None:
    async def speak(session: Session) -> bytes:
        await board.redis.config_set("maxmemory", 1)
        session.emit(ProgressData(step="s", message="m", percent=1))
        await session.store("part", b"part")
        return RESULT

    await board.submit()
    try:
        async with worker(server.url, speak):
            await eventually(lambda: board.stands("completed"))
    finally:
        await board.redis.config_set("maxmemory", 0)
    assert [(entry_id, kind) for entry_id, kind, _ in await board.events()] == [
        ("1-0", "queued"), ("2-0", "started"), ("2-2", "completed"),
    ]  # fmt: skip


async def test_worker_dies_with_its_keeper(board: Board, server: Server) -> None:
    """A worker that cannot renew must not run on: it ends, and its jobs go on elsewhere."""
    handler = Blocking()
    await board.submit()
    with pytest.raises(ExceptionGroup) as ended:
        await _break_keeper(server, handler)
    assert ended.group_contains(AttributeError)
    assert (handler.cancelled, await board.state()) == (1, "running")


async def _break_keeper(server: Server, handler: Blocking) -> None:
    async with worker(server.url, handler) as at_work:
        await eventually(lambda: handler.started == 1)
        keeper: Any = at_work.runtime.keeper
        keeper._held = None
        async with asyncio.timeout(2):
            await asyncio.wait({at_work.task})
