"""retry: a new run of the same job, from what is stored."""

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.states import Band
from shared.redis.attempts import ArtifactWrite, CheckpointItem, Owned, Settled
from shared.redis.jobs import Retried
from tests.support.board import KEYS, KIND, Board, section

REF = JobRef("job")


async def test_failed_job_begins_again_from_its_stored_work(board: Board, error: bytes) -> None:
    claim = await board.claim(max_attempts=1)
    await board.store.attempts.put_artifact(claim, ArtifactWrite("w", "text:s1", b"written"))
    await board.store.attempts.put_checkpoint(REF, claim.fence, [CheckpointItem("heads", "h", b"x")])
    assert await board.store.attempts.fail(claim, 1, error, 1_000) is Settled.FAILED
    assert await board.redis.zscore(KEYS.dead(KIND, Band.DEFAULT), "default/job") is not None

    assert await board.store.jobs.retry(REF, "again") is Retried.RETRIED
    record = await board.record()
    assert record.items() >= {"state": "queued", "run": "2", "fence": "3", "run_fence": "3", "attempt": "0"}.items()
    assert record.items() >= {"error": "", "percent": "0", "finished_at": "", "request_id": "again"}.items()
    assert set((await board.ttls()).values()) == {-1}
    assert await board.redis.zscore(KEYS.dead(KIND, Band.DEFAULT), "default/job") is None
    assert (await board.events())[-1] == ("3-0", "queued", {"band": "default", "reason": "retried"})

    second = await board.fetch_one()
    assert (second.fence, second.attempt, second.run) == (4, 1, 2)
    assert await board.store.jobs.artifact(REF, "text:s1") == b"written"
    assert await board.store.attempts.finish(second, 1, b'{"a":1}') is Settled.COMPLETED
    await board.assert_at_rest()


async def test_the_old_owner_cannot_write_into_the_new_run(board: Board, error: bytes) -> None:
    claim = await board.claim()
    await board.store.attempts.fail(claim, 1, error, None)
    await board.store.jobs.retry(REF, "again")
    await board.fetch_one()
    assert await board.store.attempts.append_events(claim, [section(9)]) is Owned.FENCED
    assert await board.store.attempts.finish(claim, 9, b"{}") is Settled.FENCED
    assert await board.store.jobs.cancel(REF) == "asked"


async def test_cancelled_job_begins_again(board: Board) -> None:
    await board.submit()
    await board.store.jobs.cancel(REF)
    assert await board.store.jobs.retry(REF, "again") is Retried.RETRIED
    assert (await board.fetch_one()).run == 2


async def test_repeating_a_lost_reply_begins_one_run(board: Board) -> None:
    await board.submit()
    await board.store.jobs.cancel(REF)
    answers = [await board.store.jobs.retry(REF, "again") for _ in range(3)]
    assert answers == [Retried.RETRIED] * 3
    assert (await board.record())["run"] == "2"
    assert await board.redis.xlen(KEYS.requests(KIND, Band.DEFAULT)) == 1
    assert await board.store.jobs.retry(REF, "somebody else") is Retried.QUEUED


@pytest.mark.parametrize("state", ["queued", "running", "scheduled", "completed"])
async def test_other_states_are_left_alone(board: Board, state: str) -> None:
    await board.submit(delay_ms=60_000 if state == "scheduled" else 0)
    if state in {"running", "completed"}:
        claim = await board.fetch_one()
        if state == "completed":
            await board.store.attempts.finish(claim, 1, b"{}")
    before = await board.record()
    assert await board.store.jobs.retry(REF, "again") == state
    assert await board.record() == before


async def test_unknown_job(board: Board) -> None:
    assert await board.store.jobs.retry(REF, "again") is Retried.UNKNOWN
