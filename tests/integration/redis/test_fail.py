"""fail: another attempt later, or the end."""

import json

from shared.contracts.jobs import Job, Retention
from shared.contracts.states import Band
from shared.contracts.usage import Usage
from shared.redis.attempts import Settled
from tests.support.board import KEYS, KIND, WEEK, Board

SPENT = Usage(llm_calls=1)


async def test_tried_again_later(board: Board, error: bytes) -> None:
    claim = await board.claim()
    now = await board.now()
    assert await board.store.attempts.fail(claim, 1, error, 30_000, SPENT) is Settled.RETRYING
    record = await board.record()
    assert record.items() >= {"state": "scheduled", "attempt": "1", "entry": "", "worker": ""}.items()
    due = int(record["not_before"])
    assert now + 29_999 <= due <= now + 35_000
    assert await board.redis.zscore(KEYS.delayed(KIND), "default/job") == due
    entry_id, kind, data = (await board.events())[-1]
    assert (entry_id, kind, data["error"]) == ("2-1", "retrying", json.loads(error))
    assert (await board.outstanding(), await board.pending(), await board.lease()) == (0, 0, None)
    assert set((await board.ttls()).values()) == {-1}
    job = Job.from_record(claim.ref, record)
    assert (job.usage, job.error and job.error.code) == (SPENT, "model_unavailable")


async def test_repeat_after_a_lost_reply_changes_nothing(board: Board, error: bytes) -> None:
    claim = await board.claim()
    await board.store.attempts.fail(claim, 1, error, 30_000, SPENT)
    before = await board.dump()
    assert await board.store.attempts.fail(claim, 1, error, 30_000, SPENT) is Settled.REPEATED
    assert await board.dump() == before
    await board.make_due()
    before = await board.dump()
    assert await board.store.attempts.fail(claim, 1, error, 30_000, SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_out_of_attempts_is_a_dead_letter(board: Board, error: bytes) -> None:
    claim = await board.claim(max_attempts=1)
    assert await board.store.attempts.fail(claim, 1, error, 0) is Settled.FAILED
    record = await board.record()
    assert record.items() >= {"state": "failed", "error": error.decode(), "settled_fence": "2"}.items()
    assert (await board.events())[-1] == ("2-1", "failed", {"error": json.loads(error)})
    assert await board.redis.zrange(KEYS.dead(KIND, Band.DEFAULT), 0, -1) == [b"default/job"]
    assert set((await board.ttls()).values()) <= {WEEK, WEEK - 1}
    await board.assert_at_rest()


async def test_permanent_error_ends_the_job_at_once_and_is_no_dead_letter(board: Board, error: bytes) -> None:
    claim = await board.claim()
    assert await board.store.attempts.fail(claim, 1, error, None) is Settled.FAILED
    assert await board.state() == "failed"
    assert not await board.redis.exists(KEYS.dead(KIND, Band.DEFAULT))
    before = await board.dump()
    assert await board.store.attempts.fail(claim, 1, error, None) is Settled.REPEATED
    assert await board.dump() == before
    await board.assert_at_rest()


async def test_dead_letters_that_live_longer_stay(board: Board, error: bytes) -> None:
    await board.store.attempts.fail(await board.claim("old", max_attempts=1), 1, error, 0)
    await board.redis.zadd(KEYS.dead(KIND, Band.DEFAULT), {"default/old": await board.now() - 3_000})
    await board.store.attempts.fail(
        await board.claim("job", max_attempts=1, retention=Retention(failed_seconds=1)), 1, error, 0
    )
    assert await board.redis.zrange(KEYS.dead(KIND, Band.DEFAULT), 0, -1) == [b"default/old", b"default/job"]


async def test_asked_to_end_meanwhile(board: Board, error: bytes) -> None:
    claim = await board.claim()
    await board.store.jobs.cancel(claim.ref)
    assert await board.store.attempts.fail(claim, 1, error, 0, SPENT) is Settled.CANCELLED
    assert Job.from_record(claim.ref, await board.record()).usage == SPENT
    assert (await board.events())[-1] == ("2-1", "cancelled", {})
    await board.assert_at_rest()


async def test_stale_owner_changes_nothing(board: Board, error: bytes) -> None:
    stale = await board.claim()
    await board.take_over()
    before = await board.dump()
    for wait in (0, None):
        assert await board.store.attempts.fail(stale, 1, error, wait, SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_attempts_count_over_crashes_and_errors(board: Board, error: bytes) -> None:
    await board.claim()
    second = await board.take_over()
    assert await board.store.attempts.fail(second, 1, error, 0) is Settled.RETRYING
    await board.make_due()
    third = await board.fetch_one()
    assert (third.attempt, third.fence) == (3, 5)
    assert await board.store.attempts.fail(third, 1, error, 0) is Settled.FAILED
