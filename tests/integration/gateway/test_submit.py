"""Submitting jobs: what comes back, and what is stored."""

import re
from datetime import datetime, timedelta

import pytest

from shared.contracts.commands import OutlineCommand
from shared.contracts.ids import JobRef
from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand

OUTLINE = "/api/v1/jobs/outline"
PROMPT = {"task_prompt": "Write about bees"}
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def test_an_accepted_job_says_where_to_go_on(gateway: Gateway) -> None:
    answer = await gateway.client.post(OUTLINE, json={**PROMPT, "job_id": "mine"})
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == "/api/v1/jobs/mine"
    assert int(answer.headers["retry-after"]) >= 1
    assert "idempotent-replayed" not in answer.headers
    assert body.keys() == {"job_id", "kind", "status", "created_at", "links"}
    assert (body["job_id"], body["kind"], body["status"]) == ("mine", "outline", "queued")
    assert datetime.fromisoformat(body["created_at"]).utcoffset() == timedelta(0)
    assert body["links"] == {
        "self": "/api/v1/jobs/mine",
        "events": "/api/v1/jobs/mine/events",
        "result": "/api/v1/jobs/mine/result",
        "cancel": "/api/v1/jobs/mine/cancel",
        "outline": "/api/v1/jobs/mine/outline",
    }


async def test_a_job_without_an_id_gets_a_new_one_each_time(gateway: Gateway) -> None:
    ids = [(await gateway.client.post(OUTLINE, json=PROMPT)).json()["job_id"] for _ in range(2)]
    assert ids[0] != ids[1]
    assert all(UUID7.fullmatch(job_id) for job_id in ids)


async def test_the_worker_is_given_the_request_as_validated(gateway: Gateway, hand: Hand, store: Store) -> None:
    body = {
        "job_id": "all-options",
        "task_prompt": "  Пчёлы 蜜蜂 \u0000 🐝  ",
        "priority": 9,
        "max_attempts": 7,
        "language": "pt-BR",
        "model": "m",
        "research": "none",
        "metadata": {"team": "a", "empty": ""},
        "target_words": 900,
        "context_files": [{"name": "a.txt", "text": "A"}, {"name": "b", "content_base64": "Qg==", "media_type": "a/b"}],
    }
    answer = await gateway.client.post(OUTLINE, json=body, headers={"X-Request-Id": "req-1"})
    assert answer.status_code == 202
    claim = await hand.take()
    payload = await store.jobs.payload(claim.ref)
    assert payload is not None
    command = OutlineCommand.model_validate_json(payload)
    assert (claim.ref, claim.band, claim.max_attempts) == (JobRef("all-options"), "high", 7)
    assert claim.request_id == "req-1"
    assert command.task_prompt == "Пчёлы 蜜蜂 \0 🐝"
    assert [file.content() for file in command.context_files] == [b"A", b"B"]
    assert (await gateway.client.get("/api/v1/jobs/all-options")).json()["metadata"] == body["metadata"]
    await hand.complete(claim)


async def test_context_files_may_be_a_mapping(gateway: Gateway, hand: Hand, store: Store) -> None:
    await gateway.client.post(OUTLINE, json={**PROMPT, "context_files": {"a.txt": "A", "b.txt": ""}})
    claim = await hand.take()
    payload = await store.jobs.payload(claim.ref)
    assert payload is not None
    files = OutlineCommand.model_validate_json(payload).context_files
    assert [(file.name, file.content()) for file in files] == [("a.txt", b"A"), ("b.txt", b"")]


async def test_the_largest_request_is_accepted(gateway: Gateway) -> None:
    body = {
        "task_prompt": "x" * 20_000,
        "job_id": "j" * 128,
        "metadata": {f"{n:064}": "v" * 512 for n in range(16)},
        "context_files": [{"name": f"{n}", "text": "t" * 240_000} for n in range(100)],
    }
    answer = await gateway.client.post(OUTLINE, json=body)
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("option", "status"),
    [
        ({"delay_seconds": 3600}, "scheduled"),
        ({"delay_seconds": 0}, "queued"),
        ({"delay_seconds": 0.0001}, "queued"),
        ({"not_before": "2001-01-01T00:00:00Z"}, "queued"),
        ({"not_before": "0001-01-01T00:00:00+23:59"}, "queued"),
    ],
)
async def test_a_job_may_start_later(gateway: Gateway, option: dict[str, object], status: str) -> None:
    answer = await gateway.client.post(OUTLINE, json={**PROMPT, **option, "job_id": "later"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == status
    job = (await gateway.client.get("/api/v1/jobs/later")).json()
    assert (job["not_before"] is not None) == (status == "scheduled")


async def test_not_before_is_kept_to_the_millisecond(gateway: Gateway) -> None:
    due = (gateway.services.clock.now() + timedelta(days=1)).replace(microsecond=250_000)
    await gateway.client.post(OUTLINE, json={**PROMPT, "job_id": "due", "not_before": due.isoformat()})
    job = (await gateway.client.get("/api/v1/jobs/due")).json()
    assert datetime.fromisoformat(job["not_before"]) == due


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.x+json", None])
async def test_json_goes_by_several_names(gateway: Gateway, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await gateway.client.post(OUTLINE, content=b'{"task_prompt":"x"}', headers=headers)
    assert answer.status_code == 202, answer.text


async def test_a_job_is_stored_once(gateway: Gateway, redis_connections: Connections) -> None:
    await gateway.client.post(OUTLINE, json={**PROMPT, "job_id": "one"})
    assert await redis_connections.commands.xlen("draftline:{0}:requests:outline:default") == 1
