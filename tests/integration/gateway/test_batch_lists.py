"""Batches looked at: what they hold, in the order of their items, for as long as somebody asks."""

from itertools import chain
from typing import Any

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from tests.support.batches import BATCHES, accepted, counts, prompts, seen
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem

KEYS = Keyspace(0)
DAY_SECONDS = 24 * 3600
BAD = {"kind": "outline", "task_prompt": ""}


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


async def _expire(redis: Any, *job_ids: str) -> None:
    for ref in map(JobRef, job_ids):
        await redis.delete(KEYS.job(ref), KEYS.events(ref), KEYS.payload(ref), KEYS.result(ref))


@pytest.mark.parametrize("path", ["", "/jobs", "/events"])
@pytest.mark.parametrize("batch_id", ["nobody", "a%20b", "b.0", "x" * 200])
async def test_unknown_batches(gateway: Gateway, batch_id: str, path: str) -> None:
    await accepted(gateway, prompts(1))
    problem(await gateway.client.get(f"{BATCHES}/{batch_id}{path}"), 404, "batch_not_found")
    for command in ("cancel", "retry"):
        problem(await gateway.client.post(f"{BATCHES}/{batch_id}/{command}"), 404, "batch_not_found")


async def test_a_batch_is_remembered_for_a_week_and_its_longest_delay(gateway: Gateway, redis: Any) -> None:
    await accepted(gateway, [prompts(1)[0], {**prompts(1)[0], "delay_seconds": 20 * DAY_SECONDS}])
    key = KEYS.batch(JobRef("b"))
    assert await redis.ttl(key) == pytest.approx(27 * DAY_SECONDS, abs=60)
    await redis.expire(key, 100)
    await seen(gateway)
    assert await redis.ttl(key) == pytest.approx(27 * DAY_SECONDS, abs=60)
    await gateway.client.post(f"{BATCHES}/b/cancel")


async def test_a_job_that_has_expired_is_counted_and_not_made_again(gateway: Gateway, hand: Hand, redis: Any) -> None:
    await accepted(gateway, prompts(3))
    await hand.complete(await hand.take())
    await _expire(redis, "b.0")
    assert await counts(gateway) == {"queued": 2, "expired": 1}
    again = await accepted(gateway, prompts(3))
    assert [entry["status"] for entry in again["jobs"]] == ["expired", "queued", "queued"]
    assert (again["accepted"], int(await redis.xlen(KEYS.requests(JobKind.OUTLINE, Band.DEFAULT)))) == (3, 2)


async def _listed(gateway: Gateway, **query: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await gateway.client.get(f"{BATCHES}/b/jobs", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        pages.append([job["job_id"] for job in answer.json()["items"]])
        if answer.json()["next_cursor"] is None:
            return pages
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_jobs_are_listed_in_the_order_of_the_items(gateway: Gateway, hand: Hand, redis: Any) -> None:
    items = prompts(450)
    items[7] = BAD
    await accepted(gateway, items)
    ids = [f"b.{n}" for n in range(450) if n != 7]
    assert await _listed(gateway, limit=200) == [ids[:200], ids[200:400], ids[400:]]
    assert (await _listed(gateway))[0] == ids[:50]
    taken = [await hand.take() for _ in range(3)]
    running = {claim.ref.job_id for claim in taken}
    assert set(chain.from_iterable(await _listed(gateway, status="running", limit=2))) == running
    assert await _listed(gateway, status="completed") == [[]]
    await _expire(redis, *(f"b.{n}" for n in range(100, 300)))
    assert list(chain.from_iterable(await _listed(gateway, limit=100))) == ids[:99] + ids[299:]


@pytest.mark.parametrize("cursor", ["", "x", "b.0", "Y" * 40])
async def test_cursors_that_no_list_has_given_out(gateway: Gateway, cursor: str) -> None:
    await accepted(gateway, prompts(3))
    answer = await gateway.client.get(f"{BATCHES}/b/jobs", params={"cursor": cursor})
    assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/query/cursor"


async def test_a_cursor_of_another_batch(gateway: Gateway) -> None:
    await accepted(gateway, prompts(3))
    await accepted(gateway, prompts(3), "other")
    page = (await gateway.client.get(f"{BATCHES}/other/jobs?limit=1")).json()
    answer = await gateway.client.get(f"{BATCHES}/b/jobs", params={"cursor": page["next_cursor"]})
    problem(answer, 422, "validation_failed")
