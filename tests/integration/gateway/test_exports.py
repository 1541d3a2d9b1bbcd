"""Results as files: asked for over HTTP, made by a worker, handed out as often as anybody wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.contracts.errors import ExportTooLargeError
from shared.contracts.exports import ExportFormat
from shared.contracts.ids import JobRef
from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.board import KEYS
from tests.support.exports import Printer, document, exporting_worker, finish_document, printed
from tests.support.gateway import Gateway, Hand, answers_counted, gateway_in_loop, http_client
from tests.support.problems import problem
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.waiting import eventually

RESULT = "/api/v1/jobs/doc/result"
REF = JobRef("doc")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "csl-json": "application/vnd.citationstyles.csl+json",
    "bibtex": "application/x-bibtex",
}
EXTENSIONS = {"html": "html", "docx": "docx", "pdf": "pdf", "csl-json": "json", "bibtex": "bib"}


@pytest_asyncio.fixture
async def doc(store: Store) -> JobRef:
    """A completed document named ``doc``."""
    return await finish_document(store)


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


async def _get(gateway: Gateway, file_format: str = "", **headers: str) -> httpx2.Response:
    return await gateway.client.get(RESULT, params={"format": file_format} if file_format else {}, headers=headers)


async def _is_asked_for(redis: Any) -> bool:
    return bool(await redis.exists(KEYS.exports))


@pytest.mark.parametrize("file_format", MEDIA_TYPES)
async def test_a_document_comes_in_every_form(
    gateway: Gateway, one_server: Server, doc: JobRef, file_format: str
) -> None:
    printer = Printer()
    async with exporting_worker(one_server.url, printer):
        answer = await _get(gateway, file_format)
        assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPES[file_format])
        assert answer.content == printed("Bees", ExportFormat(file_format))
        how = "inline" if file_format == "html" else "attachment"
        name = f"Bees.{EXTENSIONS[file_format]}"
        assert answer.headers["content-disposition"] == f"{how}; filename=\"{name}\"; filename*=UTF-8''{name}"
        assert (answer.headers["vary"], answer.headers["x-content-type-options"]) == ("Accept", "nosniff")
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        assert answer.headers.get("content-security-policy") == (policy if file_format == "html" else None)
        accepted = await _get(gateway, Accept=MEDIA_TYPES[file_format].partition(";")[0])
        assert (accepted.content, accepted.headers["etag"]) == (answer.content, answer.headers["etag"])
        unchanged = await _get(gateway, file_format, **{"If-None-Match": answer.headers["etag"]})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["vary"]) == (304, b"", "Accept")
    assert printer.made == [ExportFormat(file_format)]


async def test_a_browser_gets_a_page_and_a_program_json(gateway: Gateway, one_server: Server, doc: JobRef) -> None:
    async with exporting_worker(one_server.url, Printer()):
        page = await _get(gateway, Accept=BROWSER)
        assert page.headers["content-type"] == MEDIA_TYPES["html"]
        plain = await _get(gateway, Accept="*/*")
        assert (plain.headers["content-type"], plain.json()["document"]["title"]) == ("application/json", "Bees")
        assert (plain.headers["vary"], "content-disposition" in plain.headers) == ("Accept", False)
        named = await _get(gateway, "json", Accept=BROWSER)
        assert named.content == plain.content
        assert len({page.headers["etag"], plain.headers["etag"]}) == 2


async def test_markdown_needs_no_worker(gateway: Gateway, doc: JobRef, redis: Any) -> None:
    for answer in (await _get(gateway, "markdown"), await _get(gateway, Accept="text/markdown")):
        assert (answer.status_code, answer.text) == (200, "# Bees\n\nText.\n")
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert answer.headers["content-disposition"].startswith('inline; filename="Bees.md"')
    assert not await _is_asked_for(redis)


async def test_a_chinese_title_names_the_file(gateway: Gateway, store: Store) -> None:
    await finish_document(store, title="蜜蜂/与\r\n蜂蜜")
    answer = await _get(gateway, "markdown")
    expected = (
        "inline; filename=\"document.md\"; filename*=UTF-8''%E8%9C%9C%E8%9C%82%20%E4%B8%8E%20%E8%9C%82%E8%9C%9C.md"
    )
    assert answer.headers["content-disposition"] == expected


async def test_what_cannot_be_had_says_what_can(gateway: Gateway, doc: JobRef, redis: Any) -> None:
    refused = await _get(gateway, Accept="image/png")
    detail = problem(refused, 406, "not_acceptable")["detail"]
    assert all(media_type.partition(";")[0] in detail for media_type in MEDIA_TYPES.values())
    assert refused.headers["vary"] == "Accept"
    misspelt = problem(await _get(gateway, "pfd"), 422, "validation_failed")
    assert misspelt["errors"][0]["pointer"] == "/query/format"
    assert not await _is_asked_for(redis)


async def test_an_outline_is_json_or_markdown(gateway: Gateway, hand: Hand) -> None:
    await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "doc"})
    outline = b'{"outline":{"title":"Bees","nodes":[{"title":"Honey","children":[]}]}}'
    await hand.complete(await hand.take(), outline)
    assert (await _get(gateway, "markdown")).text == "# Bees\n\n- **Honey**\n"
    assert (await _get(gateway, Accept=BROWSER)).json()["outline"]["title"] == "Bees"
    for answer in (await _get(gateway, "pdf"), await _get(gateway, Accept="application/pdf")):
        assert "outline job can be had as json" in problem(answer, 406, "not_acceptable")["detail"]


async def test_a_part_of_a_document_is_no_file(gateway: Gateway, doc: JobRef) -> None:
    answer = await gateway.client.get(RESULT, params={"format": "pdf", "partial": "true"})
    assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/query/format"
    whole = await gateway.client.get(RESULT, params={"format": "markdown", "partial": "true"})
    assert whole.text.startswith("# Bees")


async def test_states_are_told_as_before(gateway: Gateway, hand: Hand, redis: Any) -> None:
    problem(await _get(gateway, "pdf"), 404, "job_not_found")
    await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "doc"})
    problem(await _get(gateway, "pdf"), 409, "not_finished")
    await hand.fail(await hand.take())
    problem(await _get(gateway, "pdf"), 409, "job_failed")
    assert not await _is_asked_for(redis)


async def test_nobody_makes_it(gateway: Gateway, one_server: Server, doc: JobRef) -> None:
    gateway.services.exports.wait_seconds = 0.2
    answer = await _get(gateway, "pdf")
    problem(answer, 503, "export_not_ready")
    assert int(answer.headers["retry-after"]) >= 5
    async with exporting_worker(one_server.url, Printer()):

        async def made() -> bool:
            return (await _get(gateway, "pdf")).status_code == 200

        await eventually(made)


async def test_what_cannot_be_made_is_told_with_its_reason(gateway: Gateway, one_server: Server, doc: JobRef) -> None:
    printer = Printer()
    printer.failure = ExportTooLargeError("It is too large.")
    async with exporting_worker(one_server.url, printer):
        for _ in range(2):
            found = problem(await _get(gateway, "pdf"), 409, "export_failed")
            assert found["error"] == {"code": "export_too_large", "message": "It is too large.", "retryable": False}
        printer.failure = None
        assert (await _get(gateway, "html")).status_code == 200
    assert printer.begun == 2


async def test_a_result_that_expires_meanwhile(gateway: Gateway, doc: JobRef, redis: Any) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(_get(gateway, "pdf"))
        await eventually(lambda: _is_asked_for(redis))
        await redis.delete(KEYS.result(REF))
    problem(asked.result(), 410, "result_expired")
    problem(await _get(gateway, "pdf"), 410, "result_expired")


async def test_a_hundred_clients_share_one_file(gateway: Gateway, one_server: Server, doc: JobRef, redis: Any) -> None:
    """Made once, and read from Redis once."""
    large = bytes(1 << 20)
    begun, free = asyncio.Event(), asyncio.Event()

    async def make(_result: bytes, _file_format: ExportFormat, /) -> bytes:
        assert not begun.is_set()
        begun.set()
        await free.wait()
        return large

    def waiting() -> int:
        return sum(each.clients for each in gateway.services.exports._awaited.values())

    async with exporting_worker(one_server.url, make), asyncio.TaskGroup() as group:
        asked = [group.create_task(_get(gateway, "pdf")) for _ in range(100)]
        await eventually(lambda: begun.is_set() and waiting() == 100)
        sent = (await redis.info("stats"))["total_net_output_bytes"]
        free.set()
    assert all(each.result().status_code == 200 and each.result().content == large for each in asked)
    assert (await redis.info("stats"))["total_net_output_bytes"] - sent < 2 * len(large)
    assert waiting() == 0


async def test_two_gateways_ask_at_once(gateway: Gateway, one_server: Server, doc: JobRef) -> None:
    printer = Printer()
    async with gateway_in_loop(one_server.url) as other, exporting_worker(one_server.url, printer):
        answers = await asyncio.gather(*(_get(each, "docx") for each in (gateway, other, gateway, other)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert printer.made == [ExportFormat.DOCX]


async def test_a_client_that_goes_is_not_waited_for(gateway: Gateway, doc: JobRef, redis: Any) -> None:
    labels = 'method="GET",route="/api/v1/jobs/{job_id}/result",status="499"'
    before = answers_counted(labels)
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"GET {RESULT}?format=pdf HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await eventually(lambda: _is_asked_for(redis))
    writer.close()
    await eventually(lambda: answers_counted(labels) == before + 1, seconds=2)


async def test_a_draining_gateway_sends_clients_elsewhere(one_server: Server, doc: JobRef, redis: Any) -> None:
    async with gateway_in_loop(one_server.url) as gateway, asyncio.TaskGroup() as group:
        asked = group.create_task(_get(gateway, "pdf"))
        await eventually(lambda: _is_asked_for(redis))
        gateway.drain.ask()
    problem(asked.result(), 503, "draining")


@asynccontextmanager
async def _limited(redis: Any, limit: int) -> AsyncIterator[None]:
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.config_set("maxmemory", str(limit))
    try:
        yield
    finally:
        await redis.config_set("maxmemory", "0")


async def test_a_full_redis_still_gives_out_what_is_there(
    gateway: Gateway, one_server: Server, doc: JobRef, redis: Any
) -> None:
    async with exporting_worker(one_server.url, Printer()):
        assert (await _get(gateway, "pdf")).status_code == 200
    async with _limited(redis, 1):
        assert (await _get(gateway, "pdf")).status_code == 200
        problem(await _get(gateway, "docx"), 503, "redis_full")


async def test_the_last_of_the_memory_is_not_for_files(gateway: Gateway, doc: JobRef, redis: Any) -> None:
    used = (await redis.info("memory"))["used_memory"]
    async with _limited(redis, used * 10 // 8):
        await eventually(lambda: gateway.services.admission.share > 0.76)
        problem(await _get(gateway, "docx"), 503, "redis_full")
    assert not await _is_asked_for(redis)


async def test_too_many_files_wait(gateway: Gateway, doc: JobRef, redis: Any) -> None:
    gateway.services.store.exports.most_asked_for = 1
    await redis.zadd(KEYS.exports, {"default/other|pdf": 1})
    assert "Too many" in problem(await _get(gateway, "pdf"), 503, "export_not_ready")["detail"]


async def test_redis_away_while_a_client_waits(one_server: Server, doc: JobRef, redis: Any) -> None:
    async with Proxy(one_server.port) as proxy, gateway_in_loop(proxy.url) as gateway, asyncio.TaskGroup() as group:
        asked = group.create_task(_get(gateway, "pdf"))
        await eventually(lambda: _is_asked_for(redis))
        proxy.cut()
        problem(await asked, 503, "redis_unavailable")
        proxy.heal()


async def test_large_files_arrive_whole(
    gateway: Gateway, one_server: Server, doc: JobRef, redis_connections: Connections
) -> None:
    exports = Store(redis_connections, shards=1).exports
    await exports.ask(REF, ExportFormat.PDF)
    taken = await exports.take(0, 60)
    assert taken is not None
    large = bytes(range(256)) * (25 * 4096)
    await exports.put(taken, large)
    async with http_client(gateway.port) as other:
        answers = await asyncio.gather(_get(gateway, "pdf"), other.get(RESULT, params={"format": "pdf"}))
    assert all(answer.content == large for answer in answers)
    assert answers[0].headers["content-length"] == str(len(large))


async def test_json_is_what_was_stored(gateway: Gateway, doc: JobRef) -> None:
    answer = await _get(gateway)
    assert answer.content.startswith(document()[:-1])
    again = await _get(gateway, **{"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
