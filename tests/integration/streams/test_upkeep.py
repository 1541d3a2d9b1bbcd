"""What keeps the queue whole while workers run: reconcile, sweep, promote; and what holds it still: pause."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from types import SimpleNamespace

import pytest
import pytest_asyncio

from shared.contracts.ids import JobRef
from shared.contracts.states import Band
from shared.lifecycle import pauses
from shared.redis.client import Connections
from shared.redis.jobs import Retried
from shared.redis.queues import Fetcher
from shared.streams import Session, Tuning
from shared.streams.upkeep import UpkeepPauses
from tests.support.board import KEYS, KIND, Board
from tests.support.proxy import Proxy, script
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import RESULT, Blocking, succeed
from tests.support.workers import worker as plain_worker

SWEEPING = Tuning(upkeep=UpkeepPauses(promote_seconds=0.05, sweep_seconds=0.05))
worker = partial(plain_worker, tuning=SWEEPING)
JOB = str(JobRef("job"))
QUEUE = KEYS.requests(KIND, Band.DEFAULT)
ONCE = ["queued", "started", "completed"]


@pytest_asyncio.fixture
async def proxy(board: Board, server: Server) -> AsyncIterator[Proxy]:
    """In front of a server that knows the scripts: else the reply that is lost first says only that it does not."""
    await board.fetch()
    await board.store.queues.reconcile(0, KIND, Fetcher("nobody", 0))
    async with Proxy(server.port) as started:
        yield started


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetch again at once after a failure."""
    # The pauses after failures are drawn deep inside, by whatever failed.
    monkeypatch.setattr(pauses, "random", SimpleNamespace(uniform=lambda *_: 0.01))


class Counting:
    """Counts how often each job is begun."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.begun: Counter[str] = Counter()
        self._seconds = seconds

    async def __call__(self, session: Session) -> bytes:
        self.begun[session.claim.ref.job_id] += 1
        await asyncio.sleep(self._seconds)
        return RESULT


async def _kinds(board: Board, job_id: str = "job") -> list[str]:
    return [kind for _, kind, _ in await board.events(job_id)]


@pytest.mark.parametrize("times", [1, 5, 20])
async def test_lost_claims_are_given_back_and_run_once(board: Board, proxy: Proxy, times: int) -> None:
    handler, names = Counting(0.02), [f"job-{number}" for number in range(12)]
    for name in names:
        await board.submit(name, max_attempts=1)
    proxy.drop_reply(script("fetch"), times)
    async with worker(proxy.url, handler, concurrency=5, lease_seconds=60):
        await eventually(board.idle)
    assert (proxy.dropped, handler.begun) == (times, Counter(names))
    records = [await board.record(name) for name in names]
    assert {(record["state"], record["attempt"]) for record in records} == {("completed", "1")}
    given_back = sum([(await _kinds(board, name)).count("queued") - 1 for name in names])
    assert given_back == 5 * times
    await board.assert_at_rest()


async def test_the_reply_that_something_was_given_back_may_be_lost_too(board: Board, proxy: Proxy) -> None:
    handler = Counting()
    await board.submit(max_attempts=1)
    proxy.drop_reply(script("fetch"))
    proxy.drop_reply(script("reconcile"), 2)
    async with worker(proxy.url, handler, lease_seconds=60):
        await eventually(lambda: board.stands("completed"))
    assert (proxy.dropped, handler.begun["job"], (await board.record())["attempt"]) == (3, 1, "1")


async def test_what_the_worker_holds_is_never_given_back(board: Board, proxy: Proxy) -> None:
    held, other = Blocking(), Counting()

    async def handle(session: Session) -> bytes:
        return await (held if session.claim.ref.job_id.startswith("held") else other)(session)

    for number in range(3):
        await board.submit(f"held-{number}", max_attempts=1)
    async with worker(proxy.url, handle, concurrency=5, lease_seconds=60) as running:
        await eventually(lambda: held.started == 3)
        for number in range(5):
            proxy.drop_reply(script("fetch"))
            await board.submit(f"job-{number}", max_attempts=1)
            await eventually(partial(board.stands, "completed", f"job-{number}"))
        assert (proxy.dropped, held.running, held.cancelled) == (5, 3, 0)
        held.free.set()
        await eventually(board.idle)
        assert not running.task.done()
    for number in range(3):
        assert await _kinds(board, f"held-{number}") == ONCE


async def test_what_another_worker_holds_is_never_given_back(board: Board, server: Server, proxy: Proxy) -> None:
    held = Blocking()
    await board.submit("held")
    async with worker(server.url, held, "other", concurrency=1, lease_seconds=60):
        await eventually(lambda: held.started == 1)
        proxy.drop_reply(script("fetch"), 3)
        async with worker(proxy.url, succeed, lease_seconds=60):
            await board.submit("mine")
            await eventually(lambda: board.stands("completed", "mine"))
        held.free.set()
    assert (proxy.dropped, await _kinds(board, "held")) == (3, ONCE)


async def test_attempt_whose_settling_crashed_counts(board: Board, proxy: Proxy) -> None:
    """The worker received it and dropped it: it is no lost claim, whatever is lost afterwards."""

    async def poison(session: Session) -> bytes:
        bad = session.claim.ref.job_id == "job" and session.claim.attempt == 1
        return None if bad else RESULT  # type: ignore[return-value]

    await board.submit()
    async with worker(proxy.url, poison, lease_seconds=60, poll_seconds=0.1) as running:
        await eventually(lambda: board.stands("running"))
        await eventually(lambda: len(running.runtime.keeper) == 0)
        proxy.drop_reply(script("fetch"))
        await board.submit("next")
        await eventually(lambda: board.stands("completed", "next"))
        assert await board.state() == "running"
        await board.end_lease()
        await eventually(lambda: board.stands("completed"))
    assert (proxy.dropped, (await board.record())["attempt"]) == (1, "2")
    assert await _kinds(board) == ["queued", "started", "started", "completed"]


async def test_expired_jobs_leave_the_index_and_the_dead_letters(
    board: Board, server: Server, redis_connections: Connections
) -> None:
    for number in range(150):
        await board.submit(f"job-{number}")
    await board.submit("dead", max_attempts=1)
    await board.redis.hset(KEYS.job(JobRef("dead")), "attempt", 1)
    async with worker(server.url, succeed, concurrency=200):
        await eventually(board.idle)
        assert (await board.store.queues.overview(KIND)).bands[Band.DEFAULT].dead == 1
        await board.submit("young", delay_ms=60_000)
        for name in [*(f"job-{number}" for number in range(150)), "dead"]:
            await board.redis.delete(KEYS.job(JobRef(name)))

        async def only_one_is_left() -> bool:
            names = await board.redis.zrange(KEYS.index("default"), 0, -1)
            dead = (await board.store.queues.overview(KIND)).bands[Band.DEFAULT].dead
            return (names, dead) == ([str(JobRef("young")).encode()], 0)

        await eventually(only_one_is_left)
    await board.redis.flushall()


async def test_lost_lease_of_a_dead_owner(board: Board, server: Server) -> None:
    handler = Counting()
    await board.claim()
    await board.redis.zrem(KEYS.leases(KIND), JOB)
    async with worker(server.url, handler, poll_seconds=0.1):
        await eventually(lambda: board.stands("completed"))
    assert (handler.begun["job"], (await board.record())["attempt"]) == (1, "2")
    await board.assert_at_rest()


async def test_lost_lease_of_a_released_job(board: Board, server: Server) -> None:
    claim = await board.claim()
    await board.store.attempts.release(claim, 1)
    await board.redis.zrem(KEYS.leases(KIND), JOB)
    async with worker(server.url, succeed, poll_seconds=0.1):
        await eventually(lambda: board.stands("completed"))
    assert (await board.record())["attempt"] == "1"
    await board.assert_at_rest()


async def test_lost_lease_of_an_owner_that_lives(board: Board, server: Server) -> None:
    """It has time to renew before anybody may take the job over: nothing has happened to the work."""
    handler = Blocking()
    await board.submit(max_attempts=1)
    async with worker(server.url, handler, lease_seconds=3, poll_seconds=0.1):
        await eventually(lambda: handler.started == 1)
        await board.redis.zrem(KEYS.leases(KIND), JOB)
        await asyncio.sleep(1.2)
        handler.free.set()
        await eventually(board.idle)
    assert (handler.started, handler.cancelled, await _kinds(board)) == (1, 0, ONCE)


async def test_lost_entry_of_a_waiting_job(board: Board, server: Server) -> None:
    handler = Counting()
    await board.submit()
    await board.redis.xdel(QUEUE, (await board.record())["entry"])
    async with worker(server.url, handler, poll_seconds=0.1):
        await eventually(lambda: board.stands("completed"))
    assert (handler.begun["job"], await _kinds(board)) == (1, ONCE)
    await board.assert_at_rest()


@pytest.mark.parametrize("released", [False, True])
async def test_lost_entry_of_a_claimed_job(board: Board, server: Server, released: bool) -> None:
    """Nothing of it stays pending either when the job is settled."""
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, lease_seconds=30, grace_seconds=0) as first:
        await eventually(lambda: handler.started == 1)
        if released:
            await first.stop()
        await board.redis.xdel(QUEUE, (await board.record())["entry"])
        async with worker(server.url, handler, "second", poll_seconds=0.1):
            await eventually(lambda: board.redis.xlen(QUEUE))
            handler.free.set()
            await eventually(lambda: board.stands("completed"))
    assert (handler.started, (await board.record())["attempt"]) == (2 if released else 1, "1")
    await board.assert_at_rest()


async def test_lost_streams(board: Board, server: Server) -> None:
    handler = Counting()
    for number in range(10):
        await board.submit(f"job-{number}", priority=number)
    await board.redis.delete(*(KEYS.requests(KIND, band) for band in Band))
    async with worker(server.url, handler, poll_seconds=0.1):
        await eventually(lambda: handler.begun.total() == 10)
        await eventually(board.idle)
    assert set(handler.begun.values()) == {1}
    await board.assert_at_rest()


async def test_lost_place_in_the_schedule(board: Board, server: Server) -> None:
    handler = Counting()
    await board.submit(delay_ms=600)
    await board.redis.zrem(KEYS.delayed(KIND), JOB)
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("completed"))
    record = await board.record()
    assert (handler.begun["job"], int(record["started_at"]) - int(record["created_at"]) >= 600) == (1, True)
    await board.assert_at_rest()


async def test_a_sweep_leaves_sound_jobs_alone(board: Board, server: Server) -> None:
    """Whatever it meets them at: waiting, running, released, scheduled, settled."""
    handler, names = Counting(0.05), [f"job-{number}" for number in range(200)]
    async with worker(server.url, handler, "one", concurrency=10, grace_seconds=0) as one:
        for number, name in enumerate(names):
            await board.submit(name, delay_ms=number)
        async with worker(server.url, handler, "two", concurrency=10):
            await asyncio.sleep(0.3)
            await one.stop()
            await eventually(board.idle, seconds=10)
    for name in names:
        kinds = await _kinds(board, name)
        # One "queued" for the submission or its due time, one for each release.
        assert kinds.count("started") == kinds.count("queued"), (name, kinds)
    assert {(await board.record(name))["attempt"] for name in names} == {"1"}
    await board.assert_at_rest()


async def test_many_due_at_once_are_queued_within_a_moment(board: Board, server: Server) -> None:
    """More than one promotion moves; two workers promote."""
    handler, names = Counting(), [f"job-{number}" for number in range(350)]
    due = round(await board.now()) + 1_500
    for name in names:
        await board.submit(name, not_before_ms=due)
    async with worker(server.url, handler, "one"), worker(server.url, handler, "two"):
        await asyncio.sleep(max(0.0, (due - await board.now()) / 1000))
        await eventually(lambda: handler.begun.total() == len(names))
        await eventually(board.idle)
    assert handler.begun == Counter(names)


async def test_late_cancel_of_an_earlier_run_stops_nothing(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, lease_seconds=30):
        await eventually(lambda: handler.started == 1)
        await board.store.jobs.cancel(JobRef("job"))
        await eventually(lambda: board.stands("cancelled"))
        assert await board.store.jobs.retry(JobRef("job"), "again") is Retried.RETRIED
        await eventually(lambda: handler.started == 2)
        ((_, late),) = await board.redis.xrevrange(KEYS.control(KIND), count=1)
        assert late[b"what"] == b"cancel"
        await board.redis.xadd(KEYS.control(KIND), late)
        await asyncio.sleep(0.3)
        assert (handler.running, handler.cancelled) == (1, 1)
        await board.store.jobs.cancel(JobRef("job"))
        await eventually(lambda: handler.cancelled == 2, seconds=1)


async def test_pause_holds_what_waits_and_lets_run_what_runs(
    board: Board, server: Server, redis_connections: Connections
) -> None:
    handler = Blocking()
    await board.submit("first")
    async with worker(server.url, handler, "one", poll_seconds=20), worker(server.url, handler, "two"):
        await eventually(lambda: handler.started == 1)
        await board.store.queues.pause(KIND)
        for name, delay_ms in (("second", 0), ("third", 100)):
            await board.submit(name, delay_ms=delay_ms)
        handler.free.set()
        await eventually(lambda: board.stands("completed", "first"))
        await eventually(lambda: board.stands("queued", "third"))
        await asyncio.sleep(0.3)
        assert (handler.started, await board.state("second"), await board.state("third")) == (1, "queued", "queued")
        await board.store.queues.resume(KIND)
        await eventually(board.idle, seconds=1)
    assert handler.started == 3
