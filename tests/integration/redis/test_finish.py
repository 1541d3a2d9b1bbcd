"""finish: the result, the state and the last event in one step, once."""

import json

import pytest

from shared.contracts.jobs import Job
from shared.contracts.usage import Usage
from shared.redis.attempts import ArtifactWrite, CheckpointItem, Settled
from tests.support.board import DAY, HOUR, Board, section

SPENT = Usage(llm_calls=1, prompt_tokens=10, completion_tokens=5)
NOTHING = {"llm_calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": None, "estimated": False}


async def test_completed(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.append_events(claim, [section(1)])
    assert await board.store.attempts.finish(claim, 2, b'{"outline":"x"}') is Settled.COMPLETED
    job = Job.from_record(claim.ref, await board.record())
    assert (job.state, job.progress.percent, job.error) == ("completed", 100, None)
    assert (await board.record())["cancel"] == ""
    assert job.finished_at is not None
    assert job.result_expires_at is not None
    assert (job.result_expires_at - job.finished_at).total_seconds() == HOUR
    result = json.loads(await board.store.jobs.result(claim.ref) or b"")
    assert result == {"outline": "x", "usage": NOTHING}
    entry_id, kind, data = (await board.events())[-1]
    assert (entry_id, kind) == ("2-2", "completed")
    assert data == {"result": result, "duration_seconds": job.duration_seconds, "usage": NOTHING}
    await board.assert_at_rest()


async def test_every_key_gets_its_ttl(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "text:a", b"text"))
    items = [CheckpointItem(part, "field", b"value") for part in ("heads", "blobs", "writes")]
    await board.store.attempts.put_checkpoint(claim.ref, claim.fence, items)
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    ttls = await board.ttls()
    work = {"payload", "artifact", "job_result", "checkpoint:heads", "checkpoint:blobs", "checkpoint:writes"}
    assert ttls.keys() == {"job", "events", *work}
    assert all(DAY - 5 < ttls[family] <= DAY for family in ("job", "events"))
    assert all(HOUR - 5 < ttls[family] <= HOUR for family in work)


async def test_large_result_is_left_out_of_the_event(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.finish(claim, 1, json.dumps({"text": "x" * 16_384}).encode())
    _, _, data = (await board.events())[-1]
    assert "result" not in data


@pytest.mark.parametrize("result", [b"{}", b"{ }"])
async def test_empty_result(board: Board, result: bytes) -> None:
    claim = await board.claim()
    await board.store.attempts.finish(claim, 1, result)
    assert json.loads(await board.store.jobs.result(claim.ref) or b"") == {"usage": NOTHING}
    assert (await board.events())[-1][2]["result"] == {"usage": NOTHING}


async def test_usage_of_all_attempts_is_in_the_result(board: Board) -> None:
    await board.store.attempts.put_artifact(await board.claim(), ArtifactWrite("1", "a", b"", SPENT))
    again = await board.take_over()
    await board.store.attempts.finish(again, 1, b'{"a":1}', Usage(llm_calls=2, cost_usd=0.5, estimated=True))
    usage = {"llm_calls": 3, "prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.5, "estimated": True}
    assert json.loads(await board.store.jobs.result(again.ref) or b"")["usage"] == usage
    assert Job.from_record(again.ref, await board.record()).usage == Usage(**usage)


async def test_repeat_after_a_lost_reply_changes_nothing(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.finish(claim, 1, b'{"a":1}', SPENT)
    before = await board.dump()
    assert await board.store.attempts.finish(claim, 1, b'{"a":1}', SPENT) is Settled.REPEATED
    assert await board.dump() == before


async def test_stale_owner_changes_nothing(board: Board) -> None:
    stale = await board.claim()
    again = await board.take_over()
    before = await board.dump()
    assert await board.store.attempts.finish(stale, 1, b'{"stale":1}', SPENT) is Settled.FENCED
    assert await board.dump() == before
    await board.store.attempts.finish(again, 1, b'{"a":1}')
    before = await board.dump()
    assert await board.store.attempts.finish(stale, 1, b'{"stale":1}', SPENT) is Settled.FENCED
    assert await board.dump() == before


async def test_asked_to_end_meanwhile(board: Board) -> None:
    claim = await board.claim()
    await board.store.jobs.cancel(claim.ref)
    assert await board.store.attempts.finish(claim, 1, b'{"a":1}', SPENT) is Settled.CANCELLED
    assert Job.from_record(claim.ref, await board.record()).usage == SPENT
    assert await board.store.jobs.result(claim.ref) is None
    assert (await board.events())[-1] == ("2-1", "cancelled", {})
    await board.assert_at_rest()


async def test_error_of_an_earlier_attempt_is_forgotten(board: Board, error: bytes) -> None:
    await board.store.attempts.fail(await board.claim(), 1, error, 0)
    await board.make_due()
    claim = await board.fetch_one()
    await board.store.attempts.finish(claim, 1, b'{"a":1}')
    assert Job.from_record(claim.ref, await board.record()).error is None


async def test_unknown_job(board: Board) -> None:
    claim = await board.claim()
    await board.redis.flushall()
    assert await board.store.attempts.finish(claim, 1, b'{"a":1}') is Settled.FENCED
    assert await board.dump() == {}
