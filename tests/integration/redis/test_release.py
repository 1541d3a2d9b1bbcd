"""release: a running job goes back unharmed."""

from shared.contracts.jobs import Job
from shared.contracts.states import Band
from shared.contracts.usage import Usage
from shared.redis.attempts import Settled
from tests.support.board import KEYS, KIND, Board, section

SPENT = Usage(llm_calls=1)


async def test_given_back_with_its_attempt_and_its_place(board: Board) -> None:
    claim = await board.claim()
    await board.submit("behind")
    entry = (await board.record())["entry"]
    assert await board.store.attempts.release(claim, 1, SPENT) is Settled.RELEASED
    record = await board.record()
    given = {"state": "queued", "fence": "3", "attempt": "0", "worker": "", "entry": entry}
    assert record.items() >= given.items()
    assert (await board.events())[-1] == ("3-0", "queued", {"band": "default", "reason": "released"})
    assert Job.from_record(claim.ref, record).usage == SPENT
    assert (await board.outstanding(), await board.pending()) == (2, 1)
    again = await board.fetch_one()
    assert (again.ref, again.fence, again.attempt) == (claim.ref, 4, 1)


async def test_workers_are_woken(board: Board) -> None:
    await board.store.attempts.release(await board.claim(), 1)
    ((_, message),) = await board.redis.xrange(KEYS.control(KIND))
    assert (message[b"what"], message[b"id"]) == (b"released", b"default/job")


async def test_repeat_after_a_lost_reply_changes_nothing(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.release(claim, 1, SPENT)
    before = await board.dump()
    assert await board.store.attempts.release(claim, 1, SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_released_job_may_be_cancelled(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.release(claim, 1)
    await board.store.jobs.cancel(claim.ref)
    assert await board.state() == "cancelled"
    await board.assert_at_rest()


async def test_asked_to_end_meanwhile(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [section(1)])
    await board.store.jobs.cancel(claim.ref)
    assert await board.store.attempts.release(claim, 2, SPENT) is Settled.CANCELLED
    assert Job.from_record(claim.ref, await board.record()).usage == SPENT
    assert (await board.events())[-1] == ("2-2", "cancelled", {})
    await board.assert_at_rest()
    before = await board.dump()
    assert await board.store.attempts.release(claim, 2, SPENT) is Settled.REPEATED
    assert await board.dump() == before


async def test_stale_owner_changes_nothing(board: Board) -> None:
    stale = await board.claim()
    await board.take_over()
    before = await board.dump()
    assert await board.store.attempts.release(stale, 1, SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_releases_do_not_use_up_attempts(board: Board) -> None:
    claim = await board.claim(max_attempts=1)
    for _ in range(3):
        await board.store.attempts.release(claim, 1)
        claim = await board.fetch_one()
        assert claim.attempt == 1
    assert (await board.outstanding(Band.DEFAULT), await board.pending(Band.DEFAULT)) == (1, 1)
