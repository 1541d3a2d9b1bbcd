"""The events of one attempt: numbered, in order, text coalesced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest_asyncio
from pydantic import SecretStr

from shared.contracts.events import ProgressData, Section
from shared.lifecycle.clock import SystemClock
from shared.redis.attempts import Owned
from shared.redis.client import connections
from shared.redis.failures import UNAVAILABLE
from shared.redis.store import Store
from shared.settings import RedisSettings
from shared.streams.publisher import BATCH_EVENTS, EventWriter
from tests.support.board import Board
from tests.support.proxy import Proxy, script
from tests.support.servers import Server
from tests.support.waiting import eventually

PROGRESS = ProgressData(step="s", message="m", percent=1)


@pytest_asyncio.fixture
async def events(board: Board) -> EventWriter:
    """The writer of a running job."""
    return EventWriter(await board.claim(), board.store.attempts, SystemClock())


@asynccontextmanager
async def _at_work(events: EventWriter) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(events.run())
        yield
        task.cancel()


async def _deltas(board: Board) -> list[tuple[str, int, int, str]]:
    return [
        (data["section_id"], data["revision"], data["offset"], data["text"])
        for _, kind, data in await board.journal()
        if kind == "delta"
    ]


async def test_text_is_sent_four_times_a_second_and_joins(board: Board, events: EventWriter) -> None:
    async with _at_work(events):
        for number in range(110):
            events.text("a", 0, f"{number},")
            events.text("b", 0, "二")
            await asyncio.sleep(0.01)
        await events.flush()
    deltas = await _deltas(board)
    for section, whole in {"a": "".join(f"{number}," for number in range(110)), "b": "二" * 110}.items():
        mine = [delta for delta in deltas if delta[0] == section]
        assert 3 <= len(mine) <= 6
        assert "".join(text for *_, text in mine) == whole
        assert [offset for _, _, offset, _ in mine] == [
            sum(len(text) for *_, text in mine[:number]) for number in range(len(mine))
        ]


async def test_steady_events_do_not_hold_text_back(board: Board, events: EventWriter) -> None:
    async with _at_work(events):
        events.text("a", 0, "early")
        for _ in range(50):
            events.emit(PROGRESS)
            await asyncio.sleep(0.01)
        assert await _deltas(board) == [("a", 0, 0, "early")]


async def test_events_are_sent_at_once(board: Board, events: EventWriter) -> None:
    async with _at_work(events):
        events.text("a", 0, "waits")
        events.emit(PROGRESS)
        await eventually(lambda: _written(board, 3), seconds=0.2, every=0.005)
        assert await _deltas(board) == []


async def _written(board: Board, count: int) -> bool:
    return len(await board.journal()) == count


async def test_section_ends_after_its_text(board: Board, events: EventWriter) -> None:
    events.text("a", 0, "text")
    events.text("b", 0, "other")
    events.emit(Section(section_id="a", revision=0, title="A", words=1))
    await events.flush()
    assert [kind for _, kind, _ in await board.events()][2:] == ["delta", "section", "delta"]


async def test_revision_begins_anew(board: Board, events: EventWriter) -> None:
    events.text("a", 0, "first ")
    await events.flush()
    events.text("a", 0, "draft")
    events.text("a", 1, "second")
    events.text("a", 1, "")
    await events.flush()
    events.text("a", 1, " draft")
    await events.flush()
    assert await _deltas(board) == [
        ("a", 0, 0, "first "), ("a", 0, 6, "draft"), ("a", 1, 0, "second"), ("a", 1, 6, " draft"),
    ]  # fmt: skip


async def test_surrogates_are_joined_or_replaced(board: Board, events: EventWriter) -> None:
    """Models stream JSON whose escapes may cut a character in two."""
    events.text("a", 0, "\ud83d")
    events.text("a", 0, "\ude00 and \ud83d")
    await events.flush()
    events.text("a", 0, "!")
    await events.flush()
    assert await _deltas(board) == [("a", 0, 0, "😀 and \ufffd"), ("a", 0, 7, "!")]


async def test_many_events_keep_their_order(board: Board, events: EventWriter) -> None:
    async with _at_work(events):
        for _ in range(BATCH_EVENTS * 2 + 1):
            events.emit(PROGRESS)
        await asyncio.gather(events.flush(), events.flush())
    numbers = [int(entry_id.partition("-")[2]) for entry_id, _, _ in await board.events()][2:]
    assert numbers == list(range(1, BATCH_EVENTS * 2 + 2))
    assert events.next_seq() == BATCH_EVENTS * 2 + 2


async def test_stale_writer_is_told(board: Board, events: EventWriter) -> None:
    await board.take_over()
    events.emit(PROGRESS)
    assert await events.flush() is Owned.FENCED
    assert await _written(board, 3)


async def test_writing_goes_on_after_redis_was_away(board: Board, server: Server) -> None:
    claim = await board.claim()
    async with Proxy(server.port) as proxy, connections(RedisSettings(url=SecretStr(proxy.url))) as opened:
        events = EventWriter(claim, Store(opened, 1).attempts, SystemClock())
        events.emit(PROGRESS)
        await events.flush()
        async with _at_work(events):
            proxy.drop_reply(script("append_events"), times=5)
            for _ in range(3):
                events.emit(PROGRESS)
            await eventually(lambda: _written(board, 6))
            await eventually(lambda: not events._queue)
        assert proxy.dropped == 5
        proxy.cut()
        events.text("a", 0, "kept")
        try:
            await events.flush()
        except UNAVAILABLE:
            proxy.heal()
        await events.flush()
    assert [entry_id for entry_id, _, _ in await board.events()][2:] == [f"2-{number}" for number in range(1, 6)]
