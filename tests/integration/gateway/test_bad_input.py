"""Whatever a client sends: a problem with the right status, never a 5xx, and nothing stored."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.bad_bodies import BAD_DOCUMENT_REQUESTS, BAD_OUTLINE_REQUESTS, Bad
from tests.support.corpora import failures
from tests.support.gateway import Gateway, answers_counted
from tests.support.http import exchange, head_of
from tests.support.problems import problem
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("bad input"), pytest.mark.asyncio(loop_scope="module")]
JOBS = "/api/v1/jobs"
JSON = {"Content-Type": "application/json"}
LIMIT = 25 * 1024 * 1024
SMALL_LIMIT = 256 * 1024


async def _stored(gateway: Gateway) -> int:
    return int(await gateway.services.store.connections.commands.dbsize())


async def _refused(gateway: Gateway, path: str, bad: Bad) -> None:
    before = await _stored(gateway)
    answer = await gateway.client.post(path, content=bad.content, headers=JSON)
    found = problem(answer, bad.status, bad.code)
    assert len(answer.content) < 4_000
    if bad.status == 422:
        pointers = [fault["pointer"] for fault in found["errors"]]
        assert bad.pointer in pointers
        assert all(fault["message"] for fault in found["errors"])
    assert await _stored(gateway) == before


@pytest.mark.parametrize(("kind", "corpus"), [("outline", BAD_OUTLINE_REQUESTS), ("document", BAD_DOCUMENT_REQUESTS)])
async def test_bad_requests_are_refused(module_gateway: Gateway, kind: str, corpus: list[Bad]) -> None:
    assert await failures(corpus, lambda bad: _refused(module_gateway, f"{JOBS}/{kind}", bad)) == []


def _flood(count: int) -> dict[str, bytes]:
    return {
        "unknown fields": b'{"task_prompt":"x",' + b",".join(b'"%d":1' % n for n in range(count)) + b"}",
        "nodes of nothing": b'{"outline":{"title":"t","nodes":[' + b"{}," * count + b"{}]}}",
        "nested nodes": b'{"outline":{"title":"t","nodes":[{"title":"t","children":['
        + b'{"title":"x"},' * count
        + b'{"title":"x"}]}]}}',
        "metadata": b'{"task_prompt":"x","metadata":{' + b",".join(b'"%d":1' % n for n in range(count)) + b"}}",
    }


@pytest.mark.parametrize("name", list(_flood(0)))
async def test_a_flood_of_faults_is_refused_without_looking_at_each(module_gateway: Gateway, name: str) -> None:
    path = f"{JOBS}/document" if "nodes" in name else f"{JOBS}/outline"
    answer = await module_gateway.client.post(path, content=_flood(20_000)[name], headers=JSON)
    (fault,) = problem(answer, 422, "validation_failed")["errors"]
    assert fault["pointer"] == ("/outline/nodes" if "nodes" in name else "")
    assert len(answer.content) < 1_000


async def test_a_name_without_end_is_not_sent_back(module_gateway: Gateway) -> None:
    content = b'{"task_prompt":"x","' + b"k" * 1_000_000 + b'":1}'
    answer = await module_gateway.client.post(f"{JOBS}/outline", content=content, headers=JSON)
    problem(answer, 422, "validation_failed")
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
)
async def test_another_media_type_is_refused(module_gateway: Gateway, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = await module_gateway.client.post(f"{JOBS}/outline", content=b'{"task_prompt":"x"}', headers=headers)
    problem(answer, 415, "unsupported_media_type")


async def test_a_long_idempotency_key_is_refused(module_gateway: Gateway) -> None:
    before = await _stored(module_gateway)
    headers = {"Idempotency-Key": "k" * 256}
    answer = await module_gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "x"}, headers=headers)
    found = problem(answer, 422, "validation_failed")
    assert [fault["pointer"] for fault in found["errors"]] == ["/header/idempotency-key"]
    assert await _stored(module_gateway) == before


def _is_whole(answer: bytes) -> bool:
    return b"}" in answer


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/outline", LIMIT), ("/document", LIMIT), ("/x/cancel", SMALL_LIMIT), ("/x/events", SMALL_LIMIT)],
)
async def test_an_announced_large_body_is_refused_before_it_comes(
    module_gateway: Gateway, path: str, limit: int
) -> None:
    request = f"POST {JOBS}{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {limit + 1}\r\n\r\n"
    answer = await exchange(module_gateway.port, request.encode(), enough=_is_whole)
    # Python 3.13 has another phrase for it than 3.11.
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert "connection: close" in head_of(answer)
    assert b'"code": "body_too_large"' in answer


@pytest.mark.parametrize("length", ["9" * 19, "9" * 18 + "0", str(2**62)])
async def test_an_absurd_content_length_is_refused(module_gateway: Gateway, length: str) -> None:
    request = f"POST {JOBS}/outline HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    answer = await exchange(module_gateway.port, request.encode(), enough=_is_whole)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_of_the_limit_is_read(module_gateway: Gateway) -> None:
    answer = await module_gateway.client.post(f"{JOBS}/outline", content=b" " * LIMIT, headers=JSON)
    problem(answer, 400, "malformed_json")


async def test_a_streamed_large_body_is_refused_before_its_end(module_gateway: Gateway) -> None:
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    request = f"POST {JOBS}/outline HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + piece * 26
    answer = await exchange(module_gateway.port, request, enough=_is_whole)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert "connection: close" in head_of(answer)


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 65_536


async def test_a_client_that_is_still_sending_sees_why_it_was_refused(module_gateway: Gateway) -> None:
    answers = [
        await module_gateway.client.post(f"{JOBS}/outline", content=content, headers=JSON)
        for content in (_pieces(1_000), b" " * (LIMIT * 2))
    ]
    for answer in answers:
        problem(answer, 413, "body_too_large")
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "path",
    [
        "/api", "/api/v1", "/api/v2/jobs/x", "/metrics", "/index.html", "/api/v1/jobs/x/y", "/api/v1/jobs/x/",
        "/api/v1/jobs/", "/api/v1/jobs/a%2Fb", "/api/v1/jobs/a/b/events", "//api/v1/jobs/x", "/API/v1/jobs/x",
        "/livez/", "/api/v1/jobs/%2F", "/api/v1/jobs/..%2F..%2Fx", "/%", "/%zz",
    ],
)  # fmt: skip
async def test_an_unknown_route_is_not_found(module_gateway: Gateway, path: str) -> None:
    answer = await exchange(
        module_gateway.port, f"GET {path} HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 404 "), answer
    assert b'"code":"not_found"' in answer
    assert any(line.startswith("x-request-id: ") for line in head_of(answer))


NO_JOB = [
        "nosuchjob", "a%00b", "%00", "a%0Ab", "a%0A", "%20", "%C3%A4", "%FF%FE", "%F0%9F%90%9D", "a" * 129, "-a", ".a",
        "a%25", "a%3Fb", "a%23b", "a%5Cb", "a;b", "a,b", "a b".replace(" ", "+"), "%7B0%7D", "*", "a*", "x" * 5_000,
        "default%3Ax", "%E2%80%8Bx", "a%2525", "%u0041",
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["", "/events", "/result"])
async def test_an_id_that_no_job_has_is_not_found(module_gateway: Gateway, what: str) -> None:
    async def check(job_id: str) -> None:
        answer = await module_gateway.client.get(f"{JOBS}/{job_id}{what}")
        problem(answer, 404, "job_not_found")
        assert len(answer.content) < 1_000

    assert await failures(NO_JOB, check) == []


@pytest.mark.parametrize("job_id", ["nosuchjob", "a%00b", "%FF", "-"])
async def test_an_id_that_no_job_has_cannot_be_cancelled(module_gateway: Gateway, job_id: str) -> None:
    problem(await module_gateway.client.post(f"{JOBS}/{job_id}/cancel"), 404, "job_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/x/cancel"), ("PUT", "/jobs/outline"), ("DELETE", "/jobs/x"), ("POST", "/jobs/x/events"),
        ("PATCH", "/jobs/x"), ("POST", "/jobs/x/result"), ("OPTIONS", "/jobs/outline"), ("HEAD", "/jobs/x"),
        ("BREW", "/jobs/x"), ("TRACE", "/jobs/x"), ("QUERY", "/jobs/x"),
    ],
)  # fmt: skip
async def test_another_method_is_refused(module_gateway: Gateway, method: str, path: str) -> None:
    answer = await exchange(
        module_gateway.port, f"{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    if method == "BREW":
        assert answer.startswith(b"HTTP/1.1 400 ")
        return
    assert answer.startswith(b"HTTP/1.1 405 "), answer
    assert any(line.startswith("allow: ") for line in head_of(answer))
    assert (b'"code":"method_not_allowed"' in answer) == (method != "HEAD")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/v1/jobs/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
        b"POST /api/v1/jobs/outline HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/jobs/outline HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /api/v1/jobs/outline HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/jobs/outline HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_the_connection_closed(
    module_gateway: Gateway, request_bytes: bytes
) -> None:
    before = await _stored(module_gateway)
    answer = await exchange(module_gateway.port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert await _stored(module_gateway) == before


async def test_an_upgrade_is_not_done(module_gateway: Gateway) -> None:
    request = (
        b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    answer = await exchange(module_gateway.port, request, enough=lambda so_far: b"ok\n" in so_far)
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_crash(module_gateway: Gateway) -> None:
    request = f"POST {JOBS}/outline HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode()
    labels = 'method="POST",route="/api/v1/jobs/outline",status="499"'
    before, counted = await _stored(module_gateway), answers_counted(labels)
    await exchange(module_gateway.port, request, enough=lambda _: True)
    await eventually(lambda: answers_counted(labels) > counted)
    assert await _stored(module_gateway) == before
