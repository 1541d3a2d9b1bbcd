"""submit: one job for one id, whoever asks how often."""

import asyncio
from typing import Any

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Retention
from shared.contracts.states import Band
from shared.redis.jobs import Submitted
from tests.support.board import KEYS, KIND, Board


async def test_created(board: Board) -> None:
    before = await board.now()
    assert await board.submit(payload=b"request", metadata={"a": "b"}) is Submitted.CREATED
    record = await board.record()
    given = {"kind": "outline", "band": "default", "priority": "5", "max_attempts": "3", "metadata": '{"a": "b"}'}
    assert record.items() >= given.items()
    assert record.items() >= {"state": "queued", "run": "1", "fence": "1", "attempt": "0", "cancel": ""}.items()
    assert before - 1 <= int(record["created_at"]) <= await board.now()
    assert record["queued_at"] == record["created_at"]
    assert await board.store.jobs.payload(JobRef("job")) == b"request"
    ((entry, fields),) = await board.redis.xrange(KEYS.requests(KIND, Band.DEFAULT))
    assert (entry.decode(), fields) == (record["entry"], {b"id": b"default/job"})
    assert await board.events() == [("1-0", "queued", {"band": "default", "reason": "submitted"})]
    assert set((await board.ttls()).values()) == {-1}


@pytest.mark.parametrize(("priority", "band"), [(0, Band.LOW), (3, Band.LOW), (4, Band.DEFAULT), (7, Band.HIGH)])
async def test_priority_chooses_the_stream(board: Board, priority: int, band: Band) -> None:
    await board.submit(priority=priority)
    assert {each: await board.outstanding(each) for each in Band} == {each: int(each is band) for each in Band}


async def test_same_body_is_replayed_and_another_conflicts(board: Board) -> None:
    await board.submit()
    before = await board.dump()
    assert await board.submit() is Submitted.REPLAYED
    assert await board.submit(digest="another") is Submitted.CONFLICT
    assert await board.dump() == before


async def test_settled_job_is_replayed_too(board: Board) -> None:
    await board.store.attempts.finish(await board.claim(), 1, b'{"a":1}')
    before = await board.dump()
    assert await board.submit() is Submitted.REPLAYED
    assert await board.dump() == before


async def test_fifty_at_once_make_one_job(board: Board) -> None:
    told = await asyncio.gather(*(board.submit() for _ in range(50)))
    assert sorted(told) == [Submitted.CREATED, *[Submitted.REPLAYED] * 49]
    assert await board.outstanding() == 1
    assert len(await board.events()) == 1


@pytest.mark.parametrize("how", ["delay", "not_before"])
async def test_later_start(board: Board, how: str) -> None:
    now = await board.now()
    changes: dict[str, Any] = {"delay_ms": 60_000} if how == "delay" else {"not_before_ms": round(now) + 60_000}
    assert await board.submit(**changes) is Submitted.CREATED
    record = await board.record()
    due = int(record["not_before"])
    assert now + 59_999 <= due <= now + 65_000
    assert (record["state"], record["entry"], record["queued_at"]) == ("scheduled", "", "")
    assert await board.redis.zscore(KEYS.delayed(KIND), "default/job") == due
    assert await board.outstanding() == 0
    ((entry_id, kind, data),) = await board.events()
    assert (entry_id, kind) == ("1-0", "scheduled")
    assert data["not_before"].endswith("Z")


async def test_time_that_has_passed_is_now(board: Board) -> None:
    await board.submit(not_before_ms=1)
    assert await board.state() == "queued"


async def test_new_job_finds_nothing_of_an_expired_one(board: Board) -> None:
    """A result may be kept for longer than the record; the id is free again when the record is gone."""
    claim = await board.claim(retention=Retention(record_seconds=100, result_seconds=1_000))
    await board.redis.hset(KEYS.artifact(claim.ref), "text:1", "old")
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    await board.redis.delete(KEYS.job(claim.ref), KEYS.events(claim.ref))
    assert await board.submit() is Submitted.CREATED
    assert await board.store.jobs.result(claim.ref) is None
    assert await board.store.jobs.artifact_fields(claim.ref) == []
    assert set((await board.ttls()).values()) == {-1}
