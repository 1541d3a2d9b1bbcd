"""A failed or cancelled job begins again, and its stream goes on."""

import pytest

from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem

JOB = "/api/v1/jobs/job"


async def _submit(gateway: Gateway, **options: object) -> None:
    await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "job", **options})


async def test_failed_job_is_retried_under_the_same_id(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    await hand.fail(await hand.take())
    answer = await gateway.client.post(f"{JOB}/retry", headers={"X-Request-Id": "retry-1"})
    assert answer.status_code == 202
    job = answer.json()
    assert (job["status"], job["run"], job["attempt"], job["error"]) == ("queued", 2, 0, None)
    await hand.complete(await hand.take())
    assert (await gateway.client.get(f"{JOB}/result")).status_code == 200


async def test_a_stream_opened_in_the_second_run_shows_both_and_ends_with_the_second(
    gateway: Gateway, hand: Hand
) -> None:
    await _submit(gateway)
    await hand.fail(await hand.take())
    await gateway.client.post(f"{JOB}/retry")
    await hand.complete(await hand.take())
    text = (await gateway.client.get(f"{JOB}/events")).text
    types = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert types == ["queued", "started", "failed", "queued", "started", "completed"]


async def test_cancelled_while_waiting_and_retried(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway, delay_seconds=60)
    await gateway.client.post(f"{JOB}/cancel")
    assert (await gateway.client.post(f"{JOB}/retry")).json()["status"] == "queued"
    await hand.complete(await hand.take())


@pytest.mark.parametrize("state", ["queued", "running", "completed"])
async def test_other_states_are_a_conflict(gateway: Gateway, hand: Hand, state: str) -> None:
    await _submit(gateway)
    if state != "queued":
        claim = await hand.take()
        if state == "completed":
            await hand.complete(claim)
    assert state in problem(await gateway.client.post(f"{JOB}/retry"), 409, "not_retryable")["detail"]


async def test_unknown_job(gateway: Gateway) -> None:
    problem(await gateway.client.post("/api/v1/jobs/nobody/retry"), 404, "job_not_found")
