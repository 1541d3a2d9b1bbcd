"""ask_export, take_export, put_export: a file is made once, by somebody, and goes with the result."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.contracts.errors import JobError
from shared.contracts.exports import ExportFormat
from shared.contracts.ids import DEFAULT_TENANT, JobRef
from shared.contracts.states import JobKind
from shared.redis.client import Connections
from shared.redis.exports import FAILURE_SECONDS, MOST_TRIES, Answer, Asked, Exports, Taken
from shared.redis.failures import OUT_OF_MEMORY
from shared.redis.keys import Keyspace
from shared.redis.store import Store
from tests.support.board import KEYS, Board
from tests.support.exports import finish_document
from tests.support.waiting import eventually

REF = JobRef("doc")
PDF, HTML = ExportFormat.PDF, ExportFormat.HTML
EXPORT, RESULT = KEYS.export(REF), KEYS.result(REF)
ERROR = JobError(code="export_font_missing", message="No font.", retryable=False)
WAITING, READY = Answer(Asked.WAITING), Answer(Asked.READY)
EXPIRED, UNFINISHED = Answer(Asked.EXPIRED), Answer(Asked.UNFINISHED)


@pytest.fixture
def exports(redis_connections: Connections) -> Exports:
    return Store(redis_connections, shards=1).exports


async def _asked(board: Board, exports: Exports, file_format: ExportFormat = PDF) -> None:
    await finish_document(board.store)
    assert await exports.ask(REF, file_format) == WAITING


async def _taken(exports: Exports, seconds: float = 60) -> Taken:
    taken = await exports.take(0, seconds)
    assert taken is not None
    return taken


async def _waiting(board: Board) -> list[bytes]:
    found: list[bytes] = await board.redis.zrange(KEYS.exports, 0, -1)
    return found


async def _messages(board: Board) -> list[bytes]:
    entries = await board.redis.xrange(KEYS.control(JobKind.DOCUMENT))
    return [fields[b"what"] for _, fields in entries]


async def test_asking_again_changes_nothing(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    before = await board.dump()
    assert await exports.ask(REF, PDF) == WAITING
    assert await exports.look(REF, PDF) == WAITING
    assert await board.dump() == before
    assert (await _waiting(board), await _messages(board)) == ([b"default/doc|pdf"], [b"export"])


async def test_a_file_is_kept_as_long_as_the_result(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    await board.redis.pexpire(RESULT, 7_000)
    taken = await _taken(exports)
    assert (taken.ref, taken.file_format) == (REF, "pdf")
    assert await exports.take(0, 60) is None
    assert await exports.put(taken, b"%PDF\0")
    assert await exports.ask(REF, PDF) == await exports.look(REF, PDF) == READY
    assert await exports.file(REF, PDF) == b"%PDF\0"
    assert await board.redis.pexpiretime(EXPORT) == await board.redis.pexpiretime(RESULT)
    assert await _waiting(board) == []
    assert await board.redis.hkeys(EXPORT) == [b"pdf"]


async def test_an_empty_file_is_one(board: Board, exports: Exports) -> None:
    await _asked(board, exports, ExportFormat.BIBTEX)
    assert await exports.put(await _taken(exports), b"")
    assert await exports.ask(REF, ExportFormat.BIBTEX) == READY
    assert await exports.file(REF, ExportFormat.BIBTEX) == b""


async def test_formats_are_made_one_by_one_the_oldest_first(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    await board.redis.zadd(KEYS.exports, {"default/doc|pdf": 2, "default/doc|html": 1})
    assert [(await _taken(exports)).file_format for _ in range(2)] == ["html", "pdf"]
    assert await exports.take(0, 60) is None


async def test_whoever_says_nothing_in_time_loses_it_to_another(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    late = await _taken(exports, 0.05)
    again: list[Taken] = []

    async def due() -> bool:
        again.extend(taken for taken in [await exports.take(0, 60)] if taken)
        return bool(again)

    await eventually(due)
    assert again == [late]
    assert await exports.put(again[0], b"file")
    before = await board.dump()
    assert await exports.put(late, b"file")
    assert {key: value for key, (value, _) in (await board.dump()).items()} == {
        key: value for key, (value, _) in before.items()
    }


async def test_after_the_last_try_it_is_given_up(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    for _ in range(MOST_TRIES):
        late = await _taken(exports, 0)
    assert await exports.take(0, 60) is None
    answer = await exports.ask(REF, PDF)
    assert answer == await exports.look(REF, PDF)
    assert answer.error is not None
    assert (answer.asked, answer.error.code, answer.error.retryable) == (Asked.FAILED, "export_lost", True)
    assert str(MOST_TRIES) in answer.error.message
    assert await _waiting(board) == []
    # It was only slow.
    assert await exports.put(late, b"file")
    assert await exports.ask(REF, PDF) == READY


async def test_a_failure_stands_for_a_while(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    assert await exports.fail(await _taken(exports), ERROR)
    assert await exports.ask(REF, PDF) == await exports.look(REF, PDF) == Answer(Asked.FAILED, ERROR)
    assert await exports.file(REF, PDF) is None
    assert await exports.ask(REF, HTML) == WAITING
    await exports.put(await _taken(exports), b"<p>")
    long_ago = round(await board.now() - FAILURE_SECONDS * 1000 - 1)
    await board.redis.hset(EXPORT, "failed_at:pdf", long_ago)
    assert await exports.ask(REF, PDF) == await exports.look(REF, PDF) == WAITING
    assert await board.redis.hkeys(EXPORT) == [b"html"]
    assert await exports.put(await _taken(exports), b"file")


async def test_a_file_given_back_is_due_at_once_and_the_try_does_not_count(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    for _ in range(2 * MOST_TRIES):
        assert await exports.give_back(await _taken(exports))
    assert set(await _messages(board)) == {b"export"}
    assert len(await _messages(board)) == 1 + 2 * MOST_TRIES
    taken = await _taken(exports)
    assert await exports.put(taken, b"file")
    before = await board.dump()
    assert await exports.give_back(taken)
    assert await board.dump() == before


@pytest.mark.parametrize("state", ["unknown", "queued", "running", "failed", "outline"])
async def test_there_is_no_file_without_a_completed_document(
    board: Board, exports: Exports, error: bytes, state: str
) -> None:
    if state == "outline":
        claim = await board.claim("doc")
        await board.store.attempts.finish(claim, 1, b"{}")
    elif state != "unknown":
        await board.submit("doc")
        if state != "queued":
            claim = await board.fetch_one()
            if state == "failed":
                await board.store.attempts.fail(claim, 1, error, None)
    before = await board.dump()
    assert await exports.ask(REF, PDF) == UNFINISHED
    assert await board.dump() == before


async def test_nothing_is_asked_of_a_result_that_has_expired(board: Board, exports: Exports) -> None:
    await finish_document(board.store)
    await board.redis.delete(RESULT)
    before = await board.dump()
    assert await exports.ask(REF, PDF) == await exports.look(REF, PDF) == EXPIRED
    assert await board.dump() == before


async def test_what_has_expired_is_not_taken(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    await board.redis.zadd(KEYS.exports, {"default/other|html": 1})
    await board.redis.delete(RESULT)
    assert await exports.take(0, 60) is None
    assert not await board.redis.exists(KEYS.exports, EXPORT)


@pytest.mark.parametrize("how", ["file", "failure", "back"])
async def test_what_has_expired_meanwhile_is_not_stored(board: Board, exports: Exports, how: str) -> None:
    await _asked(board, exports)
    taken = await _taken(exports)
    await board.redis.delete(RESULT, EXPORT)
    if how == "file":
        assert not await exports.put(taken, b"file")
    elif how == "failure":
        assert not await exports.fail(taken, ERROR)
    else:
        assert not await exports.give_back(taken)
    assert not await board.redis.exists(KEYS.exports, EXPORT)


async def test_the_record_may_have_expired_before_the_result(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    before = await _taken(exports, 0)
    await board.redis.delete(KEYS.job(REF))
    after = await _taken(exports)
    assert (before.made_of != "", after.made_of) == (True, "")
    assert await exports.put(before, b"file")
    assert await exports.put(after, b"file")


async def test_a_file_of_an_earlier_job_is_not_that_of_a_later_one(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    taken = await _taken(exports)
    await board.redis.delete(KEYS.job(REF), RESULT)
    assert await board.redis.exists(EXPORT)
    await finish_document(board.store, digest="another")
    assert not await board.redis.exists(EXPORT)
    assert await exports.ask(REF, PDF) == WAITING
    assert not await exports.put(taken, b"old")
    assert not await exports.fail(taken, ERROR)
    assert await exports.file(REF, PDF) is None
    assert await _waiting(board) == [b"default/doc|pdf"]


async def test_purging_and_retrying_forget_files(board: Board, error: bytes) -> None:
    for name, again in (("purged", False), ("retried", True)):
        claim = await board.claim(name, max_attempts=1)
        await board.store.attempts.fail(claim, 1, error, 1_000)
        await board.redis.hset(KEYS.export(JobRef(name)), "pdf", b"file")
        told = board.store.jobs.requeue(claim.ref, "r") if again else board.store.jobs.purge(claim.ref)
        assert await told
        assert not await board.redis.exists(KEYS.export(JobRef(name)))


async def test_no_more_than_so_many_wait(board: Board, exports: Exports) -> None:
    exports.most_asked_for = 2
    await _asked(board, exports)
    assert await exports.ask(REF, HTML) == WAITING
    before = await board.dump()
    assert await exports.ask(REF, ExportFormat.DOCX) == Answer(Asked.BUSY)
    assert await exports.ask(REF, HTML) == WAITING
    assert await board.dump() == before


async def test_sweep_forgets_what_nobody_takes(board: Board, exports: Exports, redis_connections: Connections) -> None:
    await _asked(board, exports)
    await board.redis.zadd(KEYS.exports, {"default/gone|pdf": 1, "default/gone|html": 2})
    swept = await Store(redis_connections, shards=1).queues.sweep(0, JobKind.DOCUMENT, DEFAULT_TENANT, 0)
    assert swept.dropped == 2
    assert await _waiting(board) == [b"default/doc|pdf"]


@asynccontextmanager
async def _full(board: Board) -> AsyncIterator[None]:
    await board.redis.config_set("maxmemory-policy", "noeviction")
    await board.redis.config_set("maxmemory", "1")
    try:
        yield
    finally:
        await board.redis.config_set("maxmemory", "0")


async def test_a_full_server_gives_files_out_but_takes_none(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    await exports.put(await _taken(exports), b"file")
    assert await exports.ask(REF, HTML) == WAITING
    async with _full(board):
        assert await exports.look(REF, PDF) == READY
        assert await exports.file(REF, PDF) == b"file"
        with pytest.raises(OUT_OF_MEMORY):
            await exports.ask(REF, ExportFormat.DOCX)
        taken = await _taken(exports)
        for _ in range(2):
            with pytest.raises(OUT_OF_MEMORY):
                await exports.put(taken, b"file")
    assert await exports.put(taken, b"file")


async def test_each_shard_has_its_own(board: Board, redis_connections: Connections) -> None:
    exports = Store(redis_connections, shards=4).exports
    store = Store(redis_connections, 4)
    refs = [await finish_document(store, f"doc-{number}") for number in range(12)]
    for ref in refs:
        assert await exports.ask(ref, PDF) == WAITING
    taken = []
    for shard in range(4):
        while (found := await exports.take(shard, 60)) is not None:
            assert await board.redis.exists(Keyspace(shard).result(found.ref))
            taken.append(found)
            assert await exports.put(found, found.ref.job_id.encode())
    assert {each.ref for each in taken} == set(refs)
    assert [await exports.file(ref, PDF) for ref in refs] == [ref.job_id.encode() for ref in refs]


async def test_a_large_file_comes_back_whole(board: Board, exports: Exports) -> None:
    await _asked(board, exports)
    large = bytes(range(256)) * (25 * 4096)
    assert await exports.put(await _taken(exports), large)
    assert await exports.file(REF, PDF) == large
