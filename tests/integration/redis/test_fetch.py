"""fetch: claims, take-overs, and the cleaning of what may not run."""

import asyncio

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.states import Band
from shared.redis.keys import GROUP
from tests.support.board import KEYS, KIND, WEEK, Board


async def test_claim(board: Board) -> None:
    await board.submit(request_id="r-1")
    claim = await board.fetch_one("worker-1")
    assert (claim.ref, claim.kind, claim.band) == (JobRef("job"), KIND, Band.DEFAULT)
    assert (claim.fence, claim.attempt, claim.max_attempts, claim.run, claim.request_id) == (2, 1, 3, 1, "r-1")
    assert 0 <= claim.waited_seconds < 5
    record = await board.record()
    assert record.items() >= {"state": "running", "fence": "2", "attempt": "1", "worker": "worker-1"}.items()
    assert (await board.events())[1:] == [("2-0", "started", {"attempt": 1, "worker": "worker-1"})]
    lease, now = await board.lease(), await board.now()
    assert lease is not None
    assert now + 50_000 < lease <= now + 60_000
    assert (await board.outstanding(), await board.pending()) == (1, 1)


async def test_nothing_to_claim(board: Board) -> None:
    fetched = await board.fetch(count=5)
    assert (fetched.claims, fetched.last_ids) == ([], ["0-0"] * 4)


async def test_running_job_is_claimed_once(board: Board) -> None:
    await board.submit()
    claims = await asyncio.gather(*(board.fetch(count=3, worker=str(number)) for number in range(10)))
    assert sum(len(each.claims) for each in claims) == 1


async def test_count_bounds_claims_over_all_bands(board: Board) -> None:
    for number, priority in enumerate([1, 1, 5, 5, 8, 8]):
        await board.submit(f"job-{number}", priority=priority)
    fetched = await board.fetch(count=3)
    assert [claim.ref.job_id for claim in fetched.claims] == ["job-4", "job-5", "job-2"]
    assert (await board.pending(Band.DEFAULT), await board.pending(Band.LOW)) == (1, 0)


async def test_bands_are_read_in_the_order_given(board: Board) -> None:
    for job_id, priority in {"low": 0, "default": 5, "high": 9}.items():
        await board.submit(job_id, priority=priority)
    fetched = await board.fetch(count=3, bands=list(Band)[::-1])
    assert [claim.ref.job_id for claim in fetched.claims] == ["low", "default", "high"]


async def test_count_zero_claims_nothing_and_tells_positions(board: Board) -> None:
    await board.submit()
    before = await board.dump()
    fetched = await board.fetch(count=0)
    assert fetched.claims == []
    assert fetched.last_ids[1] == (await board.record())["entry"]
    assert await board.dump() == before


async def test_last_ids_stay_after_entries_are_gone(board: Board) -> None:
    claim = await board.claim(priority=9)
    entry = (await board.record())["entry"]
    await board.store.jobs.cancel(claim.ref)
    await board.store.attempts.finish(claim, 1, b"{}")
    fetched = await board.fetch()
    control = (await board.redis.xrevrange(KEYS.control(KIND), count=1))[0][0].decode()
    assert fetched.last_ids == [entry, "0-0", "0-0", control]


async def test_take_over_raises_fence_and_attempt(board: Board) -> None:
    first = await board.claim()
    assert (await board.fetch()).claims == []
    second = await board.take_over()
    assert (second.fence, second.attempt) == (first.fence + 1, 2)
    record = await board.record()
    assert record["worker"] == "other"
    assert (await board.events())[-1] == ("3-0", "started", {"attempt": 2, "worker": "other"})
    assert (await board.outstanding(), await board.pending()) == (1, 1)


async def test_ended_leases_come_before_new_jobs(board: Board) -> None:
    await board.claim("old", priority=0)
    await board.submit("new", priority=9)
    assert (await board.take_over("old")).ref.job_id == "old"


async def test_started_at_is_that_of_the_first_attempt(board: Board) -> None:
    await board.claim()
    started = (await board.record())["started_at"]
    await board.take_over()
    assert (await board.record())["started_at"] == started


async def test_crash_cap_makes_a_dead_letter(board: Board) -> None:
    await board.claim(max_attempts=2)
    await board.take_over()
    await board.end_lease()
    assert (await board.fetch()).claims == []
    record = await board.record()
    assert record.items() >= {"state": "failed", "attempt": "2", "fence": "4", "settled_fence": "4"}.items()
    entry_id, kind, data = (await board.events())[-1]
    assert (entry_id, kind, data["error"]["code"]) == ("4-0", "failed", "worker_lost")
    assert await board.redis.zrange(KEYS.dead(KIND, Band.DEFAULT), 0, -1) == [b"default/job"]
    assert set((await board.ttls()).values()) <= {WEEK, WEEK - 1}
    await board.assert_at_rest()


async def test_cancelled_job_of_a_dead_owner_is_settled(board: Board) -> None:
    claim = await board.claim()
    await board.store.jobs.cancel(claim.ref)
    await board.end_lease()
    assert (await board.fetch()).claims == []
    assert await board.state() == "cancelled"
    assert (await board.events())[-1] == ("3-0", "cancelled", {})
    await board.assert_at_rest()


async def test_entries_of_jobs_that_are_gone_or_settled_are_removed(board: Board) -> None:
    done = await board.claim("done")
    await board.store.attempts.finish(done, 1, b'{"a":1}')
    for job_id in ("done", "never-was"):
        await board.redis.xadd(KEYS.requests(KIND, Band.DEFAULT), {"id": str(JobRef(job_id))})
    await board.submit("next")
    assert (await board.fetch_one()).ref.job_id == "next"
    assert (await board.outstanding(), await board.pending()) == (1, 1)
    assert await board.state("done") == "completed"


async def test_doubled_entry_of_a_waiting_job_runs_it_once(board: Board) -> None:
    await board.redis.xadd(KEYS.requests(KIND, Band.DEFAULT), {"id": "default/job"})
    await board.submit()
    assert len((await board.fetch(count=5)).claims) == 1
    assert (await board.outstanding(), await board.pending()) == (1, 1)


async def test_lease_of_a_job_that_is_gone_is_removed(board: Board) -> None:
    await board.end_lease("never-was")
    assert (await board.fetch()).claims == []
    assert await board.lease("never-was") is None


async def test_destroyed_group_is_made_again_and_runs_nothing_twice(board: Board) -> None:
    running = await board.claim("running")
    await board.submit("waiting")
    done = await board.claim("done", priority=9)
    await board.store.attempts.finish(done, 1, b'{"a":1}')
    for band in Band:
        await board.redis.xgroup_destroy(KEYS.requests(KIND, band), GROUP)
    assert [claim.ref.job_id for claim in (await board.fetch(count=5)).claims] == ["waiting"]
    assert (await board.outstanding(), await board.pending()) == (2, 2)
    await board.store.attempts.finish(running, 1, b'{"a":1}')
    assert (await board.outstanding(), await board.pending()) == (1, 1)


async def test_released_job_survives_a_destroyed_group(board: Board) -> None:
    await board.store.attempts.release(await board.claim(), 1)
    await board.redis.xgroup_destroy(KEYS.requests(KIND, Band.DEFAULT), GROUP)
    assert [claim.fence for claim in (await board.fetch(count=5)).claims] == [4]


async def test_flushed_server_heals(board: Board) -> None:
    await board.claim("lost")
    await board.redis.flushall()
    assert (await board.fetch()).claims == []
    await board.submit("new")
    assert (await board.fetch_one()).ref.job_id == "new"


@pytest.mark.parametrize("jobs", [250])
async def test_many(board: Board, jobs: int) -> None:
    for number in range(jobs):
        await board.submit(f"job-{number}")
    fetched = await board.fetch(count=jobs + 1)
    assert [claim.ref.job_id for claim in fetched.claims] == [f"job-{number}" for number in range(jobs)]
