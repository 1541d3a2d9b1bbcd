"""`Prefer: wait=N` and ETags."""

import asyncio
import json

import pytest

from gateway.jobs.waiting import preferred_seconds
from shared.redis.attempts import Settled
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem
from tests.support.reviewed import Desk
from tests.support.waiting import eventually

JOB = "/api/v1/jobs/job"
BODY = {"task_prompt": "x", "job_id": "job"}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("wait=5", 5), ("respond-async, wait=5", 5), ('wait="7"; x', 7), ("wait=999", 60), ("wait=-1", 0),
     ("await=5", 0), ("wait=abc", 0), ("WAIT = 3", 3)],
)  # fmt: skip
def test_the_header_is_read_as_rfc_7240_says(header: str | None, seconds: int) -> None:
    assert preferred_seconds(header) == seconds


async def test_a_job_that_ends_in_time_is_answered_with_its_result(gateway: Gateway, hand: Hand) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(gateway.client.post("/api/v1/jobs/outline", json=BODY, headers={"Prefer": "wait=20"}))
        await eventually(lambda: gateway.watched == 1)
        await hand.complete(await hand.take())
    answer = asked.result()
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=20")
    assert (answer.json()["status"], answer.json()["result"]["answer"]) == ("completed", 42)
    assert gateway.watched == 0


async def test_a_job_that_fails_in_time_is_answered_with_its_error(gateway: Gateway, hand: Hand) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(gateway.client.post("/api/v1/jobs/outline", json=BODY, headers={"Prefer": "wait=20"}))
        await eventually(lambda: gateway.watched == 1)
        await hand.fail(await hand.take())
    job = asked.result().json()
    assert (job["status"], job["error"]["code"], job["result"]) == ("failed", "x", None)


async def test_a_job_that_does_not_is_accepted(gateway: Gateway) -> None:
    answer = await gateway.client.post("/api/v1/jobs/outline", json=BODY, headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
    assert gateway.watched == 0


async def test_a_job_that_comes_to_wait_for_a_person_is_told_of_at_once(
    gateway: Gateway, hand: Hand, store: Store
) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        body = BODY | {"review": True}
        asked = group.create_task(
            gateway.client.post("/api/v1/jobs/document", json=body, headers={"Prefer": "wait=60"})
        )
        await eventually(lambda: gateway.watched == 1)
        assert await Desk(gateway, hand, store).plan(1) is Settled.AWAITING_REVIEW
    assert (asked.result().status_code, asked.result().json()["status"]) == (202, "awaiting_review")
    assert "preference-applied" not in asked.result().headers
    assert "approved" in problem(await gateway.client.get(f"{JOB}/result"), 409, "not_finished")["detail"]


async def test_an_unchanged_job_is_not_sent_again(gateway: Gateway, hand: Hand) -> None:
    await gateway.client.post("/api/v1/jobs/outline", json=BODY)
    first = await gateway.client.get(JOB)
    assert json.loads(first.content)["job_id"] == "job"
    again = await gateway.client.get(JOB, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    await hand.take()
    changed = await gateway.client.get(JOB, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
