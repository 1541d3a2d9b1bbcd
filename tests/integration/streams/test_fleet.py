"""The registry of workers, and the orders that they are given."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared import __version__
from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.contracts.workers import Order, WorkerRecord
from shared.lifecycle.supervisor import RESTART_EXIT_STATUS
from shared.redis.client import Connections, connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.board import KEYS, KIND, Board
from tests.support.proxy import Proxy
from tests.support.servers import Server, running
from tests.support.waiting import eventually
from tests.support.workers import LEASE_SECONDS, Blocking, Running, succeed, worker


class Fleet:
    """What operators see and say."""

    def __init__(self, opened: Connections) -> None:
        self._store = Store(opened, 1)

    async def workers(self) -> dict[str, WorkerRecord]:
        return {each.id: each for each in await self._store.workers.living()}

    async def names(self) -> set[str]:
        return set(await self.workers())

    async def lives(self, name: str = "worker") -> bool:
        return name in await self.workers()

    async def draining(self, name: str = "worker") -> bool:
        found = await self.workers()
        return name in found and found[name].draining

    async def order(self, order: Order, name: str = "", kind: JobKind = KIND) -> list[str]:
        return await self._store.workers.instruct(kind, order, name)


@pytest.fixture
def fleet(redis_connections: Connections) -> Fleet:
    return Fleet(redis_connections)


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


async def _ready(running: Running) -> None:
    await eventually(lambda: running.health.readiness() is None)


async def test_worker_is_listed_within_a_second(board: Board, server: Server, fleet: Fleet) -> None:
    handler = Blocking()
    for number in range(3):
        await board.submit(f"job-{number}")
    async with worker(server.url, handler, concurrency=2):
        await eventually(fleet.lives, seconds=1)
        await eventually(lambda: handler.started == 2)

        async def tells() -> bool:
            return len((await fleet.workers())["worker"].running) == 2

        await eventually(tells, seconds=LEASE_SECONDS)
        found = (await fleet.workers())["worker"]
        assert (found.kind, found.slots, found.draining) == (KIND, 2, False)
        assert set(found.running) == {"job-0", "job-1"}
        assert (found.host, found.version) == (socket.gethostname(), __version__)
        assert abs(found.heartbeat_at.timestamp() * 1000 - await board.now()) < 1_000
        assert found.started_at <= found.heartbeat_at
        handler.free.set()
        await eventually(board.idle)


async def test_drained_worker_takes_nothing_new_and_ends_what_runs(board: Board, server: Server, fleet: Fleet) -> None:
    handler = Blocking()
    await board.submit("first")
    async with worker(server.url, handler, lease_seconds=30) as running:
        await eventually(lambda: handler.started == 1)
        assert await fleet.order(Order.DRAIN, "worker") == ["worker"]
        await eventually(lambda: running.health.readiness() == "draining", seconds=1)
        await eventually(fleet.draining, seconds=1)
        await board.submit("second", priority=9)
        handler.free.set()
        await eventually(lambda: board.stands("completed", "first"))
        await asyncio.sleep(0.3)
        assert (await board.state("second"), handler.started) == ("queued", 1)
        assert not running.task.done()
        await fleet.order(Order.WORK, "worker")
        await eventually(lambda: board.stands("completed", "second"), seconds=1)
        assert running.health.readiness() is None
        assert not await fleet.draining()


async def test_orders_are_followed_by_those_they_are_meant_for(board: Board, server: Server, fleet: Fleet) -> None:
    handler = Blocking()
    async with worker(server.url, handler, "one", concurrency=1) as one, worker(server.url, handler, "two") as two:
        await eventually(lambda: _both(fleet))
        await _ready(one)
        await _ready(two)
        assert await fleet.order(Order.DRAIN, kind=JobKind.DOCUMENT) == []
        assert await fleet.order(Order.DRAIN, "nobody") == []
        assert await fleet.order(Order.DRAIN, "one") == ["one"]
        await eventually(lambda: fleet.draining("one"), seconds=1)
        await board.submit("first")
        await eventually(lambda: board.stands("running", "first"), seconds=1)
        assert ((await board.record("first"))["worker"], await fleet.draining("two")) == ("two", False)
        assert set(await fleet.order(Order.DRAIN)) == {"one", "two"}
        await eventually(lambda: fleet.draining("two"), seconds=1)
        await board.submit("second")
        await asyncio.sleep(0.2)
        assert await board.state("second") == "queued"
        await fleet.order(Order.WORK)
        await eventually(lambda: board.stands("running", "second"), seconds=1)
        handler.free.set()


async def _both(fleet: Fleet) -> bool:
    return await fleet.names() == {"one", "two"}


async def test_the_last_order_counts(board: Board, server: Server, fleet: Fleet) -> None:
    await board.submit()
    async with worker(server.url, succeed, lease_seconds=30) as running:
        await eventually(lambda: board.stands("completed"))
        for _ in range(20):
            for order in (Order.DRAIN, Order.WORK):
                await fleet.order(order)
        await board.submit("next")
        await eventually(lambda: board.stands("completed", "next"), seconds=1)
        for order in (Order.WORK, Order.DRAIN):
            await fleet.order(order)
        await eventually(lambda: running.health.readiness() == "draining", seconds=1)


async def test_shutdown_lets_jobs_end_within_the_grace_time(board: Board, server: Server, fleet: Fleet) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, lease_seconds=30) as running:
        await eventually(lambda: handler.started == 1)
        await fleet.order(Order.SHUTDOWN, "worker")
        await eventually(lambda: running.health.readiness() == "draining", seconds=1)
        await eventually(fleet.draining, seconds=1)
        await board.submit("late")
        handler.free.set()
        await eventually(running.task.done, seconds=1)
        assert not await fleet.lives()
        assert running.drain.exit_status == 0
    assert (await board.state(), await board.state("late")) == ("completed", "queued")


@pytest.mark.parametrize(("order", "status"), [(Order.SHUTDOWN, 0), (Order.RESTART, RESTART_EXIT_STATUS)])
async def test_what_does_not_end_in_time_goes_on_elsewhere_within_two_seconds(
    board: Board, server: Server, fleet: Fleet, order: Order, status: int
) -> None:
    first, second = Blocking(), Blocking()
    second.free.set()
    await board.submit(max_attempts=1)
    async with worker(server.url, first, "first", lease_seconds=30, grace_seconds=0.1) as ordered:
        await eventually(lambda: first.started == 1)
        async with worker(server.url, second, "second", lease_seconds=30):
            await eventually(lambda: fleet.lives("first"))
            assert await fleet.order(order, "first") == ["first"]
            await eventually(lambda: board.stands("completed"), seconds=2)
            await eventually(ordered.task.done, seconds=0.5)
            assert (await fleet.names(), ordered.drain.exit_status) == ({"second"}, status)
    assert (await board.record()).items() >= {"attempt": "1", "worker": "second"}.items()


async def test_a_signal_takes_a_restart_back(board: Board, server: Server, fleet: Fleet) -> None:
    """Whoever sends SIGTERM wants the process to be gone."""
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler) as running:
        await eventually(lambda: handler.started == 1)
        await fleet.order(Order.RESTART)
        await eventually(lambda: running.drain.exit_status == RESTART_EXIT_STATUS)
        running.drain.ask()
        assert running.drain.exit_status == 0
        handler.free.set()
        await eventually(running.task.done, seconds=1)
        assert running.drain.exit_status == 0


async def test_worker_that_ends_leaves_at_once_and_one_that_dies_after_its_life(
    board: Board, server: Server, fleet: Fleet
) -> None:
    async with (
        worker(server.url, succeed, "clean", lease_seconds=30) as clean,
        worker(server.url, succeed, "killed", lease_seconds=1.5) as killed,
    ):
        await eventually(lambda: fleet.lives("clean"))
        await eventually(lambda: fleet.lives("killed"))
        await clean.stop()
        assert await fleet.names() == {"killed"}
        await killed.kill()
        assert await fleet.lives("killed")
        assert await fleet.order(Order.DRAIN) == ["killed"]

        async def forgotten() -> bool:
            return not await fleet.lives("killed")

        await eventually(forgotten, seconds=2)
    assert await fleet.order(Order.DRAIN) == []
    await eventually(lambda: _no_worker_keys(board), seconds=3)


async def _no_worker_keys(board: Board) -> bool:
    """When the last one is gone nobody is left to clear up: the keys go by themselves."""
    left = [key async for key in board.redis.scan_iter("*:worker*")]
    return left in ([], [KEYS.workers.encode()]) and all([await board.redis.ttl(key) > 0 for key in left])


@pytest.mark.parametrize("order", [Order.WORK, Order.DRAIN])
async def test_flushed_registry_is_filled_again(board: Board, server: Server, fleet: Fleet, order: Order) -> None:
    async with worker(server.url, succeed) as running:
        await eventually(fleet.lives)
        await _ready(running)
        await fleet.order(order)
        await eventually(lambda: _draining_as(fleet, order))
        await board.redis.flushall()
        await eventually(lambda: _draining_as(fleet, order), seconds=LEASE_SECONDS)
        await board.submit()
        await asyncio.sleep(0.4)
        assert await board.state() == ("queued" if order else "completed")
        await fleet.order(Order.WORK)
        await eventually(lambda: board.stands("completed"), seconds=1)


async def _draining_as(fleet: Fleet, order: Order) -> bool:
    found = await fleet.workers()
    return "worker" in found and found["worker"].draining is (order is Order.DRAIN)


async def test_registry_after_a_restart_of_the_server(server: Server) -> None:
    """Without persistence: the worker comes back by itself, still drained, and works when it is told to."""
    async with running(server.name, server.binary) as own, _opened(own) as opened:
        fleet, board = Fleet(opened), Board(opened.commands, Store(opened, 1))
        await board.store.queues.ensure_groups(KIND)
        async with worker(own.url, succeed):
            await eventually(fleet.lives)
            await fleet.order(Order.DRAIN)
            await eventually(fleet.draining)
            await own.stop(signal.SIGKILL)
            await own.start()
            await eventually(fleet.draining)
            await board.submit()
            await fleet.order(Order.WORK)
            await eventually(lambda: board.stands("completed"))


def _opened(server: Server) -> AbstractAsyncContextManager[Connections]:
    return connections(RedisSettings(url=SecretStr(server.url)))


@pytest.mark.parametrize("hole_seconds", [0.2, 2.0], ids=["short", "longer-than-its-life"])
async def test_order_to_a_worker_that_is_cut_off_comes_through_afterwards(
    board: Board, proxy: Proxy, fleet: Fleet, hole_seconds: float
) -> None:
    """Those who gave it were told that the worker was told."""
    async with worker(proxy.url, succeed) as running:
        await eventually(fleet.lives)
        await _ready(running)
        proxy.black_hole()
        assert await fleet.order(Order.DRAIN) == ["worker"]
        await asyncio.sleep(hole_seconds)
        proxy.heal()
        await eventually(fleet.draining)
        await eventually(lambda: running.health.readiness() == "draining")
    assert await board.redis.exists(KEYS.job(JobRef("job"))) == 0
