"""append_events: an owner's events, each once and in order."""

import pytest
from redis.exceptions import ResponseError

from shared.contracts.ids import EventId
from shared.contracts.jobs import Job
from shared.redis.attempts import Owned
from tests.support.board import KEYS, SECTION, Board, progress, section

JOURNAL_BYTES = 1024 * 1024


async def test_events_in_journal_and_feed(board: Board) -> None:
    claim = await board.claim()
    batch = [section(1, title="One"), section(2, title="二"), progress(3, 12.5, eta_seconds=None, section_id="s")]
    assert await board.store.attempts.append_events(claim, batch) is Owned.OK
    assert (await board.events())[2:] == [
        ("2-1", "section", SECTION | {"title": "One"}),
        ("2-2", "section", SECTION | {"title": "二"}),
        ("2-3", "progress", {"step": "step", "message": "message", "percent": 12.5, "eta_seconds": None,
                             "section_id": "s"}),
    ]  # fmt: skip


async def test_repeated_batch_is_written_once(board: Board) -> None:
    claim = await board.claim()
    batch = [section(1), progress(2, 5), section(3)]
    await board.store.attempts.append_events(claim, batch)
    before = await board.dump()
    assert await board.store.attempts.append_events(claim, batch) is Owned.OK
    assert await board.dump() == before


async def test_longer_batch_after_a_lost_reply_adds_what_is_new(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [section(1)])
    await board.store.attempts.append_events(claim, [section(1), section(2)])
    assert [entry_id for entry_id, _, _ in await board.events()] == ["1-0", "2-0", "2-1", "2-2"]


async def test_number_passed_over_is_an_error(board: Board) -> None:
    """Numbers may be left out, when a full server refused them, but never be filled in later."""
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [section(2)])
    with pytest.raises(ResponseError, match="event 2-1 was passed over"):
        await board.store.attempts.append_events(claim, [section(1)])


async def test_progress_is_kept_in_the_record(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [progress(1, 20, eta_seconds=7.5), section(2)])
    job = Job.from_record(claim.ref, await board.record())
    assert (job.progress.percent, job.progress.step, job.progress.message) == (20, "step", "message")
    assert job.progress.expected_at is not None
    assert job.progress.expected_at.timestamp() * 1000 == pytest.approx(await board.now() + 7_500, abs=1_000)
    await board.store.attempts.append_events(claim, [progress(3, 21)])
    assert Job.from_record(claim.ref, await board.record()).progress.expected_at is None


async def test_percent_never_falls(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [progress(1, 40), progress(2, 30)])
    again = await board.take_over()
    await board.store.attempts.append_events(again, [progress(1, 5, eta_seconds=None), progress(2, 41)])
    shown = [data["percent"] for _, kind, data in await board.events() if kind == "progress"]
    assert shown == [40, 40, 40, 41]
    assert Job.from_record(claim.ref, await board.record()).progress.percent == 41


async def test_cancel_flag_is_told_and_events_still_written(board: Board) -> None:
    claim = await board.claim()
    await board.store.jobs.cancel(claim.ref)
    assert await board.store.attempts.append_events(claim, [section(1)]) is Owned.CANCEL
    assert (await board.events())[-1][0] == "2-1"


async def test_stale_owner_writes_nothing(board: Board) -> None:
    stale = await board.claim()
    await board.store.attempts.append_events(await board.take_over(), [section(1)])
    before = await board.dump()
    assert await board.store.attempts.append_events(stale, [section(1), progress(2, 99)]) is Owned.FENCED
    assert await board.dump() == before


async def test_after_the_end_nothing_is_written(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    before = await board.dump()
    assert await board.store.attempts.append_events(claim, [section(2)]) is Owned.REPEATED
    assert await board.dump() == before


async def test_unknown_job_stays_unknown(board: Board) -> None:
    claim = await board.claim()
    await board.redis.flushall()
    assert await board.store.attempts.append_events(claim, [section(1)]) is Owned.FENCED
    assert await board.dump() == {}


async def test_journal_is_bounded(board: Board) -> None:
    claim = await board.claim()
    piece = "x" * 10_000
    for seq in range(1, 301, 10):
        await board.store.attempts.append_events(claim, [section(seq + step, title=piece) for step in range(10)])
    journal = await board.journal()
    assert JOURNAL_BYTES / 2 < sum(len(data["title"]) for _, _, data in journal) <= JOURNAL_BYTES
    assert journal[-1][0] == "2-300"
    first = EventId.parse(journal[0][0])
    assert first is not None
    assert Job.from_record(claim.ref, await board.record()).trimmed == EventId(2, first.seq - 1)


async def test_repeat_of_a_trimmed_batch_is_no_error(board: Board) -> None:
    claim = await board.claim()
    batch = [section(seq, title="x" * 100_000) for seq in range(1, 16)]
    await board.store.attempts.append_events(claim, batch)
    before = await board.dump()
    assert await board.store.attempts.append_events(claim, batch) is Owned.OK
    assert await board.dump() == before


async def test_counted_bytes_are_those_kept(board: Board) -> None:
    """The count must not drift from what is there, else the bound shrinks with every event that is trimmed."""
    claim = await board.claim()
    for seq in range(1, 6_001, 200):
        batch = [section(seq + step, title="x" * 400) for step in range(200)]
        await board.store.attempts.append_events(claim, batch)
    kept = await board.redis.xrange(KEYS.events(claim.ref))
    size = sum(64 + sum(len(name) + len(value) for name, value in fields.items()) for _, fields in kept)
    assert len(kept) < 6_000
    assert int((await board.record())["journal_bytes"]) == size


async def test_one_event_larger_than_the_bound_stays(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [section(1, text="x" * JOURNAL_BYTES), section(2)])
    assert [entry_id for entry_id, _, _ in await board.journal()][-1] == "2-2"
