"""Sending a request again: one job, the same answer, and no doubt about which request it was."""

import asyncio
import re
from collections import Counter
from typing import Any

import httpx2
import pytest

from shared.redis.client import Connections
from tests.support.gateway import Gateway, gateway_in_loop
from tests.support.problems import problem
from tests.support.servers import Server

OUTLINE = "/api/v1/jobs/outline"
DOCUMENT = "/api/v1/jobs/document"
PROMPT = {"task_prompt": "Write about bees"}
QUEUE = "draftline:{0}:requests:outline:default"
UUID8 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def _post(gateway: Gateway, body: Any, key: str | None = None, path: str = OUTLINE) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await gateway.client.post(path, json=body, headers=headers)


async def test_the_same_id_and_body_answer_as_the_first_time(gateway: Gateway) -> None:
    first = await _post(gateway, {**PROMPT, "job_id": "a"})
    again = await _post(gateway, {**PROMPT, "job_id": "a"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


@pytest.mark.parametrize(
    "equal",
    [
        b'{"task_prompt":"x","metadata":{"b":"2","a":"1"},"context_files":[{"name":"f","text":"t"}],"job_id":"a"}',
        b' {"context_files":{"f":"t"}, "job_id":"a", "metadata":{"a":"1","b":"2"}, "task_prompt":" x\\n"} ',
        b'{"job_id":"a","task_prompt":"\\u0078","priority":5,"metadata":{"a":"1","b":"2"},"context_files":{"f":"t"}}',
    ],
)
async def test_equal_means_equal_after_validation(gateway: Gateway, equal: bytes) -> None:
    body = {"job_id": "a", "task_prompt": "x", "metadata": {"a": "1", "b": "2"}, "context_files": {"f": "t"}}
    await _post(gateway, body)
    again = await gateway.client.post(OUTLINE, content=equal, headers={"Content-Type": "application/json"})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")


@pytest.mark.parametrize(
    "other", [{"task_prompt": "y"}, {"priority": 6}, {"metadata": {"a": "b"}}, {"delay_seconds": 1}]
)
async def test_the_same_id_with_another_body_is_a_conflict(
    gateway: Gateway, redis_connections: Connections, other: dict[str, Any]
) -> None:
    await _post(gateway, {**PROMPT, "job_id": "a"})
    before = await redis_connections.commands.dbsize()
    problem(await _post(gateway, {**PROMPT, "job_id": "a", **other}), 409, "job_id_conflict")
    assert await redis_connections.commands.dbsize() == before
    assert await redis_connections.commands.xlen(QUEUE) == 1


async def test_an_id_of_the_other_kind_is_taken_too(gateway: Gateway) -> None:
    await _post(gateway, {**PROMPT, "job_id": "a"})
    document = {"job_id": "a", "outline": {"title": "t", "nodes": [{"title": "n"}]}}
    problem(await _post(gateway, document, path=DOCUMENT), 409, "job_id_conflict")


async def test_a_key_stands_for_the_id(gateway: Gateway) -> None:
    first, again = [await _post(gateway, PROMPT, "key") for _ in range(2)]
    other = await _post(gateway, PROMPT, "another key")
    assert UUID8.fullmatch(first.json()["job_id"])
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert other.json()["job_id"] != first.json()["job_id"]
    assert "idempotent-replayed" not in other.headers


async def test_a_key_with_another_body_is_refused(gateway: Gateway, redis_connections: Connections) -> None:
    await _post(gateway, PROMPT, "key")
    problem(await _post(gateway, {"task_prompt": "other"}, "key"), 422, "idempotency_key_reused")
    document = {"outline": {"title": "t", "nodes": [{"title": "n"}]}}
    problem(await _post(gateway, document, "key", DOCUMENT), 422, "idempotency_key_reused")
    assert await redis_connections.commands.xlen(QUEUE) == 1


async def test_an_id_counts_more_than_a_key(gateway: Gateway) -> None:
    assert (await _post(gateway, {**PROMPT, "job_id": "a"}, "key")).json()["job_id"] == "a"
    assert (await _post(gateway, {**PROMPT, "job_id": "b"}, "key")).json()["job_id"] == "b"


@pytest.mark.parametrize("key", ["k" * 255, "ключ".encode().decode("latin-1"), '"8e03978e"', "\x7e"])
async def test_keys_may_look_as_they_like(gateway: Gateway, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answers = [await gateway.client.post(OUTLINE, json=PROMPT, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert "idempotent-replayed" in answers[1].headers


async def test_fifty_equal_requests_at_once_make_one_job(
    gateway: Gateway, one_server: Server, redis_connections: Connections
) -> None:
    async with gateway_in_loop(one_server.url) as other:
        both = [gateway, other]
        by_id = [_post(both[n % 2], {**PROMPT, "job_id": "one"}) for n in range(50)]
        by_key = [_post(both[n % 2], PROMPT, "key") for n in range(50)]
        answers = await asyncio.gather(*by_id, *by_key)
    assert {answer.status_code for answer in answers} == {202}
    for same in (answers[:50], answers[50:]):
        assert len({answer.text for answer in same}) == 1
        assert Counter("idempotent-replayed" in answer.headers for answer in same) == {True: 49, False: 1}
    assert await redis_connections.commands.xlen(QUEUE) == 2


async def test_fifty_different_requests_at_once_for_one_id_leave_one_winner(
    gateway: Gateway, redis_connections: Connections
) -> None:
    requests = [_post(gateway, {"task_prompt": f"{n}", "job_id": "one"}) for n in range(50)]
    answers = await asyncio.gather(*requests)
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 49}
    assert await redis_connections.commands.xlen(QUEUE) == 1
