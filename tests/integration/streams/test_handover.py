"""One job through two kinds of workers, and what may go wrong between them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.contracts.events import ProgressData
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind
from shared.contracts.usage import Usage
from shared.lifecycle.clock import SystemClock
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health
from shared.redis.client import connections
from shared.redis.jobs import Cancelled
from shared.redis.outlines import Approved
from shared.redis.store import Store
from shared.settings import RedisSettings, WorkerSettings
from shared.streams import HandOver, Session, Worker, WorkerRuntime
from tests.support.board import Board
from tests.support.planned import counted, outlines, queued_for
from tests.support.proxy import Command, Proxy, script
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import HURRIED, LEASE_SECONDS, RESULT, Blocking, worker

JOB = JobRef("job")
PLANNED = HandOver(
    1, b'{"version":1}', b'{"title":"Tea","language":"en","nodes":[{"id":"s1","title":"Leaf","target_words":100}]}'
)
EVENTS = ["queued", "started", "progress", "outline_ready", "queued", "started", "completed"]


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


async def plan(session: Session) -> HandOver:
    """An outline, and the evidence that was found for it."""
    session.emit(ProgressData(step="plan", message="Planning", percent=3))
    session.spend(Usage(llm_calls=1))
    await session.store("ledger", b"evidence")
    return PLANNED


async def write(session: Session) -> bytes:
    """A document, from what was planned."""
    assert await session.require("ledger") == b"evidence"
    assert await session.require("outline:1") == PLANNED.stored
    session.spend(Usage(llm_calls=2))
    return RESULT


@asynccontextmanager
async def writer(url: str) -> AsyncIterator[None]:
    """A worker that writes documents while the block runs, in the process of those that plan."""
    settings = WorkerSettings(lease_seconds=LEASE_SECONDS, grace_seconds=5, poll_seconds=20)
    drain = Drain()
    async with connections(RedisSettings(url=SecretStr(url))) as opened, asyncio.TaskGroup() as group:
        runtime = WorkerRuntime(
            Worker("writer", JobKind.DOCUMENT, write), Store(opened, 1), SystemClock(),
            settings, Health(), HURRIED,
        )  # fmt: skip
        group.create_task(runtime.run(drain))
        yield
        drain.ask()


class Seen:
    """Matches what something else matches, and tells when."""

    def __init__(self, matches: Callable[[Command], bool]) -> None:
        self._matches = matches
        self.seen = False

    def __call__(self, command: Command) -> bool:
        self.seen = self.seen or self._matches(command)
        return self.seen


async def _submit(board: Board, job_id: str = "job", **changes: Any) -> None:
    await board.submit(job_id, kind=JobKind.DOCUMENT, phase=JobKind.OUTLINE, **changes)


async def _kinds(board: Board) -> list[str]:
    return [kind for _, kind, _ in await board.events()]


async def _scripts_run(board: Board) -> int:
    """By the server, since it started."""
    told = await board.redis.execute_command("INFO", "commandstats")
    return int(told["cmdstat_evalsha"]["calls"])


async def _nothing_is_left(board: Board) -> None:
    await board.assert_at_rest()
    for kind in JobKind:
        assert (await queued_for(board, kind), await counted(board, kind)) == (0, {})


async def test_one_job_one_stream_one_account(board: Board, server: Server) -> None:
    await _submit(board)
    async with worker(server.url, plan, "planner"), writer(server.url):
        await eventually(lambda: board.stands("completed"))
    assert await _kinds(board) == EVENTS
    assert [data["worker"] for _, kind, data in await board.events() if kind == "started"] == ["planner", "writer"]
    job = Job.from_record(JOB, await board.record())
    assert (job.usage, job.attempt, job.run) == (Usage(llm_calls=3), 1, 1)
    await _nothing_is_left(board)


async def test_large_outline_is_linked(board: Board, server: Server) -> None:
    async def plan_much(_: Session) -> HandOver:
        return HandOver(1, b"{}", b'{"title":"%s"}' % (b"x" * 16_384))

    await _submit(board, review=True)
    async with worker(server.url, plan_much):
        await eventually(lambda: board.stands("awaiting_review"))
    _, _, data = (await board.events())[-1]
    assert data["outline"] is None


async def test_job_that_waits_for_a_person_holds_no_slot(board: Board, server: Server) -> None:
    await _submit(board, review=True)
    async with worker(server.url, plan, concurrency=1), writer(server.url):
        await eventually(lambda: board.stands("awaiting_review"))
        await _submit(board, "other")
        await eventually(lambda: board.stands("completed", "other"))
        assert await board.state() == "awaiting_review"
        assert await outlines(board).approve(JOB, 1) is Approved.APPROVED
        await eventually(lambda: board.stands("completed"))
    assert await _kinds(board) == EVENTS
    await _nothing_is_left(board)


@pytest.mark.parametrize("review", [False, True], ids=["on", "review"])
async def test_lost_replies_hand_over_once(board: Board, server: Server, proxy: Proxy, review: bool) -> None:
    async with worker(proxy.url, plan, "planner"), writer(server.url):
        await _submit(board, "before")
        await eventually(lambda: board.stands("completed", "before"))
        proxy.drop_reply(script("handover"), times=2)
        await _submit(board, review=review)
        await eventually(lambda: proxy.dropped == 2)
        if review:
            await eventually(lambda: board.stands("awaiting_review"))
            await outlines(board).approve(JOB, None)
        await eventually(lambda: board.stands("completed"))
    assert await _kinds(board) == EVENTS
    assert Job.from_record(JOB, await board.record()).usage == Usage(llm_calls=3)
    await _nothing_is_left(board)


async def test_planner_that_shuts_down_while_it_hands_over_has_handed_over(
    board: Board, server: Server, proxy: Proxy
) -> None:
    async with worker(proxy.url, plan, "planner", grace_seconds=0, lease_seconds=30) as planner:
        await _submit(board, "before", review=True)
        await eventually(lambda: board.stands("awaiting_review", "before"))
        proxy.hold(on_its_way := Seen(script("handover")))
        await _submit(board)
        await eventually(lambda: on_its_way.seen)
        planner.drain.ask()
        await eventually(lambda: planner.health.readiness() == "draining")
        proxy.heal()
        await eventually(planner.task.done)
    assert (await board.record()).items() >= {"state": "queued", "phase": "document", "attempt": "0"}.items()
    async with writer(server.url):
        await eventually(lambda: board.stands("completed"))
    assert await _kinds(board) == EVENTS


async def test_planner_that_shuts_down_before_gives_its_job_to_another(board: Board, server: Server) -> None:
    first = Blocking()
    await _submit(board)
    async with worker(server.url, first, "first", grace_seconds=0) as planner:
        await eventually(lambda: first.started == 1)
        planner.drain.ask()
        await eventually(planner.task.done)
    async with worker(server.url, plan, "second"), writer(server.url):
        await eventually(lambda: board.stands("completed"))
    assert await _kinds(board) == ["queued", "started", *EVENTS]
    assert (await board.record()).items() >= {"attempt": "1", "run": "1"}.items()


async def test_hand_over_of_a_planner_that_was_cut_off_comes_too_late(
    board: Board, server: Server, proxy: Proxy
) -> None:
    """It was on its way when the link broke, and arrives when another planner has handed over."""
    async with worker(proxy.url, plan, "cut off"):
        await _submit(board, "before", review=True)
        await eventually(lambda: board.stands("awaiting_review", "before"))
        proxy.hold(on_its_way := Seen(script("handover")))
        await _submit(board, review=True)
        await eventually(lambda: on_its_way.seen)
        async with worker(server.url, plan, "planner", poll_seconds=0.1):
            await eventually(lambda: board.stands("awaiting_review"))
        before, run = await board.written(), await _scripts_run(board)
        proxy.heal()

        async def arrived() -> bool:
            return await _scripts_run(board) > run

        await eventually(arrived)
    assert await board.written() == before
    assert (await _kinds(board)).count("outline_ready") == 1


async def test_end_that_was_asked_for_comes_before_the_hand_over(board: Board, server: Server) -> None:
    async def plan_too_late(session: Session) -> HandOver:
        assert await board.store.jobs.cancel(session.claim.ref) is Cancelled.ASKED
        return PLANNED

    await _submit(board)
    async with worker(server.url, plan_too_late), writer(server.url):
        await eventually(lambda: board.stands("cancelled"))
    assert await _kinds(board) == ["queued", "started", "cancelled"]
    assert (await board.record())["phase"] == "outline"
    await _nothing_is_left(board)
