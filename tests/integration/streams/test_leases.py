"""Jobs whose lease is lost: the handler stops, and nothing of it is written."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band
from shared.leases import Ending, LeaseKeeper
from shared.lifecycle.clock import SystemClock
from shared.redis.attempts import Settled
from shared.streams import Session
from tests.support.board import KEYS, KIND, Board, section
from tests.support.proxy import Proxy, script
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import LEASE_SECONDS, RESULT, Blocking, succeed, worker


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


async def test_taken_over_elsewhere(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, concurrency=1):
        await eventually(lambda: handler.started == 1)
        other = await board.take_over()
        before = await board.written()
        await eventually(lambda: handler.cancelled == 1, seconds=LEASE_SECONDS)
        assert await board.written() == before
    assert await board.store.attempts.finish(other, 1, RESULT) is Settled.COMPLETED


async def test_writes_of_a_stale_owner_are_refused(board: Board, server: Server) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    ended = False

    async def stall(session: Session) -> bytes:
        nonlocal ended
        reached.set()
        await go_on.wait()
        session.text("s", 0, "late")
        try:
            await session.store("late", b"late")
        finally:
            ended = True
        return RESULT

    await board.submit()
    async with worker(server.url, stall, lease_seconds=30, concurrency=1):
        await reached.wait()
        other = await board.take_over()
        before = await board.written()
        go_on.set()
        await eventually(lambda: ended)
        assert await board.written() == before
    assert await board.store.attempts.finish(other, 1, RESULT) is Settled.COMPLETED


async def test_cut_off_worker_stops_by_its_own_clock(board: Board, server: Server, proxy: Proxy) -> None:
    """And the job goes on elsewhere, while the first worker still hears nothing."""
    handler, second = Blocking(), Blocking()
    second.free.set()
    await board.submit()
    async with worker(proxy.url, handler) as cut_off:
        await eventually(lambda: handler.started == 1)
        proxy.black_hole()
        async with worker(server.url, second, "second", poll_seconds=0.1):
            await eventually(lambda: handler.cancelled == 1, seconds=LEASE_SECONDS + 0.5)
            await eventually(lambda: board.stands("completed"), seconds=LEASE_SECONDS + 1)
        before = await board.written()
        proxy.heal()
        await cut_off.stop()
        assert await board.written() == before
    assert (await board.record())["worker"] == "second"


async def test_lost_claim_is_given_back_and_costs_no_attempt(board: Board, proxy: Proxy) -> None:
    proxy.drop_reply(script("fetch"))
    await board.submit()
    async with worker(proxy.url, succeed, lease_seconds=60):
        await eventually(lambda: board.stands("completed"))
    assert proxy.dropped == 1
    assert (await board.record())["attempt"] == "1"


async def test_slow_link_loses_no_lease(board: Board, proxy: Proxy) -> None:
    handler = Blocking()
    proxy.delay(0.0, 0.05)
    await board.submit()
    async with worker(proxy.url, handler):
        await eventually(lambda: handler.started == 1)
        await asyncio.sleep(LEASE_SECONDS * 1.2)
        handler.free.set()
        await eventually(lambda: board.stands("completed"))
    assert (await board.record())["attempt"] == "1"


async def test_handler_that_lost_its_cancellation_is_told_again(board: Board, server: Server) -> None:
    checked = 0

    async def deaf(session: Session) -> bytes:
        nonlocal checked
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            checked += 1
        while True:
            session.check()
            await asyncio.sleep(0.01)

    await board.submit()
    async with worker(server.url, deaf):
        await eventually(lambda: board.stands("running"))
        await board.store.jobs.cancel(JobRef("job"))
        await eventually(lambda: board.stands("cancelled"), seconds=1)
    assert checked == 1


async def test_job_taken_over_from_oneself(board: Board) -> None:
    """After a stall longer than the lease, fetch may come before the keeper notices."""
    keeper = LeaseKeeper(board.store.queues, SystemClock(), 30)
    first, second = await _two_claims(board)
    now = SystemClock().monotonic()
    stale = keeper.take(first, now)
    held = keeper.take(second, now)
    assert (stale.ending, held.ending) == (Ending.LOST, None)
    keeper.drop(stale)
    assert keeper.holding() == [held]


async def _two_claims(board: Board) -> tuple[Claim, Claim]:
    return await board.claim(), await board.take_over()


async def test_flushed_server_ends_what_runs(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, poll_seconds=0.2):
        await eventually(lambda: handler.started == 1)
        await board.redis.flushall()
        await eventually(lambda: handler.cancelled == 1, seconds=LEASE_SECONDS)
        handler.free.set()
        await board.submit("next")
        await eventually(lambda: board.stands("completed", "next"))
    assert await board.record() == {}
    await board.assert_at_rest()


async def test_group_that_is_gone_is_made_again(board: Board, server: Server) -> None:
    handler = Blocking()
    handler.free.set()
    async with worker(server.url, handler) as running:
        await eventually(lambda: running.health.readiness() is None)
        for band in Band:
            await board.redis.xgroup_destroy(KEYS.requests(KIND, band), "workers")
        await board.submit()
        await eventually(lambda: board.stands("completed"))


async def test_events_of_a_taken_over_job_follow_each_other(board: Board) -> None:
    first = await board.claim()
    await board.store.attempts.append_events(first, [section(1), section(2)])
    second = await board.take_over()
    await board.store.attempts.append_events(first, [section(3)])
    await board.store.attempts.append_events(second, [section(1)])
    ids = [entry_id for entry_id, _, _ in await board.events()]
    assert ids == ["1-0", "2-0", "2-1", "2-2", "3-0", "3-1"]
