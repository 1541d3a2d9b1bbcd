"""promote: what is due goes into its request stream."""

import asyncio

from shared.contracts.states import Band
from tests.support.board import KEYS, KIND, Board


async def test_due_job_is_queued(board: Board) -> None:
    await board.submit(delay_ms=60_000, priority=9)
    await board.make_due()
    record = await board.record()
    assert record.items() >= {"state": "queued", "fence": "2", "not_before": ""}.items()
    assert int(record["queued_at"]) <= await board.now()
    assert (await board.events())[-1] == ("2-0", "queued", {"band": "high", "reason": "due"})
    assert await board.outstanding(Band.HIGH) == 1
    assert not await board.redis.exists(KEYS.delayed(KIND))
    assert (await board.fetch_one()).fence == 3


async def test_wait_until_the_next_one(board: Board) -> None:
    assert await board.store.queues.promote(0, KIND) == (0, None)
    await board.submit(delay_ms=60_000)
    moved, wait_ms = await board.store.queues.promote(0, KIND)
    assert moved == 0
    assert wait_ms is not None
    assert 50_000 < wait_ms <= 60_000


async def test_hundred_at_a_time_in_order(board: Board) -> None:
    for number in range(101):
        await board.submit(f"job-{number}", delay_ms=60_000)
        await board.redis.zadd(KEYS.delayed(KIND), {f"default/job-{number}": number})
    assert await board.store.queues.promote(0, KIND) == (100, 0)
    assert await board.store.queues.promote(0, KIND) == (1, None)
    claims = (await board.fetch(count=200)).claims
    assert [claim.ref.job_id for claim in claims] == [f"job-{number}" for number in range(101)]


async def test_many_callers_move_a_job_once(board: Board) -> None:
    await board.submit(delay_ms=60_000)
    await board.redis.zadd(KEYS.delayed(KIND), {"default/job": 1})
    moved = await asyncio.gather(*(board.store.queues.promote(0, KIND) for _ in range(10)))
    assert sorted(count for count, _ in moved) == [0] * 9 + [1]
    assert await board.outstanding() == 1


async def test_what_is_not_scheduled_is_dropped(board: Board) -> None:
    await board.submit("queued")
    for job_id in ("queued", "never-was"):
        await board.redis.zadd(KEYS.delayed(KIND), {f"default/{job_id}": 1})
    assert await board.store.queues.promote(0, KIND) == (0, None)
    assert not await board.redis.exists(KEYS.delayed(KIND))
    assert await board.outstanding() == 1
