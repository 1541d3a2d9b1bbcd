"""A worker and its jobs, on a real server."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from shared.contracts.events import ProgressData, Section
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.usage import Usage
from shared.redis.jobs import Cancelled
from shared.streams import Session
from tests.support.board import KEYS, Board
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import LEASE_SECONDS, Blocking, succeed, worker


async def test_life_of_a_job(board: Board, server: Server) -> None:
    async def write(session: Session) -> bytes:
        assert await session.payload() == b'{"prompt":"x"}'
        session.check()
        session.emit(ProgressData(step="write", message="Writing", percent=50))
        session.spend(Usage(llm_calls=1, prompt_tokens=10))
        session.text("s1", 0, "Hello")
        await session.store("text:s1", b"Hello")
        session.spend(Usage(llm_calls=1, prompt_tokens=5))
        session.emit(Section(section_id="s1", revision=0, title="One", words=1))
        assert await session.load("text:s1") == b"Hello"
        return b'{"text":"Hello"}'

    await board.submit(payload=b'{"prompt":"x"}')
    async with worker(server.url, write):
        await eventually(lambda: board.stands("completed"))
    events = await board.events()
    assert [(entry_id, kind) for entry_id, kind, _ in events] == [
        ("1-0", "queued"), ("2-0", "started"), ("2-1", "progress"), ("2-2", "delta"), ("2-3", "section"),
        ("2-4", "completed"),
    ]  # fmt: skip
    job = Job.from_record(JobRef("job"), await board.record())
    assert job.usage == Usage(llm_calls=2, prompt_tokens=15)
    assert json.loads(await board.store.jobs.result(job.ref) or b"")["text"] == "Hello"
    await board.assert_at_rest()


async def test_doorbell_wakes_an_idle_worker(board: Board, server: Server) -> None:
    """Looks at the queue are 20 s apart here: only the doorbell can be in time, however often it rings."""
    async with worker(server.url, succeed) as running:
        await eventually(lambda: running.health.readiness() is None)
        for number in range(20):
            await board.submit(f"job-{number}", priority=number % 10)
            await eventually(partial(board.stands, "completed", f"job-{number}"), every=0.005)


async def test_job_submitted_in_the_first_moments_is_heard(board: Board, server: Server) -> None:
    async with worker(server.url, succeed):
        for number in range(20):
            await board.submit(f"job-{number}")
            await asyncio.sleep(0.01)
        await eventually(board.idle)


async def test_concurrency_is_kept(board: Board, server: Server) -> None:
    handler = Blocking()
    for number in range(7):
        await board.submit(f"job-{number}")
    async with worker(server.url, handler, concurrency=3, lease_seconds=0.6):
        await eventually(lambda: handler.started == 3)
        await asyncio.sleep(0.7)
        assert (handler.started, handler.most) == (3, 3)
        handler.free.set()
        await eventually(board.idle)
    assert (handler.started, handler.most) == (7, 3)


async def test_many_jobs_over_two_workers_run_once_each(board: Board, server: Server) -> None:
    runs: Counter[str] = Counter()
    working: set[str] = set()
    both = asyncio.Event()

    def of(name: str) -> Callable[[Session], Awaitable[bytes]]:
        async def count(session: Session) -> bytes:
            # The first jobs wait until both work, or a quick worker could do all of them alone.
            working.add(name)
            if len(working) == 2:
                both.set()
            await both.wait()
            runs[session.claim.ref.job_id] += 1
            session.emit(ProgressData(step="s", message="m", percent=1))
            await asyncio.sleep(0.001)
            return b'{"a":1}'

        return count

    names = [f"job-{number}" for number in range(300)]
    async with (
        worker(server.url, of("one"), "one", concurrency=20),
        worker(server.url, of("two"), "two", concurrency=20),
    ):
        for name in names:
            await board.submit(name)
        await eventually(board.idle, seconds=20)
    assert runs == Counter(names)
    workers = {(await board.record(name))["worker"] for name in names}
    assert workers == {"one", "two"}
    journals = [await board.journal(name) for name in names]
    kinds = Counter(kind for journal in journals for _, kind, _ in journal)
    assert kinds == dict.fromkeys(["queued", "started", "progress", "completed"], 300)
    await board.assert_at_rest()


async def test_end_of_a_job_costs_no_connection(board: Board, server: Server) -> None:
    """An event that is still being written when the handler returns must not be cancelled on its connection."""

    async def speak(session: Session) -> bytes:
        session.emit(ProgressData(step="s", message="m", percent=1))
        await asyncio.sleep(0)
        return b'{"a":1}'

    async with worker(server.url, speak):
        await board.submit("first")
        await eventually(board.idle)
        before = (await board.redis.info("stats"))["total_connections_received"]
        for number in range(50):
            await board.submit(f"job-{number}")
            await eventually(board.idle, every=0.001)
        assert (await board.redis.info("stats"))["total_connections_received"] - before <= 5


async def test_running_job_is_cancelled_within_a_second(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, lease_seconds=30):
        await eventually(lambda: handler.started == 1)
        assert await board.store.jobs.cancel(JobRef("job")) is Cancelled.ASKED
        await eventually(lambda: board.stands("cancelled"), seconds=1)
    assert handler.cancelled == 1
    assert (await board.events())[-1] == ("2-1", "cancelled", {})
    await board.assert_at_rest()


async def test_cancel_is_heard_with_a_renewal_at_the_latest(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler):
        await eventually(lambda: handler.started == 1)
        await board.redis.hset(KEYS.job(JobRef("job")), "cancel", "1")
        await eventually(lambda: board.stands("cancelled"), seconds=LEASE_SECONDS)
    assert handler.cancelled == 1


async def test_cleaning_up_after_a_cancel_is_left_in_peace(board: Board, server: Server) -> None:
    """Renewals repeat that the job is to end; the handler is told once."""
    told = asyncio.Event()

    async def tidy(session: Session) -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            told.set()
            await asyncio.sleep(LEASE_SECONDS)
            await session.store("tidy", b"yes")
        raise AssertionError

    await board.submit()
    async with worker(server.url, tidy):
        await eventually(lambda: board.stands("running"))
        await board.store.jobs.cancel(JobRef("job"))
        await told.wait()
        await eventually(lambda: board.stands("cancelled"), seconds=3)
    assert await board.store.jobs.artifact(JobRef("job"), "tidy") == b"yes"


async def test_result_that_comes_after_the_cancel_is_not_kept(board: Board, server: Server) -> None:
    async def stubborn(_: Session) -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return b'{"a":1}'
        raise AssertionError

    await board.submit()
    async with worker(server.url, stubborn):
        await eventually(lambda: board.stands("running"))
        await board.store.jobs.cancel(JobRef("job"))
        await eventually(lambda: board.stands("cancelled"))
    assert await board.store.jobs.result(JobRef("job")) is None


async def test_delayed_job_starts_at_its_time(board: Board, server: Server) -> None:
    async with worker(server.url, succeed) as running:
        await eventually(lambda: running.health.readiness() is None)
        await board.submit(delay_ms=700)
        await eventually(lambda: board.stands("completed"))
    record = await board.record()
    late = int(record["started_at"]) - int(record["created_at"]) - 700
    assert 0 <= late < 1_100


async def test_urgent_jobs_starve_nobody(board: Board, server: Server) -> None:
    order: list[str] = []

    async def note(session: Session) -> bytes:
        order.append(session.claim.ref.job_id)
        return b'{"a":1}'

    await board.submit("patient", priority=0)
    for number in range(30):
        await board.submit(f"urgent-{number}", priority=9)
    async with worker(server.url, note, concurrency=1):
        await eventually(lambda: len(order) == 31)
    assert 0 < order.index("patient") < 16


async def test_worker_that_is_full_stays_alive_and_ready(board: Board, server: Server) -> None:
    handler = Blocking()
    await board.submit()
    async with worker(server.url, handler, concurrency=1, poll_seconds=0.05) as running:
        await eventually(lambda: handler.started == 1)
        beaten = running.health._beaten
        await eventually(lambda: running.health._beaten > beaten + 0.1)
        assert running.health.readiness() is None
        handler.free.set()
