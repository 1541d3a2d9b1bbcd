"""Workers make files beside their jobs: once, in time, and not at the cost of a job or of the worker."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from document_worker.export.errors import ExportFontMissingError
from shared.contracts.errors import InternalError
from shared.contracts.exports import ExportFormat
from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.contracts.workers import Order
from shared.exports import AT_ONCE, ExportLimits
from shared.redis.client import Connections
from shared.redis.exports import Asked, Exports
from shared.redis.store import Store
from tests.support.board import KEYS, Board
from tests.support.exports import Printer, exporting_worker, finish_document, printed
from tests.support.proxy import Proxy, script
from tests.support.servers import Server, free_port
from tests.support.waiting import eventually

PDF, HTML, DOCX = ExportFormat.PDF, ExportFormat.HTML, ExportFormat.DOCX
REF = JobRef("doc")


@pytest_asyncio.fixture
async def exports(board: Board, redis_connections: Connections) -> Exports:
    """With a finished document to make files of."""
    await finish_document(board.store)
    return Store(redis_connections, shards=1).exports


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


def _counted(outcome: str, file_format: ExportFormat = PDF) -> float:
    labels = {"format": file_format.value, "outcome": outcome}
    return REGISTRY.get_sample_value("draftline_exports_total", labels) or 0


async def _stands(exports: Exports, asked: Asked, file_format: ExportFormat = PDF) -> bool:
    return (await exports.look(REF, file_format)).asked is asked


async def _code(exports: Exports) -> str:
    answer = await exports.look(REF, PDF)
    return answer.error.code if answer.error else ""


async def test_a_file_is_made_when_it_is_asked_for(board: Board, server: Server, exports: Exports) -> None:
    """By the message: looks are rare here."""
    printer, made = Printer(), _counted("made")
    async with exporting_worker(server.url, printer, limits=ExportLimits(poll_seconds=60)) as running:
        await eventually(lambda: running.health.readiness() is None)
        await exports.ask(REF, PDF)
        await eventually(lambda: _stands(exports, Asked.READY), seconds=2)
        assert await exports.file(REF, PDF) == printed("Bees", PDF)
        await exports.ask(REF, PDF)
        await exports.ask(REF, HTML)
        await eventually(lambda: _stands(exports, Asked.READY, HTML), seconds=2)
    assert printer.made == [PDF, HTML]
    assert _counted("made") == made + 1


async def test_what_was_asked_for_before_is_found(board: Board, server: Server, exports: Exports) -> None:
    await exports.ask(REF, PDF)
    async with exporting_worker(server.url, Printer()):
        await eventually(lambda: _stands(exports, Asked.READY))


async def test_a_message_that_is_lost_is_made_up_for(board: Board, server: Server, exports: Exports) -> None:
    async with exporting_worker(server.url, Printer(), limits=ExportLimits(poll_seconds=0.1)) as running:
        await eventually(lambda: running.health.readiness() is None)
        await board.redis.zadd(KEYS.exports, {f"{REF}|pdf": 1})
        await eventually(lambda: _stands(exports, Asked.READY))


async def test_a_worker_without_an_exporter_leaves_it_to_others(board: Board, server: Server, exports: Exports) -> None:
    async with exporting_worker(server.url, None) as running:
        await eventually(lambda: running.health.readiness() is None)
        await exports.ask(REF, PDF)
    assert (taken := await exports.take(0, 60)) is not None
    assert taken.ref == REF


async def test_a_few_at_once_and_the_rest_in_turn(board: Board, server: Server, exports: Exports) -> None:
    printer = Printer()
    printer.free.clear()
    async with exporting_worker(server.url, printer, limits=ExportLimits(poll_seconds=60)):
        for file_format in ExportFormat:
            await exports.ask(REF, file_format)
        await eventually(lambda: printer.begun == AT_ONCE)
        assert await exports.take(0, 60) is not None
        printer.free.set()
        await eventually(lambda: len(printer.made) == len(ExportFormat) - 1)
    assert printer.most == AT_ONCE


async def test_two_workers_make_each_file_once(board: Board, server: Server, exports: Exports) -> None:
    one, other = Printer(), Printer()
    refs = [REF, *[await finish_document(board.store, f"doc-{n}") for n in range(9)]]
    async with exporting_worker(server.url, one, "one"), exporting_worker(server.url, other, "other"):
        for ref in refs:
            await asyncio.gather(*(exports.ask(ref, PDF) for _ in range(3)))

        async def all_made() -> bool:
            return all([(await exports.look(ref, PDF)).asked is Asked.READY for ref in refs])

        await eventually(all_made)
    assert len(one.made) + len(other.made) == len(refs)


@pytest.mark.parametrize(
    ("failure", "code"),
    [(ExportFontMissingError("No font."), "export_font_missing"), (ValueError("bug"), "internal_error")],
)
async def test_what_cannot_be_made_is_told_and_harms_nothing_else(
    board: Board, server: Server, exports: Exports, failure: Exception, code: str
) -> None:
    printer, failed = Printer(), _counted("failed")
    printer.failure = failure
    async with exporting_worker(server.url, printer):
        await exports.ask(REF, PDF)
        await eventually(lambda: _stands(exports, Asked.FAILED))
        assert await _code(exports) == code
        assert _counted("failed") == failed + 1
        printer.failure = None
        await exports.ask(REF, HTML)
        await eventually(lambda: _stands(exports, Asked.READY, HTML))


async def test_a_file_that_is_too_large_is_refused(board: Board, server: Server, exports: Exports) -> None:
    async with exporting_worker(server.url, Printer(), limits=ExportLimits(most_bytes=len(printed("Bees", PDF)) - 1)):
        await exports.ask(REF, PDF)
        await eventually(lambda: _stands(exports, Asked.FAILED))
    assert await _code(exports) == "export_too_large"


@pytest.mark.parametrize("how", ["transient", "slow"])
async def test_what_may_pass_is_tried_again_and_given_up_at_last(
    board: Board, server: Server, exports: Exports, how: str
) -> None:
    printer, delayed = Printer(), _counted("delayed")
    if how == "slow":
        printer.free.clear()
    else:
        printer.failure = InternalError("Out of memory.")
    async with exporting_worker(server.url, printer, limits=ExportLimits(making_seconds=0.1, poll_seconds=0.05)):
        await exports.ask(REF, PDF)
        await eventually(lambda: _stands(exports, Asked.FAILED))
    assert (await _code(exports), printer.begun) == ("export_lost", 3)
    assert _counted("delayed") == delayed + 3


async def test_a_format_of_a_newer_version_is_left_to_a_newer_worker(
    board: Board, server: Server, exports: Exports
) -> None:
    await board.redis.zadd(KEYS.exports, {f"{REF}|epub": 1})
    await exports.ask(REF, PDF)
    async with exporting_worker(server.url, Printer()):
        await eventually(lambda: _stands(exports, Asked.READY))
    assert await board.redis.zrange(KEYS.exports, 0, -1) == [f"{REF}|epub".encode()]


async def test_a_result_that_expires_meanwhile_leaves_nothing(board: Board, server: Server, exports: Exports) -> None:
    printer, expired = Printer(), _counted("expired")
    printer.free.clear()
    async with exporting_worker(server.url, printer):
        await exports.ask(REF, PDF)
        await eventually(lambda: printer.begun == 1)
        await board.redis.delete(KEYS.result(REF), KEYS.export(REF))
        printer.free.set()
        await eventually(lambda: _counted("expired") == expired + 1)
    assert not await board.redis.exists(KEYS.exports, KEYS.export(REF))


async def test_draining_lets_a_file_be_finished(board: Board, server: Server, exports: Exports) -> None:
    printer = Printer()
    printer.free.clear()
    async with exporting_worker(server.url, printer) as running:
        await exports.ask(REF, PDF)
        await eventually(lambda: printer.begun == 1)
        running.drain.ask()
        await eventually(lambda: running.health.readiness() == "draining")
        await exports.ask(REF, HTML)
        printer.free.set()
        await eventually(running.task.done, seconds=2)
    assert await _stands(exports, Asked.READY)
    assert printer.made == [PDF]


async def test_what_is_not_finished_within_the_grace_time_goes_to_another_at_once(
    board: Board, server: Server, exports: Exports
) -> None:
    stuck, printer = Printer(), Printer()
    stuck.free.clear()
    async with exporting_worker(server.url, stuck, "stuck", grace_seconds=0.1) as running:
        await exports.ask(REF, PDF)
        await eventually(lambda: stuck.begun == 1)
        async with exporting_worker(server.url, printer):
            running.drain.ask()
            await eventually(lambda: _stands(exports, Asked.READY), seconds=3)
        await eventually(running.task.done, seconds=2)
    assert (stuck.made, printer.made) == ([], [PDF])


async def test_a_worker_ordered_to_drain_takes_none_until_it_is_to_work_again(
    board: Board, server: Server, exports: Exports, redis_connections: Connections
) -> None:
    store, printer = Store(redis_connections, shards=1), Printer()
    async with exporting_worker(server.url, printer) as running:
        await eventually(lambda: running.health.readiness() is None)
        await store.workers.instruct(JobKind.DOCUMENT, Order.DRAIN)
        await eventually(lambda: running.health.readiness() == "draining")
        await exports.ask(REF, PDF)
        assert (await exports.look(REF, PDF)).asked is Asked.WAITING
        assert printer.begun == 0
        await store.workers.instruct(JobKind.DOCUMENT, Order.WORK)
        await eventually(lambda: _stands(exports, Asked.READY))


@asynccontextmanager
async def _stuck_process(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "REDIS_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.stuck_exporter", str(free_port()), env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_worker_killed_in_the_middle_is_replaced(board: Board, server: Server, exports: Exports) -> None:
    async with _stuck_process(server.url) as process:
        await exports.ask(REF, PDF)
        await eventually(lambda: board.redis.hexists(KEYS.export(REF), "tried:pdf"), seconds=15)
        process.kill()
        await process.wait()
    assert await exports.take(0, 60) is None
    printer = Printer()
    async with exporting_worker(server.url, printer):
        await eventually(lambda: _stands(exports, Asked.READY), seconds=8)
    assert printer.made == [PDF]


async def test_redis_away_is_waited_for(board: Board, server: Server, exports: Exports, proxy: Proxy) -> None:
    printer = Printer()
    async with exporting_worker(proxy.url, printer) as running:
        await eventually(lambda: running.health.readiness() is None)
        proxy.cut()
        await exports.ask(REF, PDF)
        assert printer.begun == 0
        proxy.heal()
        await eventually(lambda: _stands(exports, Asked.READY), seconds=20)


async def test_a_stored_file_whose_reply_was_lost_is_stored_once(
    board: Board, server: Server, exports: Exports, proxy: Proxy
) -> None:
    printer = Printer()
    async with exporting_worker(proxy.url, printer) as running:
        await eventually(lambda: running.health.readiness() is None)
        proxy.drop_reply(script("put_export"))
        await exports.ask(REF, PDF)
        await eventually(lambda: _stands(exports, Asked.READY), seconds=10)
    assert printer.made == [PDF]
    assert not await board.redis.exists(KEYS.exports)


async def test_a_file_for_which_there_is_no_room_is_made_later(board: Board, server: Server, exports: Exports) -> None:
    printer, delayed = Printer(), _counted("delayed")
    printer.free.clear()
    async with exporting_worker(server.url, printer, limits=ExportLimits(making_seconds=0.5, poll_seconds=0.05)):
        await exports.ask(REF, PDF)
        await eventually(lambda: printer.begun == 1)
        await board.redis.config_set("maxmemory-policy", "noeviction")
        await board.redis.config_set("maxmemory", "1")
        try:
            printer.free.set()
            await eventually(lambda: _counted("delayed") == delayed + 1)
        finally:
            await board.redis.config_set("maxmemory", "0")
        await eventually(lambda: _stands(exports, Asked.READY))


async def test_every_shard_is_served(server: Server, redis_connections: Connections) -> None:
    store, exports = Store(redis_connections, 3), Store(redis_connections, shards=3).exports
    printer = Printer()
    refs = [await finish_document(store, f"doc-{number}") for number in range(9)]
    async with exporting_worker(server.url, printer, shards=3):
        for ref in refs:
            await exports.ask(ref, DOCX)
        await eventually(lambda: len(printer.made) == len(refs))

        async def all_made() -> bool:
            return all([(await exports.look(ref, DOCX)).asked is Asked.READY for ref in refs])

        await eventually(all_made)
    assert printer.most <= AT_ONCE
