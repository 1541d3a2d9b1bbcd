"""Time limits of running jobs: the work of all attempts of a run counts, and nothing else."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import Band
from shared.contracts.usage import Usage
from shared.llm.errors import ModelRateLimitedError, ModelStreamBrokenError
from shared.redis.attempts import Settled
from shared.redis.jobs import Cancelled, Retried
from shared.streams import Session
from tests.support.board import KEYS, KIND, Board
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import RESULT, Blocking, succeed, worker

MINUTE_MS = 60_000
SECONDS = 60.0
"""For a condition that a busy machine reaches late."""
ROUNDING_MS = 10
"""The worker's clock and that of Redis are not the same, and Redis counts whole milliseconds."""


async def _error(board: Board) -> tuple[str, bool]:
    error = Job.from_record(JobRef("job"), await board.record()).error
    assert error is not None
    return error.code, error.retryable


def _attempt_ms(record: dict[str, str]) -> int:
    """How long the only attempt took, by the clock of Redis."""
    return int(record["finished_at"]) - int(record["started_at"])


async def _worked_ms(board: Board) -> int:
    return int((await board.record())["worked"])


async def test_hard_limit_ends_the_handler(board: Board, server: Server) -> None:
    handler = Blocking()

    async def spend(session: Session) -> bytes:
        session.spend(Usage(llm_calls=1, prompt_tokens=7))
        return await handler(session)

    await board.submit(soft_limit_ms=200, hard_limit_ms=500)
    async with worker(server.url, spend, lease_seconds=120):
        await eventually(lambda: board.stands("failed"), seconds=SECONDS)
    record = await board.record()
    assert _attempt_ms(record) >= 500 - ROUNDING_MS
    assert (handler.started, handler.cancelled, record["attempt"]) == (1, 1, "1")
    assert await _error(board) == ("time_limit_exceeded", False)
    assert Job.from_record(JobRef("job"), record).usage == Usage(llm_calls=1, prompt_tokens=7)
    assert [kind for _, kind, _ in await board.events()] == ["queued", "started", "failed"]
    assert not await board.redis.exists(KEYS.dead(KIND, Band.DEFAULT))
    await board.assert_at_rest()


async def test_a_redis_that_is_slow_takes_no_time_of_a_job(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit(hard_limit_ms=500)
    # The fetch waits at the server for longer than the job may take.
    await board.redis.client_pause(1_000, all=False)
    async with worker(server.url, handler, lease_seconds=120):
        await eventually(lambda: board.stands("failed"), seconds=SECONDS)
    assert (handler.started, handler.cancelled) == (1, 1)
    assert _attempt_ms(await board.record()) >= 500 - ROUNDING_MS


async def test_the_worker_has_limits_of_its_own(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    await board.submit("patient", soft_limit_ms=MINUTE_MS)
    async with worker(server.url, handler, soft_time_limit_seconds=0.1, hard_time_limit_seconds=0.3):
        await eventually(lambda: board.stands("failed"), seconds=SECONDS)
        assert await board.state("patient") == "running"
        handler.free.set()
    assert await board.state("patient") == "completed"


async def test_soft_limit_is_seen_and_ends_nothing(board: Board, server: Server) -> None:
    seen: list[bool] = []

    async def hurry(session: Session) -> bytes:
        seen.append(session.time_is_short())
        assert session.soft_seconds_left() <= session.text_seconds_left() <= session.seconds_left()
        await eventually(session.time_is_short, seconds=SECONDS)
        seen.append(session.text_seconds_left() > 0)
        return RESULT

    await board.submit(soft_limit_ms=300, hard_limit_ms=MINUTE_MS)
    async with worker(server.url, hurry):
        await eventually(lambda: board.stands("completed"), seconds=SECONDS)
    assert seen == [False, True]


async def test_handler_that_swallows_its_cancellation_ends_at_its_next_check(board: Board, server: Server) -> None:
    checks = 0

    async def deaf(session: Session) -> bytes:
        nonlocal checks
        while True:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                checks += 1
                if checks == 3:
                    raise
            session.check()

    await board.submit(hard_limit_ms=200)
    async with worker(server.url, deaf, lease_seconds=30):
        await eventually(lambda: board.stands("failed"), seconds=SECONDS)
    assert checks == 3
    assert await _error(board) == ("time_limit_exceeded", False)


class Clocked:
    """Notes what is left of the hard limit, works for a while, then goes on as it is told."""

    def __init__(self, seconds: float, *endings: Callable[[], Awaitable[bytes]]) -> None:
        self.left: list[float] = []
        self.worked = asyncio.Event()
        self._seconds = seconds
        self._endings = list(endings)

    async def __call__(self, session: Session) -> bytes:
        self.left.append(session.seconds_left())
        await asyncio.sleep(self._seconds)
        self.worked.set()
        return await self._endings.pop(0)() if self._endings else RESULT


async def _fail_and_wait() -> bytes:
    raise ModelRateLimitedError("Later.", retry_after_seconds=0.4)


async def _hang() -> bytes:
    await asyncio.Event().wait()
    return RESULT


async def test_waiting_for_another_attempt_does_not_count(board: Board, server: Server) -> None:
    handler = Clocked(0.2, _fail_and_wait, _fail_and_wait)
    await board.submit(hard_limit_ms=MINUTE_MS)
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("scheduled"))
        assert 200 <= await _worked_ms(board) < 350
        await eventually(lambda: board.stands("completed"))
    first, second, third = handler.left
    assert first == pytest.approx(60, abs=0.1)
    assert second == pytest.approx(59.8, abs=0.1)
    assert third == pytest.approx(59.6, abs=0.2)


async def test_a_release_keeps_count(board: Board, server: Server) -> None:
    handler = Clocked(0.2, _hang)
    await board.submit(hard_limit_ms=MINUTE_MS)
    async with worker(server.url, handler, lease_seconds=30, grace_seconds=0) as first:
        await handler.worked.wait()
        await first.stop()
    assert (await board.state(), 200 <= await _worked_ms(board) < 400) == ("queued", True)
    await asyncio.sleep(0.4)
    async with worker(server.url, handler, "second"):
        await eventually(lambda: board.stands("completed"))
    assert handler.left[1] == pytest.approx(59.8, abs=0.15)


async def test_a_take_over_counts_up_to_the_end_of_the_lease(board: Board, server: Server) -> None:
    handler = Clocked(0.1, _hang)
    await board.submit(hard_limit_ms=MINUTE_MS)
    async with worker(server.url, handler, lease_seconds=0.6) as first:
        await handler.worked.wait()
        await first.kill()
    held_ms = (await board.lease() or 0) - int((await board.record())["started_at"])
    await asyncio.sleep(1.2)
    async with worker(server.url, handler, "second"):
        await eventually(lambda: board.stands("completed"))
    assert (await board.record())["attempt"] == "2"
    assert handler.left[1] == pytest.approx(60 - held_ms / 1000, abs=0.1)


async def test_a_new_run_starts_its_clock_afresh(board: Board, server: Server) -> None:
    handler = Clocked(0.2, _fail_and_wait, _hang)
    await board.submit(hard_limit_ms=500)
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("failed"))
        assert await board.store.jobs.retry(JobRef("job"), "again") is Retried.RETRIED
        await eventually(lambda: board.stands("completed"))
    assert handler.left == pytest.approx([0.5, 0.3, 0.5], abs=0.15)
    assert (await board.record()).items() >= {"run": "2", "attempt": "1", "error": ""}.items()


async def test_no_time_left_at_the_claim(board: Board, server: Server) -> None:
    """The handler gets no further than its first look at Redis: no model is called."""
    called = 0

    async def call(session: Session) -> bytes:
        nonlocal called
        await session.payload()
        called += 1
        return RESULT

    await board.submit(hard_limit_ms=10_000)
    await board.redis.hset(KEYS.job(JobRef("job")), "worked", 10_000)
    async with worker(server.url, call):
        await eventually(lambda: board.stands("failed"), seconds=SECONDS)
    assert called == 0
    assert await _error(board) == ("time_limit_exceeded", False)
    await board.assert_at_rest()


async def test_an_error_made_of_the_limit_is_no_reason_to_try_again(board: Board, server: Server) -> None:
    """A library may turn the cancellation into a failure that seems to pass by itself."""
    called = 0

    async def convert(_: Session) -> bytes:
        nonlocal called
        called += 1
        try:
            return await _hang()
        except asyncio.CancelledError as error:
            raise ModelStreamBrokenError("The call was interrupted.") from error

    await board.submit(hard_limit_ms=300)
    async with worker(server.url, convert):
        await eventually(lambda: board.stands("failed"))
    assert (called, await _error(board)) == (1, ("time_limit_exceeded", False))


class Tidying:
    """Cleans up for as long as the test wants, after it was told to stop."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.may_end = asyncio.Event()
        self.calls = 0

    async def __call__(self, session: Session) -> bytes:
        self.calls += 1
        try:
            return await _hang()
        finally:
            self.told.set()
            session.text("s", 0, "tidied")
            await self.may_end.wait()


async def test_a_cancel_at_the_same_moment_as_the_limit(board: Board, server: Server) -> None:
    """Whoever asked for the end hears that the job is cancelled; the limit breaks into nothing a second time."""
    handler = Tidying()
    await board.submit(hard_limit_ms=300)
    async with worker(server.url, handler, lease_seconds=30):
        await handler.told.wait()
        assert await board.store.jobs.cancel(JobRef("job")) is Cancelled.ASKED
        await asyncio.sleep(0.1)
        handler.may_end.set()
        await eventually(lambda: board.stands("cancelled"))
    assert [kind for _, kind, _ in await board.events()] == ["queued", "started", "delta", "cancelled"]
    await board.assert_at_rest()


async def test_the_limit_at_the_same_moment_as_a_cancel(board: Board, server: Server) -> None:
    handler = Tidying()
    await board.submit(hard_limit_ms=300)
    async with worker(server.url, handler, lease_seconds=30):
        await eventually(lambda: handler.calls == 1)
        await board.store.jobs.cancel(JobRef("job"))
        await handler.told.wait()
        await asyncio.sleep(0.35)
        handler.may_end.set()
        await eventually(lambda: board.stands("cancelled"))
    await board.assert_at_rest()


async def test_a_lease_lost_at_the_same_moment_as_the_limit(board: Board, server: Server) -> None:
    """Nothing is written any more: the job is another's, with time of its own."""
    handler = Tidying()
    await board.submit(hard_limit_ms=300)
    # The lease is long, so that no renewal comes between its end and the take-over.
    async with worker(server.url, handler, concurrency=1, lease_seconds=120) as running:
        await handler.told.wait()
        other = await board.take_over()
        before = await board.written()
        handler.may_end.set()
        await eventually(lambda: len(running.runtime.keeper) == 0)
        assert await board.written() == before
        assert await board.store.attempts.finish(other, 1, RESULT) is Settled.COMPLETED


async def test_a_release_at_the_same_moment_as_the_limit(board: Board, server: Server) -> None:
    """The limit came first: the job is not given back to begin where it has no time."""
    handler = Tidying()
    await board.submit(hard_limit_ms=300)
    async with worker(server.url, handler, grace_seconds=0, lease_seconds=30) as running:
        await handler.told.wait()
        running.drain.ask()
        await asyncio.sleep(0.05)
        handler.may_end.set()
        await eventually(running.task.done)
    assert await _error(board) == ("time_limit_exceeded", False)


async def test_limits_are_told_to_nobody_but_the_claim(board: Board, server: Server) -> None:
    """Many jobs, each with its own limit: each ends by its own."""
    for number in range(20):
        await board.submit(f"slow-{number}", hard_limit_ms=200 + 20 * number)
    await board.submit("free")
    handler = Blocking()
    async with worker(server.url, handler):
        await eventually(lambda: handler.cancelled == 20, seconds=3)
        handler.free.set()
        await eventually(lambda: board.stands("completed", "free"))
    for number in range(20):
        record = await board.record(f"slow-{number}")
        took = int(record["finished_at"]) - int(record["started_at"])
        assert 20 * number <= took < 600 + 20 * number
        assert json.loads(record["error"])["code"] == "time_limit_exceeded"


async def test_a_job_that_ends_in_time_is_left_alone(board: Board, server: Server) -> None:
    await board.submit(hard_limit_ms=300)
    async with worker(server.url, succeed):
        await eventually(lambda: board.stands("completed"))
        await asyncio.sleep(0.4)
        assert await board.state() == "completed"
