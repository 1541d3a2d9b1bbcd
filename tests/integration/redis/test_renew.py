"""renew: all leases of a worker in one call."""

from dataclasses import replace

from shared.redis.attempts import Owned
from tests.support.board import KIND, Board


async def test_each_job_gets_its_answer(board: Board) -> None:
    kept, asked, taken, done = [await board.claim(name) for name in ("kept", "asked", "taken", "done")]
    await board.store.jobs.cancel(asked.ref)
    await board.take_over("taken")
    await board.store.attempts.finish(done, 1, b'{"a":1}')
    held = [(claim.ref, claim.fence) for claim in (kept, asked, taken, done)]
    told = await board.store.queues.renew(0, KIND, 500_000, held)
    assert told == [Owned.OK, Owned.CANCEL, Owned.FENCED, Owned.FENCED]
    now = await board.now()
    for name in ("kept", "asked"):
        lease = await board.lease(name)
        assert lease is not None
        assert now + 490_000 < lease <= now + 500_000
    other = await board.lease("taken")
    assert other is not None
    assert other < now + 70_000
    assert await board.lease("done") is None


async def test_lease_that_ended_but_was_not_taken_is_kept(board: Board) -> None:
    claim = await board.claim()
    await board.end_lease()
    assert await board.store.queues.renew(0, KIND, 60_000, [(claim.ref, claim.fence)]) == [Owned.OK]
    assert (await board.fetch()).claims == []


async def test_refused_renewal_writes_nothing(board: Board) -> None:
    claim = await board.claim()
    await board.take_over()
    before = await board.dump()
    stale = replace(claim, ref=replace(claim.ref, job_id="unknown"))
    told = await board.store.queues.renew(0, KIND, 1, [(claim.ref, claim.fence), (stale.ref, stale.fence)])
    assert told == [Owned.FENCED, Owned.FENCED]
    assert await board.dump() == before


async def test_nothing_held(board: Board) -> None:
    assert await board.store.queues.renew(0, KIND, 1_000, []) == []


async def test_released_job_is_not_renewed(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.release(claim, 1)
    assert await board.store.queues.renew(0, KIND, 60_000, [(claim.ref, claim.fence)]) == [Owned.FENCED]
