"""cancel: at once where nobody works on the job, else through its owner."""

import pytest

from shared.contracts.ids import JobRef
from shared.redis.jobs import Cancelled
from tests.support.board import DAY, KEYS, KIND, Board


@pytest.mark.parametrize("delay_ms", [0, 60_000])
async def test_waiting_job(board: Board, delay_ms: int) -> None:
    await board.submit(delay_ms=delay_ms)
    assert await board.store.jobs.cancel(JobRef("job")) is Cancelled.CANCELLED
    record = await board.record()
    assert record.items() >= {"state": "cancelled", "fence": "2", "settled_fence": "2", "cancel": ""}.items()
    assert (await board.events())[-1] == ("2-0", "cancelled", {})
    assert set((await board.ttls()).values()) <= {DAY, DAY - 1}
    await board.assert_at_rest()


async def test_job_that_waits_for_another_attempt(board: Board, error: bytes) -> None:
    await board.store.attempts.fail(await board.claim(), 1, error, 60_000)
    assert await board.store.jobs.cancel(JobRef("job")) is Cancelled.CANCELLED
    assert (await board.events())[-1] == ("3-0", "cancelled", {})
    await board.assert_at_rest()


async def test_running_job(board: Board) -> None:
    claim = await board.claim()
    events = await board.events()
    assert await board.store.jobs.cancel(claim.ref) is Cancelled.ASKED
    assert (await board.record()).items() >= {"state": "running", "fence": "2", "cancel": "1"}.items()
    ((_, message),) = await board.redis.xrange(KEYS.control(KIND))
    assert message == {b"what": b"cancel", b"id": b"default/job", b"fence": b"2"}
    assert await board.events() == events
    assert set((await board.ttls()).values()) == {-1}
    assert await board.store.jobs.cancel(claim.ref) is Cancelled.ASKED


async def test_too_late(board: Board, error: bytes) -> None:
    done, failed, cancelled = [await board.claim(name) for name in ("done", "failed", "cancelled")]
    await board.store.attempts.finish(done, 1, b'{"a":1}')
    await board.store.attempts.fail(failed, 1, error, None)
    await board.store.jobs.cancel(cancelled.ref)
    await board.store.attempts.release(cancelled, 1)
    before = await board.dump()
    told = [await board.store.jobs.cancel(claim.ref) for claim in (done, failed, cancelled)]
    assert told == [Cancelled.COMPLETED, Cancelled.FAILED, Cancelled.CANCELLED]
    assert await board.dump() == before


async def test_unknown_job(board: Board) -> None:
    before = await board.dump()
    assert await board.store.jobs.cancel(JobRef("never-was")) is Cancelled.UNKNOWN
    assert await board.dump() == before
