"""put_outline: the next version of an outline, made by one of those who saw the same."""

import asyncio
import json
from collections import Counter

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind
from shared.redis.attempts import ArtifactWrite
from shared.redis.outlines import MOST_BYTES, MOST_VERSIONS, Put
from tests.support.board import DAY, HOUR, KEYS, Board
from tests.support.planned import change, fetch_writers, hand_over, outlines, planning, reviewed

JOB = JobRef("job")
CHANGED = {"version": 2, "author": "Ann"}


async def _finished(board: Board) -> None:
    """An outline job that has its result."""
    claim = await board.claim()
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "ledger", b"evidence"))
    await board.store.attempts.finish(claim, 1, b'{"outline":1}')


async def _versions(board: Board) -> dict[str, bytes]:
    names = [name for name in await board.store.jobs.artifact_fields(JOB) if name.startswith("outline:")]
    values = await board.store.jobs.artifacts(JOB, names)
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


async def test_outline_that_waits_for_a_person(board: Board) -> None:
    await reviewed(board)
    assert await outlines(board).put(JOB, change(1)) is Put.OK
    job = Job.from_record(JOB, await board.record())
    assert (job.state, job.outline_version, job.fence) == ("awaiting_review", 2, 3)
    assert (await board.events())[-1] == ("3-0", "outline_changed", CHANGED)
    assert await _versions(board) == {"outline:1": b"planned", "outline:2": b"changed"}
    assert set((await board.ttls()).values()) == {-1}


async def test_outline_of_a_finished_job(board: Board) -> None:
    """Its first version is stored with the second; nobody follows its events any more."""
    await _finished(board)
    events = await board.events()
    assert await outlines(board).put(JOB, change(1)) is Put.OK
    job = Job.from_record(JOB, await board.record())
    assert (job.state, job.outline_version, job.fence) == ("completed", 2, 2)
    assert await board.events() == events
    assert await _versions(board) == {"outline:1": b"planned", "outline:2": b"changed"}
    assert json.loads(await board.store.jobs.result(JOB) or b"")["outline"] == 1


async def test_change_of_a_finished_outline_keeps_it_as_long_as_a_new_one(board: Board) -> None:
    await _finished(board)
    for family in (KEYS.job, KEYS.events, KEYS.result, KEYS.payload, KEYS.artifact):
        await board.redis.expire(family(JOB), 60)
    await outlines(board).put(JOB, change(1))
    ttls = await board.ttls()
    assert all(DAY - 5 < ttls[family] <= DAY for family in ("job", "events"))
    assert all(HOUR - 5 < ttls[family] <= HOUR for family in ("job_result", "payload", "artifact"))
    assert ttls.keys() == {"job", "events", "job_result", "payload", "artifact"}
    expires = Job.from_record(JOB, await board.record()).result_expires_at
    assert expires is not None
    assert 0 <= expires.timestamp() * 1000 - await board.now() - (HOUR - 5) * 1000 <= 5_000


async def test_work_of_a_finished_job_that_stored_none_gets_its_ttl(board: Board) -> None:
    await board.store.attempts.finish(await board.claim(), 1, b'{"outline":1}')
    await outlines(board).put(JOB, change(1))
    assert HOUR - 5 < (await board.ttls())["artifact"] <= HOUR


@pytest.mark.parametrize("begin", [reviewed, _finished], ids=["reviewed", "finished"])
async def test_repeat_after_a_lost_reply_changes_nothing(board: Board, begin: object) -> None:
    await (reviewed(board) if begin is reviewed else _finished(board))
    await outlines(board).put(JOB, change(1))
    before = await board.dump()
    assert await outlines(board).put(JOB, change(1)) is Put.REPEATED
    assert await board.dump() == before


async def test_another_change_of_the_same_version_is_too_late(board: Board) -> None:
    await reviewed(board)
    await outlines(board).put(JOB, change(1))
    before = await board.dump()
    assert await outlines(board).put(JOB, change(1, b"another", "another")) is Put.CHANGED
    assert await board.dump() == before
    await outlines(board).put(JOB, change(2, b"third", "third"))
    assert await outlines(board).put(JOB, change(1)) is Put.CHANGED


async def test_of_many_at_once_one_wins(board: Board) -> None:
    await reviewed(board)
    calls = [outlines(board).put(JOB, change(1, b"%d" % number, str(number))) for number in range(20)]
    told = await asyncio.gather(*calls)
    assert Counter(told) == {Put.OK: 1, Put.CHANGED: 19}
    assert (await _versions(board))["outline:2"] == b"%d" % told.index(Put.OK)
    assert [kind for _, kind, _ in await board.events()].count("outline_changed") == 1


async def test_version_that_is_not_there_yet(board: Board) -> None:
    await reviewed(board)
    before = await board.dump()
    assert await outlines(board).put(JOB, change(2)) is Put.CHANGED
    assert await board.dump() == before


async def test_outline_goes_with_its_result(board: Board) -> None:
    await _finished(board)
    await board.redis.delete(KEYS.result(JOB))
    before = await board.dump()
    assert await outlines(board).put(JOB, change(1)) is Put.EXPIRED
    assert await board.dump() == before


async def test_versions_are_bounded(board: Board) -> None:
    await reviewed(board)
    await board.redis.hset(KEYS.job(JOB), "outline_version", MOST_VERSIONS)
    before = await board.dump()
    assert await outlines(board).put(JOB, change(MOST_VERSIONS)) is Put.FULL
    assert await board.dump() == before


async def test_versions_are_bounded_in_bytes(board: Board) -> None:
    await reviewed(board)
    large = b"x" * (MOST_BYTES // 2)
    assert await outlines(board).put(JOB, change(1, large)) is Put.OK
    assert await outlines(board).put(JOB, change(2, large + b"x", "another")) is Put.FULL
    assert await outlines(board).put(JOB, change(2, large, "smaller")) is Put.OK


async def _closed(board: Board) -> None:
    before = await board.dump()
    assert await outlines(board).put(JOB, change(1)) is Put.CLOSED
    assert await board.dump() == before


async def test_document_that_waits_for_nobody(board: Board) -> None:
    claim = await planning(board)
    await _closed(board)
    await hand_over(board, claim)
    await _closed(board)
    (claim,) = await fetch_writers(board)
    await _closed(board)
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    await _closed(board)


async def test_outline_that_was_not_finished(board: Board, error: bytes) -> None:
    claim = await board.claim()
    await _closed(board)
    await board.store.attempts.fail(claim, 1, error, None)
    await _closed(board)


async def test_unknown_job(board: Board) -> None:
    before = await board.dump()
    assert await outlines(board).put(JOB, change(1)) is Put.UNKNOWN
    assert await board.dump() == before


async def test_planner_is_fenced_off_by_a_change(board: Board) -> None:
    """Its reply was lost for so long that somebody read the outline meanwhile."""
    claim = await reviewed(board)
    await outlines(board).put(JOB, change(1))
    before = await board.dump()
    assert (await hand_over(board, claim)).value == "fenced"
    assert await board.dump() == before


async def test_kind_of_job_decides_and_not_its_phase(board: Board) -> None:
    """A document that failed while it was planned is no outline job."""
    claim = await planning(board)
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    assert Job.from_record(JOB, await board.record()).kind is JobKind.DOCUMENT
    await _closed(board)
