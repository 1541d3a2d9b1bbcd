"""Submitting documents: the outline given, or taken from the job that made it."""

import json
from typing import Any

import httpx2
import pytest

from shared.contracts.commands import DocumentPayload
from shared.contracts.outline import Outline
from shared.contracts.states import JobKind
from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem

OUTLINE_JOB = {
    "job_id": "outline-1",
    "task_prompt": "Write about bees",
    "language": "en",
    "context_files": {"bees.txt": "Bees make honey."},
}
MADE = {
    "outline": {"title": "Bees", "language": "en", "nodes": [{"id": "intro", "title": "Start"}, {"title": "End"}]},
    "sources": [],
}


async def _submit(gateway: Gateway, body: dict[str, Any]) -> httpx2.Response:
    return await gateway.client.post("/api/v1/jobs/document", json=body)


async def _payload(hand: Hand, store: Store) -> DocumentPayload:
    """What the worker is given; the job is settled, so that nothing waits."""
    claim = await hand.take(JobKind.DOCUMENT)
    payload = await store.jobs.payload(claim.ref)
    assert payload is not None
    await hand.complete(claim)
    return DocumentPayload.model_validate_json(payload)


def _outline(payload: DocumentPayload) -> Outline:
    assert payload.outline is not None
    return payload.outline


async def _outline_done(gateway: Gateway, hand: Hand) -> None:
    await gateway.client.post("/api/v1/jobs/outline", json=OUTLINE_JOB)
    await hand.complete(await hand.take(), json.dumps(MADE).encode())


async def test_an_outline_given_gets_ids_that_stay(gateway: Gateway, hand: Hand, store: Store) -> None:
    nodes = [
        {"title": "One", "children": [{"title": "A", "id": "s2"}, {"title": "B"}]},
        {"title": "Two"},
        {"title": "Three", "id": "s1"},
    ]
    answer = await _submit(gateway, {"job_id": "d", "outline": {"title": " T ", "nodes": nodes}, "target_words": 500})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["kind"], answer.json()["status"]) == ("document", "queued")
    payload = await _payload(hand, store)
    ids = [node.id for node, _ in _outline(payload).walk()]
    assert (_outline(payload).title, payload.target_words, payload.task_prompt) == ("T", 500, None)
    assert len(set(ids)) == 5
    assert None not in ids
    assert {"s1", "s2"} <= set(ids)
    assert ids[4] == "s1"


async def test_the_largest_outline_is_accepted(gateway: Gateway) -> None:
    def node(depth: int, width: int) -> dict[str, Any]:
        children = [node(depth - 1, width) for _ in range(width)] if depth > 1 else []
        return {"title": "t" * 300, "summary": "s" * 4_000 if depth == 6 else "", "children": children}

    nodes = [node(6, 1) for _ in range(82)] + [node(1, 0) for _ in range(8)]
    answer = await _submit(gateway, {"outline": {"title": "t", "nodes": nodes}})
    assert answer.status_code == 202, answer.text


async def test_the_outline_of_a_job_brings_its_prompt_files_and_language(
    gateway: Gateway, hand: Hand, store: Store
) -> None:
    await _outline_done(gateway, hand)
    answer = await _submit(gateway, {"outline_job_id": "outline-1", "priority": 8})
    assert answer.status_code == 202, answer.text
    payload = await _payload(hand, store)
    assert [node.id for node in _outline(payload).nodes] == ["intro", "s2"]
    assert (payload.task_prompt, payload.language, payload.priority) == ("Write about bees", "en", 8)
    assert [(file.name, file.content()) for file in payload.context_files] == [("bees.txt", b"Bees make honey.")]


async def test_files_and_language_of_the_request_count_more(gateway: Gateway, hand: Hand, store: Store) -> None:
    await _outline_done(gateway, hand)
    await _submit(gateway, {"outline_job_id": "outline-1", "language": "de", "context_files": {"other": "x"}})
    payload = await _payload(hand, store)
    assert (payload.language, [file.name for file in payload.context_files]) == ("de", ["other"])


async def test_an_unknown_outline_job_is_not_found(gateway: Gateway) -> None:
    problem(await _submit(gateway, {"outline_job_id": "nosuch"}), 404, "outline_not_found")


async def test_a_document_job_is_no_outline_job(gateway: Gateway) -> None:
    await _submit(gateway, {"job_id": "d", "outline": {"title": "t", "nodes": [{"title": "n"}]}})
    problem(await _submit(gateway, {"outline_job_id": "d"}), 404, "outline_not_found")


@pytest.mark.parametrize("state", ["scheduled", "queued", "running", "failed", "cancelled"])
async def test_an_outline_job_without_outline_is_a_conflict(gateway: Gateway, hand: Hand, state: str) -> None:
    delay = {"delay_seconds": 60} if state == "scheduled" else {}
    await gateway.client.post("/api/v1/jobs/outline", json={**OUTLINE_JOB, **delay})
    if state in {"running", "failed"}:
        claim = await hand.take()
        if state == "failed":
            await hand.fail(claim)
    if state == "cancelled":
        await gateway.client.post("/api/v1/jobs/outline-1/cancel")
    assert (await gateway.client.get("/api/v1/jobs/outline-1")).json()["status"] == state
    found = problem(await _submit(gateway, {"outline_job_id": "outline-1"}), 409, "outline_not_ready")
    assert state in found["detail"]


async def test_an_expired_outline_is_gone(gateway: Gateway, hand: Hand, redis_connections: Connections) -> None:
    await _outline_done(gateway, hand)
    await redis_connections.commands.delete("draftline:{0}:job_result:default/outline-1")
    before = await redis_connections.commands.dbsize()
    problem(await _submit(gateway, {"job_id": "d", "outline_job_id": "outline-1"}), 410, "outline_expired")
    assert await redis_connections.commands.dbsize() == before


async def test_a_repeated_request_is_replayed_after_the_outline_has_expired(
    gateway: Gateway, hand: Hand, redis_connections: Connections
) -> None:
    await _outline_done(gateway, hand)
    body = {"job_id": "d", "outline_job_id": "outline-1"}
    first = await _submit(gateway, body)
    await redis_connections.commands.delete("draftline:{0}:job_result:default/outline-1")
    again = await _submit(gateway, body)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    problem(await _submit(gateway, {**body, "priority": 1}), 409, "job_id_conflict")


async def test_an_outline_whose_request_has_expired_still_serves(
    gateway: Gateway, hand: Hand, store: Store, redis_connections: Connections
) -> None:
    await _outline_done(gateway, hand)
    await redis_connections.commands.delete("draftline:{0}:payload:default/outline-1")
    assert (await _submit(gateway, {"outline_job_id": "outline-1"})).status_code == 202
    payload = await _payload(hand, store)
    assert (payload.task_prompt, _outline(payload).title) == (None, "Bees")
