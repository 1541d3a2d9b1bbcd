"""handover: a planned document goes to those who write it, or waits for a person."""

import json

from shared.contracts.jobs import Job
from shared.contracts.states import Band, JobKind, JobState
from shared.contracts.usage import Usage
from shared.redis.attempts import ArtifactWrite, CheckpointItem, Settled
from shared.redis.queues import Fetcher
from tests.support.board import KEYS, Board
from tests.support.planned import (
    OUTLINE,
    WRITERS,
    counted,
    fetch_writers,
    hand_over,
    planning,
    queued_for,
    reviewed,
)

PLANNERS = JobKind.OUTLINE
SPENT = Usage(llm_calls=2, prompt_tokens=10, completion_tokens=5, cost_usd=0.5)
READY = {"version": 1, "awaiting_review": False, "outline": OUTLINE}


async def test_job_waits_for_those_who_write(board: Board) -> None:
    claim = await planning(board)
    assert await hand_over(board, claim) is Settled.HANDED_OVER
    job = Job.from_record(claim.ref, await board.record())
    assert (job.state, job.phase, job.kind, job.fence) == ("queued", "document", "document", 3)
    assert (job.attempt, job.worker, job.outline_version) == (0, None, 1)
    assert (await board.events())[-2:] == [
        ("2-1", "outline_ready", READY),
        ("3-0", "queued", {"band": "default", "reason": "outline_ready"}),
    ]
    assert (await queued_for(board, PLANNERS), await queued_for(board, WRITERS)) == (0, 1)
    assert (await board.pending(), await board.lease()) == (0, None)
    assert await board.store.jobs.artifact(claim.ref, "outline:1") == b"planned"
    assert set((await board.ttls()).values()) == {-1}


async def test_those_who_plan_are_not_given_it_again(board: Board) -> None:
    await hand_over(board, await planning(board))
    assert (await board.fetch()).claims == []
    (claim,) = await fetch_writers(board)
    assert (claim.kind, claim.makes, claim.fence, claim.attempt, claim.run) == ("document", "document", 4, 1, 1)


async def test_jobs_are_counted_where_they_stand(board: Board) -> None:
    claim = await planning(board)
    assert (await counted(board, PLANNERS), await counted(board, WRITERS)) == ({"running": 1}, {})
    await hand_over(board, claim)
    assert (await counted(board, PLANNERS), await counted(board, WRITERS)) == ({}, {})
    await fetch_writers(board)
    assert (await counted(board, PLANNERS), await counted(board, WRITERS)) == ({}, {"running": 1})


async def test_attempts_of_the_writing_are_counted_afresh(board: Board) -> None:
    await planning(board, max_attempts=2)
    second = await board.take_over()
    await hand_over(board, second)
    (claim,) = await fetch_writers(board)
    assert (second.attempt, claim.attempt) == (2, 1)
    assert not claim.on_probation


async def test_usage_is_one_account(board: Board) -> None:
    claim = await planning(board)
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "ledger", b"evidence", SPENT))
    await hand_over(board, claim, usage=SPENT)
    (claim,) = await fetch_writers(board)
    assert (claim.spent.prompt_tokens, claim.spent.cost_usd) == (20, 1.0)
    await board.store.attempts.finish(claim, 1, b'{"a":1}', SPENT)
    result = json.loads(await board.store.jobs.result(claim.ref) or b"")
    assert result["usage"] == (SPENT + SPENT + SPENT).model_dump()


async def test_time_that_was_worked_goes_on(board: Board) -> None:
    claim = await planning(board)
    await board.redis.hincrby(KEYS.job(claim.ref), "claimed_at", -30_000)
    await hand_over(board, claim)
    (claim,) = await fetch_writers(board)
    assert 30 <= claim.worked_seconds < 35


async def test_work_stays_and_checkpoints_go(board: Board) -> None:
    claim = await planning(board)
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "ledger", b"evidence"))
    items = [CheckpointItem(part, "field", b"value") for part in ("heads", "blobs", "writes")]
    await board.store.attempts.put_checkpoint(claim.ref, claim.fence, items)
    await hand_over(board, claim)
    assert (await board.ttls()).keys() == {"job", "events", "payload", "artifact"}
    assert await board.store.jobs.artifact(claim.ref, "ledger") == b"evidence"


async def test_job_waits_for_a_person(board: Board) -> None:
    claim = await planning(board, review=True)
    assert await hand_over(board, claim, usage=SPENT) is Settled.AWAITING_REVIEW
    record = await board.record()
    assert record.items() >= {"state": "awaiting_review", "phase": "outline", "fence": "2", "attempt": "0"}.items()
    assert record.items() >= {"settled_fence": "2", "entry": "", "worker": "", "review": "wanted"}.items()
    assert (await board.events())[-1] == ("2-1", "outline_ready", {**READY, "awaiting_review": True})
    assert Job.from_record(claim.ref, record).usage == SPENT
    assert (await counted(board, PLANNERS), await queued_for(board, WRITERS)) == ({"awaiting_review": 1}, 0)
    assert set((await board.ttls()).values()) == {-1}
    await board.assert_at_rest()


async def test_repeat_after_a_lost_reply_changes_nothing(board: Board) -> None:
    claim = await planning(board)
    await hand_over(board, claim, usage=SPENT)
    before = await board.dump()
    assert await hand_over(board, claim, usage=SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_repeat_while_the_job_waits_for_a_person_changes_nothing(board: Board) -> None:
    claim = await planning(board, review=True)
    await hand_over(board, claim, usage=SPENT)
    before = await board.dump()
    assert await hand_over(board, claim, usage=SPENT) is Settled.REPEATED
    assert await board.store.attempts.release(claim, 1) is Settled.REPEATED
    assert await board.dump() == before


async def test_stale_owner_changes_nothing(board: Board) -> None:
    stale = await planning(board)
    again = await board.take_over()
    before = await board.dump()
    assert await hand_over(board, stale, usage=SPENT) is Settled.FENCED
    assert await board.dump() == before
    await hand_over(board, again)
    await fetch_writers(board)
    before = await board.dump()
    assert await hand_over(board, stale, usage=SPENT) is Settled.FENCED
    assert await hand_over(board, again, usage=SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_asked_to_end_meanwhile(board: Board) -> None:
    claim = await planning(board, review=True)
    await board.store.jobs.cancel(claim.ref)
    assert await hand_over(board, claim, usage=SPENT) is Settled.CANCELLED
    job = Job.from_record(claim.ref, await board.record())
    assert (job.state, job.phase, job.usage, job.outline_version) == ("cancelled", "outline", SPENT, None)
    assert await board.store.jobs.artifact(claim.ref, "outline:1") is None
    assert (await board.events())[-1] == ("2-1", "cancelled", {})
    assert await queued_for(board, WRITERS) == 0
    await board.assert_at_rest()


async def test_outline_that_is_there_is_not_replaced(board: Board) -> None:
    claim = await reviewed(board)
    await board.store.jobs.cancel(claim.ref)
    await board.store.jobs.retry(claim.ref, "again")
    again = await board.fetch_one()
    assert await board.store.attempts.hand_over(again, 1, 1, b"planned anew", b"null") is Settled.AWAITING_REVIEW
    assert await board.store.jobs.artifact(claim.ref, "outline:1") == b"planned"


async def test_error_of_an_earlier_attempt_is_forgotten(board: Board, error: bytes) -> None:
    await board.store.attempts.fail(await planning(board), 1, error, 0)
    await board.make_due()
    claim = await board.fetch_one()
    await hand_over(board, claim)
    assert Job.from_record(claim.ref, await board.record()).error is None


async def test_dead_letter_of_the_writing_is_written_again_and_not_planned(board: Board, error: bytes) -> None:
    await hand_over(board, await planning(board, max_attempts=1))
    (claim,) = await fetch_writers(board)
    assert await board.store.attempts.fail(claim, 1, error, 0) is Settled.FAILED
    assert await board.redis.zrange(KEYS.dead(WRITERS, Band.DEFAULT), 0, -1) == [b"default/job"]
    assert await board.store.jobs.requeue(claim.ref, "again")
    assert not await board.redis.exists(KEYS.dead(WRITERS, Band.DEFAULT))
    assert (await queued_for(board, PLANNERS), await queued_for(board, WRITERS)) == (0, 1)


async def test_places_that_are_none_of_the_kind_s_are_passed_over(board: Board) -> None:
    """As if they had been left behind where the job was planned."""
    await hand_over(board, await planning(board))
    ((entry, fields),) = await board.redis.xrange(KEYS.requests(WRITERS, Band.DEFAULT))
    await board.redis.xadd(KEYS.requests(PLANNERS, Band.DEFAULT), fields, id=entry)
    await board.redis.zadd(KEYS.leases(PLANNERS), {"default/job": 1})
    assert (await board.fetch(count=5)).claims == []
    assert (await board.outstanding(), await board.lease()) == (0, None)
    (claim,) = await fetch_writers(board)
    await board.redis.zadd(KEYS.leases(PLANNERS), {"default/job": 1})
    assert await board.store.queues.reconcile(0, PLANNERS, Fetcher("writer", 0)) == 0
    assert (await board.record())["fence"] == str(claim.fence)


async def test_schedule_that_is_none_of_the_kind_s_is_passed_over(board: Board, error: bytes) -> None:
    await hand_over(board, await planning(board))
    (claim,) = await fetch_writers(board)
    await board.store.attempts.fail(claim, 1, error, 60_000)
    await board.redis.zadd(KEYS.delayed(PLANNERS), {"default/job": 1})
    assert await board.store.queues.promote(0, PLANNERS) == (0, None)
    assert await board.state() == JobState.SCHEDULED


async def test_record_from_before_there_were_phases(board: Board) -> None:
    await board.submit(kind=JobKind.DOCUMENT)
    await board.redis.hdel(KEYS.job(board_ref := (await fetch_writers(board))[0].ref), "phase", "review")
    await board.redis.zadd(KEYS.leases(WRITERS), {str(board_ref): 1})
    (claim,) = await fetch_writers(board)
    assert claim.attempt == 2
    assert await board.store.attempts.finish(claim, 1, b'{"a":1}') is Settled.COMPLETED
    assert (await queued_for(board, WRITERS), await counted(board, WRITERS)) == (0, {})


async def test_unknown_job(board: Board) -> None:
    claim = await planning(board)
    await board.redis.flushall()
    assert await hand_over(board, claim) is Settled.FENCED
    assert await board.dump() == {}
