"""SIGTERM: running jobs may end, what is left goes back, nothing new begins."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.usage import Usage
from shared.llm.errors import ModelStreamBrokenError
from shared.redis.failures import UNAVAILABLE
from shared.streams import Session, Tuning
from tests.support.board import Board
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import RESULT, Blocking, succeed, worker


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


async def test_idle_worker_ends_at_once(board: Board, server: Server) -> None:
    async with worker(server.url, succeed) as running:
        await eventually(lambda: running.health.readiness() is None)
        running.drain.ask()
        await eventually(running.task.done, seconds=0.5)
        assert running.health.readiness() == "draining"


async def test_worker_may_be_asked_before_it_starts(board: Board, server: Server) -> None:
    await board.submit()
    async with worker(server.url, succeed) as running:
        running.drain.ask()
        await eventually(running.task.done, seconds=0.5)
    assert await board.state() == "queued"


async def test_running_jobs_may_end_within_the_grace_time(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler) as running:
        await eventually(lambda: handler.started == 1)
        running.drain.ask()
        await board.submit("late")
        await eventually(lambda: running.health.readiness() == "draining")
        handler.free.set()
        await eventually(running.task.done, seconds=1)
    assert await board.state() == "completed"
    assert (handler.started, await board.state("late")) == (1, "queued")


async def test_released_job_goes_on_elsewhere_within_two_seconds(board: Board, server: Server) -> None:
    first, second = Blocking(), Blocking()
    second.free.set()
    await board.submit(max_attempts=1)
    async with worker(server.url, first, "first", lease_seconds=30, grace_seconds=0.1) as running:
        await eventually(lambda: first.started == 1)
        async with worker(server.url, second, "second", lease_seconds=30):
            running.drain.ask()
            await eventually(lambda: board.stands("completed"), seconds=2)
        await eventually(running.task.done)
    assert first.cancelled == 1
    assert (await board.record()).items() >= {"attempt": "1", "worker": "second"}.items()
    assert [kind for _, kind, _ in await board.events()] == ["queued", "started", "queued", "started", "completed"]
    await board.assert_at_rest()


async def test_job_claimed_while_draining_is_given_back(board: Board, server: Server, proxy: Proxy) -> None:
    handler = Blocking()
    await board.submit()
    proxy.delay(0.1)
    async with worker(proxy.url, handler, grace_seconds=0) as running:
        await eventually(lambda: board.stands("running"))
        running.drain.ask()
        await eventually(running.task.done)
    assert handler.cancelled == handler.started
    assert (await board.record()).items() >= {"state": "queued", "attempt": "0"}.items()


async def test_cancel_is_heard_while_draining(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, lease_seconds=30) as running:
        await eventually(lambda: handler.started == 1)
        running.drain.ask()
        await eventually(lambda: running.health.readiness() == "draining")
        await board.store.jobs.cancel(JobRef("job"))
        await eventually(lambda: board.stands("cancelled"), seconds=1)


async def test_draining_worker_is_alive(board: Board, server: Server) -> None:
    """Else a grace time longer than the liveness bound would be cut short by a restart."""
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler) as running:
        await eventually(lambda: handler.started == 1)
        running.drain.ask()
        await eventually(lambda: running.health.readiness() == "draining")
        beaten = running.health._beaten
        await eventually(lambda: running.health._beaten > beaten, seconds=1)
        handler.free.set()


async def test_usage_of_a_released_attempt_is_counted_once(board: Board, server: Server, proxy: Proxy) -> None:
    """The write that was cut short by the release may have been carried out or not: it is repeated by its name."""

    async def spend(session: Session) -> bytes:
        session.spend(Usage(llm_calls=1))
        await session.store("first", b"1")
        session.spend(Usage(llm_calls=1))
        proxy.delay(0.1)
        await session.store("second", b"2")
        return RESULT

    await board.submit()
    async with worker(proxy.url, spend, grace_seconds=0, lease_seconds=30) as running:
        await eventually(lambda: board.redis.hexists("draftline:{0}:artifact:default/job", "second"), every=0.005)
        running.drain.ask()
        await eventually(running.task.done)
    record = await board.record()
    assert record["state"] == "queued"
    assert Job.from_record(JobRef("job"), record).usage == Usage(llm_calls=2)


async def test_usage_survives_a_store_that_could_not_repeat_the_one_before(
    board: Board, server: Server, proxy: Proxy
) -> None:
    """Usage is taken only when it is written: a store that fails before that leaves it for the next."""

    async def spend(session: Session) -> bytes:
        for name in ("first", "second"):
            session.spend(Usage(llm_calls=1))
            proxy.cut()
            with contextlib.suppress(*UNAVAILABLE):
                await session.store(name, b"1")
        proxy.heal()
        return RESULT

    await board.submit()
    async with worker(proxy.url, spend, lease_seconds=30):
        await eventually(lambda: board.stands("completed"), seconds=20)
    assert Job.from_record(JobRef("job"), await board.record()).usage == Usage(llm_calls=2)


async def test_error_caused_by_the_release_costs_an_attempt_at_most(board: Board, server: Server) -> None:
    async def convert(_: Session) -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise ModelStreamBrokenError("The call was interrupted.") from error
        return RESULT

    await board.submit()
    async with worker(server.url, convert, grace_seconds=0) as running:
        await eventually(lambda: board.stands("running"))
        running.drain.ask()
        await eventually(running.task.done)
    assert await board.state() == "scheduled"


@pytest.mark.parametrize("events", [0, 1])
async def test_drain_ends_although_redis_is_away(board: Board, server: Server, proxy: Proxy, events: int) -> None:
    """What cannot be given back is left to its lease, events that wait to be written or not."""

    async def speak(session: Session) -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(events):
                session.text("s", 0, "text")
        return RESULT

    await board.submit()
    async with worker(
        proxy.url, speak, tuning=Tuning(settle_seconds=0.5), grace_seconds=0, lease_seconds=30
    ) as running:
        await eventually(lambda: board.stands("running"))
        proxy.cut()
        running.drain.ask()
        await eventually(running.task.done, seconds=8)
    assert await board.state() == "running"
    assert (await board.take_over()).attempt == 2
