"""A server that is full, or takes no writes for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.contracts.usage import Usage
from shared.redis.attempts import ArtifactWrite, CheckpointItem, Owned, Settled
from shared.redis.failures import OUT_OF_MEMORY, UNAVAILABLE, RefusedForNowError
from tests.support.board import KIND, Board, section
from tests.support.jobs import submission


@asynccontextmanager
async def _configured(board: Board, option: str, value: str, usual: str) -> AsyncIterator[None]:
    await board.redis.config_set(option, value)
    try:
        yield
    finally:
        await board.redis.config_set(option, usual)


async def test_full_server_takes_no_new_work_but_lets_running_jobs_end(board: Board, error: bytes) -> None:
    done, failed, released, kept = [await board.claim(name) for name in ("done", "failed", "released", "kept")]
    await board.submit("waiting")
    await board.submit("later", delay_ms=60_000)
    async with _configured(board, "maxmemory", "1", "0"):
        for refused in (
            board.store.jobs.submit(submission("new")),
            board.store.queues.promote(0, KIND),
            board.store.attempts.append_events(kept, [section(1)]),
        ):
            with pytest.raises(OUT_OF_MEMORY):
                await refused
        write = ArtifactWrite("1", "a", b"text", Usage(llm_calls=1))
        assert await board.store.attempts.put_artifact(kept, write) is Owned.OK
        item = CheckpointItem("heads", "one", b"1")
        assert await board.store.attempts.put_checkpoint(kept.ref, kept.fence, [item]) is Owned.OK
        assert await board.store.queues.renew(0, KIND, 60_000, [(kept.ref, kept.fence)]) == [Owned.OK]
        assert await board.store.attempts.finish(done, 1, b'{"a":1}') is Settled.COMPLETED
        assert await board.store.attempts.fail(failed, 1, error, 0) is Settled.RETRYING
        assert await board.store.attempts.release(released, 1) is Settled.RELEASED
        assert (await board.fetch_one()).ref.job_id == "released"
        await board.store.jobs.cancel(kept.ref)
    assert await board.record("new") == {}
    assert await board.state("later") == "scheduled"


async def test_refusal_that_may_pass_counts_as_unavailable(board: Board) -> None:
    claim = await board.claim()
    before = await board.dump()
    async with _configured(board, "min-replicas-to-write", "1", "0"):
        with pytest.raises(RefusedForNowError, match="NOREPLICAS") as refused:
            await board.store.attempts.finish(claim, 1, b'{"a":1}')
    assert isinstance(refused.value, UNAVAILABLE)
    assert await board.dump() == before
    assert await board.store.attempts.finish(claim, 1, b'{"a":1}') is Settled.COMPLETED
