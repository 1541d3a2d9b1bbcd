"""How attempts end, and what becomes of the job."""

import asyncio
from collections.abc import Callable

import pytest

from outline_worker.pipeline.nodes.validate import OutlineInvalidError
from shared.contracts.events import ProgressData
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import Band
from shared.contracts.usage import Usage
from shared.llm.errors import ModelRateLimitedError, ModelUnavailableError
from shared.streams import Session
from tests.support.board import KEYS, KIND, Board
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import RESULT, succeed, worker


class Raising:
    """A handler that raises a number of times, then succeeds."""

    def __init__(self, error: Callable[[], BaseException], times: int = 100) -> None:
        self.attempts = 0
        self._error = error
        self._times = times

    async def __call__(self, session: Session) -> bytes:
        self.attempts += 1
        session.spend(Usage(llm_calls=1))
        if self.attempts <= self._times:
            raise self._error()
        return RESULT


async def test_permanent_error_ends_the_job_at_once(board: Board, server: Server) -> None:
    handler = Raising(lambda: OutlineInvalidError("No."))
    await board.submit()
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("failed"))
    assert handler.attempts == 1
    error = {"code": "outline_invalid", "message": "No.", "retryable": False}
    assert (await board.events())[-1] == ("2-1", "failed", {"error": error})
    assert Job.from_record(JobRef("job"), await board.record()).usage.llm_calls == 1
    await board.assert_at_rest()


async def test_transient_error_is_tried_again(board: Board, server: Server) -> None:
    handler = Raising(lambda: ModelUnavailableError("It is away."), times=2)
    await board.submit()
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("completed"))
    kinds = [kind for _, kind, _ in await board.events()]
    assert kinds == ["queued", *["started", "retrying", "queued"] * 2, "started", "completed"]
    job = Job.from_record(JobRef("job"), await board.record())
    assert (job.attempt, job.usage.llm_calls, job.error) == (3, 3, None)


async def test_dead_letter_after_the_last_attempt(board: Board, server: Server) -> None:
    handler = Raising(lambda: ModelUnavailableError("It is away."))
    await board.submit()
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("failed"))
    assert handler.attempts == 3
    assert await board.redis.zrange(KEYS.dead(KIND, Band.DEFAULT), 0, -1) == [b"default/job"]
    await board.assert_at_rest()


async def test_wait_is_never_shorter_than_asked(board: Board, server: Server) -> None:
    handler = Raising(lambda: ModelRateLimitedError("Later.", retry_after_seconds=90))
    await board.submit()
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("scheduled"))
        wait = int((await board.record())["not_before"]) - await board.now()
    assert 80_000 < wait <= 90_000


@pytest.mark.parametrize(
    "error",
    [
        lambda: ValueError("bug"),
        lambda: TimeoutError("a model call, not Redis"),
        lambda: FileNotFoundError("font.ttf"),
        lambda: ExceptionGroup("sections", [ValueError("bug")]),
        lambda: asyncio.CancelledError("from a library that lost its way"),
    ],
    ids=["value", "timeout", "file", "group", "cancelled"],
)
async def test_unexpected_error_counts_as_a_failed_attempt(
    board: Board, server: Server, error: Callable[[], BaseException]
) -> None:
    """A TimeoutError is an OSError, and still none of Redis; a cancellation nobody asked for is a failure too."""
    handler = Raising(error)
    await board.submit(max_attempts=2)
    async with worker(server.url, handler):
        await eventually(lambda: board.stands("failed"))
    assert handler.attempts == 2
    failure = Job.from_record(JobRef("job"), await board.record()).error
    assert failure is not None
    assert failure.code == "internal_error"
    assert "bug" not in failure.message


class Broken:
    """A result whose settling fails inside the worker."""

    async def __call__(self, session: Session) -> bytes:
        return None if session.claim.ref.job_id == "poison" else RESULT  # type: ignore[return-value]


class Unwritable:
    """An event that cannot be written, beside others that can."""

    async def __call__(self, session: Session) -> bytes:
        if session.claim.ref.job_id == "poison":
            session.events._seq = -10
            session.emit(ProgressData(step="s", message="m", percent=1))
            await asyncio.Event().wait()
        return RESULT


@pytest.mark.parametrize("handler", [Broken(), Unwritable()], ids=["result", "event"])
async def test_poisonous_job_does_not_take_the_worker_with_it(
    board: Board, server: Server, handler: Broken | Unwritable
) -> None:
    """It ends at the crash cap, as if it had killed a worker each time."""
    await board.submit("poison", max_attempts=1)
    async with worker(server.url, handler, lease_seconds=0.5, poll_seconds=0.1) as running:
        await eventually(lambda: board.stands("failed", "poison"))
        await board.submit("healthy")
        await eventually(lambda: board.stands("completed", "healthy"))
        assert not running.task.done()
    failure = Job.from_record(JobRef("poison"), await board.record("poison")).error
    assert failure is not None
    assert failure.code == "worker_lost"
    await board.assert_at_rest()


async def test_request_that_is_gone_ends_the_job(board: Board, server: Server) -> None:
    async def read(session: Session) -> bytes:
        return await session.payload()

    await board.submit()
    await board.redis.delete(KEYS.payload(JobRef("job")))
    async with worker(server.url, read):
        await eventually(lambda: board.stands("failed"))
    assert '"request_lost"' in (await board.record())["error"]


async def test_crashing_workers_end_at_the_crash_cap(board: Board, server: Server) -> None:
    started = asyncio.Event()

    async def hang(_: Session) -> bytes:
        started.set()
        await asyncio.Event().wait()
        return RESULT

    await board.submit(max_attempts=2)
    for _ in range(2):
        started.clear()
        async with worker(server.url, hang, lease_seconds=0.5, poll_seconds=0.1) as running:
            async with asyncio.timeout(5):
                await started.wait()
            await running.kill()
    assert await board.state() == "running"
    async with worker(server.url, succeed, lease_seconds=0.5, poll_seconds=0.1):
        await eventually(lambda: board.stands("failed"))
    assert (await board.record())["attempt"] == "2"
    await board.assert_at_rest()


async def test_take_over_after_a_crash_keeps_stored_work(board: Board, server: Server) -> None:
    async def work(session: Session) -> bytes:
        if await session.load("part") is None:
            await session.store("part", b"paid")
            await asyncio.Event().wait()
        assert await session.stored_fields()
        return RESULT

    await board.submit()
    async with worker(server.url, work, lease_seconds=0.5) as first:
        await eventually(lambda: board.redis.exists(KEYS.artifact(JobRef("job"))))
        await first.kill()
    async with worker(server.url, work, "second", lease_seconds=0.5, poll_seconds=0.1):
        await eventually(lambda: board.stands("completed"))
    assert (await board.record()).items() >= {"attempt": "2", "worker": "second"}.items()
