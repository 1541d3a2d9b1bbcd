"""approve: a person lets a planned document be written."""

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind
from shared.redis.jobs import Cancelled, Retried
from shared.redis.outlines import Approved
from tests.support.board import KEYS, Board
from tests.support.planned import (
    WRITERS,
    change,
    counted,
    fetch_writers,
    hand_over,
    outlines,
    planning,
    queued_for,
    reviewed,
)

JOB = JobRef("job")
HOUR_MS = 3_600_000


@pytest.mark.parametrize("version", [1, None])
async def test_job_goes_to_those_who_write(board: Board, version: int | None) -> None:
    await reviewed(board)
    assert await outlines(board).approve(JOB, version) is Approved.APPROVED
    job = Job.from_record(JOB, await board.record())
    assert (job.state, job.phase, job.review, job.fence, job.attempt) == ("queued", "document", "approved", 3, 0)
    assert (await board.events())[-1] == ("3-0", "queued", {"band": "default", "reason": "approved"})
    assert (await counted(board, JobKind.OUTLINE), await queued_for(board, WRITERS)) == ({}, 1)
    assert (await board.fetch()).claims == []
    (claim,) = await fetch_writers(board)
    assert (claim.fence, claim.attempt) == (4, 1)


async def test_repeat_after_a_lost_reply_changes_nothing(board: Board) -> None:
    await reviewed(board)
    await outlines(board).approve(JOB, 1)
    before = await board.dump()
    assert await outlines(board).approve(JOB, 1) is Approved.ALREADY
    assert await board.dump() == before


async def test_repeat_while_it_is_written_and_after_changes_nothing(board: Board) -> None:
    await reviewed(board)
    await outlines(board).approve(JOB, 1)
    (claim,) = await fetch_writers(board)
    before = await board.dump()
    assert await outlines(board).approve(JOB, 1) is Approved.ALREADY
    assert await board.dump() == before
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    before = await board.dump()
    assert await outlines(board).approve(JOB, None) is Approved.ALREADY
    assert await board.dump() == before


async def test_what_was_not_seen_is_not_approved(board: Board) -> None:
    await reviewed(board)
    await outlines(board).put(JOB, change(1))
    before = await board.dump()
    assert await outlines(board).approve(JOB, 1) is Approved.CHANGED
    assert await board.dump() == before
    assert await outlines(board).approve(JOB, 2) is Approved.APPROVED


async def test_job_that_waits_for_nobody(board: Board) -> None:
    claim = await planning(board)
    before = await board.dump()
    assert await outlines(board).approve(JOB, None) is Approved.RUNNING
    assert await board.dump() == before
    await hand_over(board, claim)
    before = await board.dump()
    assert await outlines(board).approve(JOB, 1) is Approved.QUEUED
    assert await board.dump() == before


async def test_unknown_job(board: Board) -> None:
    before = await board.dump()
    assert await outlines(board).approve(JOB, None) is Approved.UNKNOWN
    assert await board.dump() == before


async def test_cancelled_instead(board: Board) -> None:
    await reviewed(board)
    assert await board.store.jobs.cancel(JOB) is Cancelled.CANCELLED
    assert (await board.events())[-1] == ("3-0", "cancelled", {})
    assert await counted(board, JobKind.OUTLINE) == {}
    assert await outlines(board).approve(JOB, None) is Approved.CANCELLED
    assert all(ttl > 0 for ttl in (await board.ttls()).values())
    await board.assert_at_rest()


async def test_job_that_was_cancelled_goes_to_those_who_plan_and_waits_again(board: Board) -> None:
    await reviewed(board)
    await outlines(board).put(JOB, change(1))
    await board.store.jobs.cancel(JOB)
    assert await board.store.jobs.retry(JOB, "again") is Retried.RETRIED
    assert await queued_for(board, WRITERS) == 0
    claim = await board.fetch_one()
    await board.store.attempts.hand_over(claim, 1, 2, b"changed", b"null")
    job = Job.from_record(JOB, await board.record())
    assert (job.state, job.outline_version, job.run) == ("awaiting_review", 2, 2)


async def test_time_of_the_person_counts_neither_as_work_nor_in_statistics(board: Board) -> None:
    await reviewed(board)
    for field in ("review_since", "started_at"):
        await board.redis.hincrby(KEYS.job(JOB), field, -HOUR_MS)
    await outlines(board).approve(JOB, None)
    (claim,) = await fetch_writers(board)
    assert claim.worked_seconds < 60
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    fields = [
        field.decode()
        for key in await board.redis.keys(KEYS.stats(0).removesuffix("0") + "*")
        for field in await board.redis.hkeys(key)
    ]
    (bucket,) = [int(field.rpartition(":")[2]) for field in fields if field.startswith("document:default:completed:")]
    assert 2 ** (bucket / 4) < 60_000
