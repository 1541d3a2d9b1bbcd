"""put_artifact and put_checkpoint: work that outlives the attempt, fenced."""

from shared.contracts.jobs import Claim, Job
from shared.contracts.usage import Usage
from shared.redis.attempts import ArtifactWrite, CheckpointItem, Owned
from tests.support.board import KEYS, Board

SPENT = Usage(llm_calls=1, prompt_tokens=10, completion_tokens=5, cost_usd=0.25)


async def _usage(board: Board, claim: Claim) -> Usage:
    return Job.from_record(claim.ref, await board.record()).usage


async def test_artifact_is_stored_and_usage_counted(board: Board) -> None:
    claim = await board.claim()
    assert await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "text:a", b"text\0", SPENT)) is Owned.OK
    assert await board.store.jobs.artifact(claim.ref, "text:a") == b"text\0"
    assert await _usage(board, claim) == SPENT


async def test_repeated_write_counts_once(board: Board) -> None:
    claim = await board.claim()
    write = ArtifactWrite("1", "text:a", b"text", SPENT)
    await board.store.attempts.put_artifact(claim, write)
    before = await board.dump()
    assert await board.store.attempts.put_artifact(claim, write) is Owned.OK
    assert await board.dump() == before


async def test_other_writes_to_the_same_field_count(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "text:a", b"old", SPENT))
    await board.store.attempts.put_artifact(claim, ArtifactWrite("2", "text:a", b"new", SPENT))
    assert await board.store.jobs.artifact(claim.ref, "text:a") == b"new"
    assert await _usage(board, claim) == SPENT + SPENT


async def test_no_usage(board: Board) -> None:
    claim = await board.claim()
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "text:a", b""))
    assert await board.store.jobs.artifact(claim.ref, "text:a") == b""
    assert await _usage(board, claim) == Usage()


async def test_unknown_cost_stays_unknown_and_estimates_are_marked(board: Board) -> None:
    claim = await board.claim()
    spent = Usage(llm_calls=1, prompt_tokens=3, completion_tokens=4, estimated=True)
    await board.store.attempts.put_artifact(claim, ArtifactWrite("1", "a", b"", spent))
    assert await _usage(board, claim) == spent
    await board.store.attempts.put_artifact(claim, ArtifactWrite("2", "a", b"", SPENT))
    assert await _usage(board, claim) == spent + SPENT


async def test_usage_is_summed_over_attempts(board: Board) -> None:
    await board.store.attempts.put_artifact(await board.claim(), ArtifactWrite("1", "a", b"", SPENT))
    again = await board.take_over()
    await board.store.attempts.put_artifact(again, ArtifactWrite("2", "b", b"", SPENT))
    assert await _usage(board, again) == SPENT + SPENT
    assert await board.store.jobs.artifacts(again.ref, ["a", "b", "c"]) == [b"", b"", None]


async def test_refused_artifacts_write_nothing(board: Board) -> None:
    stale = await board.claim()
    again = await board.take_over()
    before = await board.dump()
    assert await board.store.attempts.put_artifact(stale, ArtifactWrite("1", "a", b"stale", SPENT)) is Owned.FENCED
    assert await board.dump() == before
    await board.store.attempts.finish(again, 1, b'{"a":1}')
    before = await board.dump()
    assert await board.store.attempts.put_artifact(again, ArtifactWrite("1", "a", b"late", SPENT)) is Owned.REPEATED
    assert await board.dump() == before


async def test_checkpoint_parts(board: Board) -> None:
    claim = await board.claim()
    items = [
        CheckpointItem("heads", "one", b"1\0"),
        CheckpointItem("blobs", "two", b"2"),
        CheckpointItem("writes", "three", b"3", keep=True),
    ]
    assert await board.store.attempts.put_checkpoint(claim.ref, claim.fence, items) is Owned.OK
    items = [CheckpointItem("heads", "one", b"new"), CheckpointItem("writes", "three", b"new", keep=True)]
    await board.store.attempts.put_checkpoint(claim.ref, claim.fence, items)
    parts = {part: await board.store.jobs.checkpoint_hash(part, claim.ref) for part in ("heads", "blobs", "writes")}
    assert parts == {"heads": {b"one": b"new"}, "blobs": {b"two": b"2"}, "writes": {b"three": b"3"}}
    await board.store.jobs.drop_checkpoints(claim.ref, ("heads", "blobs", "writes"))
    assert not await board.redis.exists(*(KEYS.checkpoint(part, claim.ref) for part in parts))


async def test_refused_checkpoints_write_nothing(board: Board) -> None:
    stale = await board.claim()
    again = await board.take_over()
    item = CheckpointItem("heads", "one", b"1")
    before = await board.dump()
    assert await board.store.attempts.put_checkpoint(stale.ref, stale.fence, [item]) is Owned.FENCED
    assert await board.dump() == before
    await board.store.attempts.finish(again, 1, b'{"a":1}')
    before = await board.dump()
    assert await board.store.attempts.put_checkpoint(again.ref, again.fence, [item]) is Owned.REPEATED
    assert await board.dump() == before
