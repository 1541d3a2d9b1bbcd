"""Reading and cancelling jobs in every state."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.redis.client import Connections
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem

JOB = "/api/v1/jobs/job"
FIELDS = {
    "job_id", "kind", "status", "progress", "run", "attempt", "max_attempts", "priority", "queue_position",
    "created_at", "queued_at",
    "started_at", "finished_at", "not_before", "duration_seconds", "usage", "error", "metadata", "result_expires_at",
    "links", "phase", "outline_version", "parent_job_id", "root_job_id", "section_id", "batch_id",
}  # fmt: skip
TIMES = ("created_at", "queued_at", "started_at", "finished_at", "not_before", "result_expires_at")


async def _bring_to(state: str, gateway: Gateway, hand: Hand) -> None:
    """A job named `job` in the state."""
    delay = {"delay_seconds": 60} if state == "scheduled" else {}
    await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "job", **delay})
    if state in {"running", "completed", "failed"}:
        claim = await hand.take()
        if state == "completed":
            await hand.complete(claim)
        if state == "failed":
            await hand.fail(claim)
    if state == "cancelled":
        await gateway.client.post(f"{JOB}/cancel")


async def _job(gateway: Gateway) -> dict[str, Any]:
    answer = await gateway.client.get(JOB)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("state", "times", "attempt"),
    [
        ("scheduled", {"created_at", "not_before"}, 0),
        ("queued", {"created_at", "queued_at"}, 0),
        ("running", {"created_at", "queued_at", "started_at"}, 1),
        ("completed", {"created_at", "queued_at", "started_at", "finished_at", "result_expires_at"}, 1),
        ("failed", {"created_at", "queued_at", "started_at", "finished_at"}, 1),
        ("cancelled", {"created_at", "queued_at", "finished_at"}, 0),
    ],
)
async def test_a_job_shows_its_state(gateway: Gateway, hand: Hand, state: str, times: set[str], attempt: int) -> None:
    await _bring_to(state, gateway, hand)
    job = await _job(gateway)
    assert job.keys() == FIELDS
    assert (job["job_id"], job["kind"], job["status"], job["attempt"]) == ("job", "outline", state, attempt)
    assert (job["run"], job["max_attempts"], job["priority"]) == (1, 3, 5)
    assert {name for name in TIMES if job[name] is not None} == times
    assert all(datetime.fromisoformat(job[name]).utcoffset() == timedelta(0) for name in times)
    assert job["progress"].keys() == {"percent", "step", "message", "eta_seconds"}
    assert job["usage"].keys() == {"llm_calls", "prompt_tokens", "completion_tokens", "cost_usd", "estimated"}
    assert (job["error"] is not None) == (state == "failed")
    assert job["links"]["self"] == JOB


async def test_a_completed_job_has_its_result(gateway: Gateway, hand: Hand) -> None:
    await _bring_to("completed", gateway, hand)
    answer = await gateway.client.get(f"{JOB}/result")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["answer"] == 42
    assert answer.json()["usage"]["llm_calls"] == 0
    job = await _job(gateway)
    assert job["progress"]["percent"] == 100
    assert job["duration_seconds"] >= 0


@pytest.mark.parametrize("state", ["scheduled", "queued", "running"])
async def test_a_result_asked_too_early_is_a_conflict(gateway: Gateway, hand: Hand, state: str) -> None:
    await _bring_to(state, gateway, hand)
    answer = await gateway.client.get(f"{JOB}/result")
    assert state in problem(answer, 409, "not_finished")["detail"]
    assert int(answer.headers["retry-after"]) >= 1


async def test_the_result_of_a_failed_job_is_its_error(gateway: Gateway, hand: Hand) -> None:
    await _bring_to("failed", gateway, hand)
    found = problem(await gateway.client.get(f"{JOB}/result"), 409, "job_failed")
    assert found["error"] == {"code": "x", "message": "it broke", "retryable": False}
    assert found["error"] == (await _job(gateway))["error"]


async def test_a_cancelled_job_has_no_result(gateway: Gateway, hand: Hand) -> None:
    await _bring_to("cancelled", gateway, hand)
    assert problem(await gateway.client.get(f"{JOB}/result"), 409, "job_cancelled")["error"] is None


async def test_an_expired_result_is_gone(gateway: Gateway, hand: Hand, redis_connections: Connections) -> None:
    await _bring_to("completed", gateway, hand)
    await redis_connections.commands.delete("draftline:{0}:job_result:default/job")
    problem(await gateway.client.get(f"{JOB}/result"), 410, "result_expired")
    assert (await _job(gateway))["status"] == "completed"


async def test_a_record_that_has_expired_is_not_found(
    gateway: Gateway, hand: Hand, redis_connections: Connections
) -> None:
    await _bring_to("completed", gateway, hand)
    await redis_connections.commands.delete("draftline:{0}:job:default/job")
    for path in (JOB, f"{JOB}/result", f"{JOB}/events"):
        problem(await gateway.client.get(path), 404, "job_not_found")


@pytest.mark.parametrize(
    ("state", "status", "after"),
    [
        ("scheduled", 200, "cancelled"),
        ("queued", 200, "cancelled"),
        ("running", 202, "running"),
        ("cancelled", 200, "cancelled"),
    ],
)
async def test_cancelling(gateway: Gateway, hand: Hand, state: str, status: int, after: str) -> None:
    await _bring_to(state, gateway, hand)
    answer = await gateway.client.post(f"{JOB}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (status, after)
    assert answer.json().keys() == FIELDS
    again = await gateway.client.post(f"{JOB}/cancel")
    assert (again.status_code, again.json()["status"]) == (status, after)


@pytest.mark.parametrize("state", ["completed", "failed"])
async def test_what_has_ended_cannot_be_cancelled(gateway: Gateway, hand: Hand, state: str) -> None:
    await _bring_to(state, gateway, hand)
    assert state in problem(await gateway.client.post(f"{JOB}/cancel"), 409, "already_finished")["detail"]


async def test_a_running_job_ends_when_its_owner_hears_of_it(gateway: Gateway, hand: Hand) -> None:
    await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "job"})
    claim = await hand.take()
    await gateway.client.post(f"{JOB}/cancel")
    await hand.complete(claim)
    assert (await _job(gateway))["status"] == "cancelled"
    problem(await gateway.client.get(f"{JOB}/result"), 409, "job_cancelled")
