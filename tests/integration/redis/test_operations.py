"""Commands on queues, dead letters and workers: what each writes, and what it leaves alone."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.operators.hours import gather
from shared.contracts.ids import DEFAULT_TENANT, JobRef
from shared.contracts.states import Band, JobKind
from shared.contracts.workers import GivenOrder, Order, WorkerRecord
from shared.redis.attempts import Owned, Settled
from shared.redis.keys import GROUP, script_keys
from shared.redis.lua_source import _part
from shared.redis.queues import Counts
from shared.redis.store import Store
from tests.support.board import KEYS, KIND, Board, section
from tests.support.waiting import eventually

REF = JobRef("job")
DEAD = KEYS.dead(KIND, Band.DEFAULT)
INDEX = KEYS.index(DEFAULT_TENANT)
BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
WORKER = WorkerRecord("w-1", KIND, "host", "1", BEGAN, BEGAN, slots=3, running=(), draining=False)


async def _bury(board: Board, error: bytes, job_id: str = "job", **changes: Any) -> None:
    claim = await board.claim(job_id, max_attempts=1, **changes)
    assert await board.store.attempts.fail(claim, 1, error, 1_000) is Settled.FAILED


async def test_purge_takes_one_job_but_for_its_fence_and_nothing_else(board: Board, error: bytes) -> None:
    await _bury(board, error, "other")
    await board.submit("waiting")
    before = await board.dump()
    claim = await board.claim("job", priority=9, max_attempts=1)
    await board.store.attempts.fail(claim, 1, error, 1_000)
    assert await board.store.jobs.purge(REF)
    after = await board.dump()
    kept = {KEYS.feed, *(KEYS.stats(minute) for minute in await _minutes(board)), KEYS.counts(KIND)}
    kept |= {KEYS.requests(KIND, Band.HIGH), KEYS.job(REF)}
    named = {key: value for key, value in after.items() if key.decode() not in kept}
    assert named == {key: value for key, value in before.items() if key.decode() not in kept}
    assert not await board.store.jobs.purge(REF)


async def _minutes(board: Board) -> list[int]:
    return [int(key.rpartition(b":")[2]) async for key in board.redis.scan_iter("*:stats:*")]


@pytest.mark.parametrize("state", ["unknown", "waiting", "running", "completed", "permanent"])
async def test_purge_and_requeue_leave_alone_what_is_no_dead_letter(board: Board, error: bytes, state: str) -> None:
    if state != "unknown":
        await board.submit()
    if state not in {"unknown", "waiting"}:
        claim = await board.fetch_one()
        if state == "completed":
            await board.store.attempts.finish(claim, 1, b"{}")
        if state == "permanent":
            await board.store.attempts.fail(claim, 1, error, None)
    before = await board.dump()
    assert not await board.store.jobs.purge(REF)
    assert not await board.store.jobs.requeue(REF, "again")
    assert not await board.store.jobs.purge(REF)
    assert await board.dump() == before


async def test_a_requeue_repeated_after_a_lost_reply_begins_one_run(board: Board, error: bytes) -> None:
    await _bury(board, error)
    assert await board.store.jobs.requeue(REF, "again")
    before = await board.dump()
    assert await board.store.jobs.requeue(REF, "again")
    assert not await board.store.jobs.requeue(REF, "somebody else")
    assert await board.dump() == before
    assert set((await board.ttls()).values()) == {-1}
    assert (await board.events())[-1] == ("3-0", "queued", {"band": "default", "reason": "retried"})


async def test_an_owner_from_before_a_purge_writes_nothing_into_a_new_job(board: Board, error: bytes) -> None:
    stale = await board.claim(max_attempts=1)
    await board.end_lease()
    assert (await board.fetch()).claims == []
    assert await board.store.jobs.purge(REF)
    current = await board.claim()
    assert await board.store.attempts.append_events(stale, [section(1)]) is Owned.FENCED
    assert await board.store.attempts.finish(stale, 1, b'{"answer":"stale"}') is Settled.FENCED
    assert await board.store.attempts.finish(current, 1, b'{"answer":"new"}') is Settled.COMPLETED


async def test_a_letter_whose_name_is_used_again_is_none(board: Board, error: bytes) -> None:
    await _bury(board, error)
    await board.redis.delete(*[key async for key in board.redis.scan_iter("*:default/job")])
    await board.claim()
    assert not await board.store.jobs.purge(REF)
    assert not await board.store.jobs.requeue(REF, "again")
    assert await board.state() == "running"
    assert await board.outstanding() == 1


async def test_a_paused_fetch_finds_what_has_to_end_behind_what_has_to_wait(board: Board, store: Store) -> None:
    names = [f"job-{number}" for number in range(8)]
    for name in names:
        await board.claim(name)
    await board.store.jobs.cancel(JobRef(names[-1]))
    await board.redis.zadd(KEYS.leases(KIND), {str(JobRef(name)): number for number, name in enumerate(names)})
    newest = (await board.record(names[-1]))["entry"]
    await store.queues.pause(KIND)
    fetched = await board.fetch(count=1)
    assert (fetched.claims, fetched.last_ids[1]) == ([], newest)
    assert [await board.state(name) for name in names] == ["running"] * 7 + ["cancelled"]
    await store.queues.resume(KIND)
    assert [claim.attempt for claim in (await board.fetch(count=9)).claims] == [2] * 7


async def test_places_without_groups_streams_or_entries(board: Board, store: Store) -> None:
    await board.submit("a")
    await board.submit("b")
    entries = [(Band.DEFAULT, (await board.record(name))["entry"]) for name in ("a", "b")]
    assert await store.queues.ahead(KIND, entries) == [0, 1]
    assert await store.queues.ahead(KIND, []) == []
    for band in Band:
        await board.redis.xgroup_destroy(KEYS.requests(KIND, band), GROUP)
    assert await store.queues.ahead(KIND, entries) == [0, 1]
    await board.redis.xdel(KEYS.requests(KIND, Band.DEFAULT), entries[0][1])
    assert await store.queues.ahead(KIND, entries) == [0, 0]
    await board.redis.flushall()
    assert await store.queues.ahead(KIND, entries) == [0, 0]


async def test_places_change_nothing(board: Board, store: Store) -> None:
    await board.claim("a")
    await board.submit("b")
    before = await board.dump()
    await store.queues.ahead(KIND, [(Band.LOW, (await board.record("b"))["entry"])])
    await store.queues.overview(KIND)
    assert await board.dump() == before


async def test_an_empty_server_has_an_overview(board: Board, store: Store) -> None:
    await board.redis.flushall()
    found = await store.queues.overview(KIND)
    assert (found.paused_at_ms, found.bands) == (None, dict.fromkeys(Band, Counts()))


async def test_heartbeats_keep_to_their_worker(board: Board, store: Store) -> None:
    await store.workers.heartbeat(WORKER, 60, GivenOrder())
    await store.workers.instruct(KIND, Order.DRAIN, "w-1")
    other = replace(WORKER, id="w-2", running=("a", "b"))
    assert (await store.workers.heartbeat(other, 60, GivenOrder())).order is Order.WORK
    assert (await store.workers.heartbeat(WORKER, 60, GivenOrder())).order is Order.DRAIN
    first, second = await store.workers.living()
    assert (replace(first, heartbeat_at=BEGAN), replace(second, heartbeat_at=BEGAN)) == (WORKER, other)
    await store.workers.sign_off("nobody")
    await store.workers.sign_off("w-2")
    assert [worker.id for worker in await store.workers.living()] == ["w-1"]


async def test_a_silent_worker_leaves_nothing(board: Board, store: Store) -> None:
    await store.workers.heartbeat(WORKER, 0.05, GivenOrder())

    async def silent() -> bool:
        return not await store.workers.living()

    await eventually(silent)
    assert await store.workers.instruct(KIND, Order.DRAIN) == []
    assert not await board.redis.exists(KEYS.worker("w-1"), KEYS.control(KIND))

    async def gone() -> bool:
        return not await board.redis.exists(KEYS.workers)

    await eventually(gone)


async def test_only_the_living_of_the_kind_are_told(board: Board, store: Store) -> None:
    await store.workers.heartbeat(WORKER, 60, GivenOrder())
    await store.workers.heartbeat(replace(WORKER, id="other", kind=JobKind.DOCUMENT), 60, GivenOrder())
    await store.workers.heartbeat(replace(WORKER, id="late"), 60, GivenOrder())
    await board.redis.zadd(KEYS.workers, {"late": 1, "never-was": await board.now() + 60_000})
    assert await store.workers.instruct(KIND, Order.RESTART) == ["w-1"]
    assert await store.workers.instruct(KIND, Order.RESTART, "other") == []
    assert not await board.redis.exists(KEYS.worker("never-was"))
    assert await board.redis.xlen(KEYS.control(KIND)) == 1


LENGTHS_MS = [0, 1, 2, 3, 9, 10, 99, 1_000, 1_024, 59_999, 3_600_000, 604_800_000]


@pytest.mark.parametrize("ms", LENGTHS_MS)
async def test_lengths_are_a_tenth_off_at_most(board: Board, store: Store, ms: int) -> None:
    counted = f"tally({{phase='outline', band='low'}}, 'completed:' .. bucket({ms}), 60000) write_tallies()"
    keys = script_keys(0)
    await board.redis.eval("\n".join((_part("keyspace"), _part("measure"), counted)), len(keys), *keys)
    hour = gather(await store.lists.tallies(1, 1))[KIND, Band.LOW]
    found = hour.quantile("run", 0.5)
    # Told in whole milliseconds, one at least.
    assert found == pytest.approx(ms / 1000, rel=0.1, abs=0.0011)
    assert 3_600 < await board.redis.ttl(KEYS.stats(1)) <= 3_900


async def test_sweep_forgets_what_has_expired(board: Board, store: Store, error: bytes) -> None:
    await _bury(board, error, "letter")
    await board.submit("kept")
    await board.redis.zadd(INDEX, {"default/expired": 1})
    await board.redis.zadd(DEAD, {"default/expired": 1})
    swept = await store.queues.sweep(0, KIND, DEFAULT_TENANT, 0)
    assert (swept.cursor, swept.dropped, swept.restored) == (0, 2, 0)
    assert await board.redis.zrange(DEAD, 0, -1) == [b"default/letter"]
    assert set(await board.redis.zrange(INDEX, 0, -1)) == {b"default/letter", b"default/kept"}


@pytest.mark.parametrize("state", ["scheduled", "queued", "running", "released"])
async def test_sweep_puts_back_a_job_that_stands_nowhere(board: Board, store: Store, state: str) -> None:
    await board.submit(delay_ms=60_000 if state == "scheduled" else 0)
    if state in {"running", "released"}:
        claim = await board.fetch_one()
        if state == "released":
            await board.store.attempts.release(claim, 1)
    await board.redis.delete(KEYS.leases(KIND), KEYS.delayed(KIND), KEYS.requests(KIND, Band.DEFAULT))
    assert (await store.queues.sweep(0, KIND, DEFAULT_TENANT, 0)).restored > 0
    assert (await store.queues.sweep(0, KIND, DEFAULT_TENANT, 0)).restored == 0
    if state == "scheduled":
        await board.make_due()
    claim = await board.fetch_one()
    assert (claim.ref, claim.attempt) == (REF, 2 if state == "running" else 1)
    assert (await board.fetch(count=5)).claims == []
    await board.store.attempts.finish(claim, 1, b"{}")
    await board.assert_at_rest()
