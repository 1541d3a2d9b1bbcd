"""Many requests at once: each is taken or refused by itself, and sending them again makes nothing twice."""

import asyncio
import itertools
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.batches.members import AT_ONCE
from gateway.dependencies import Services
from gateway.http.problems import RedisFullError
from gateway.parts.admission import Admission
from shared.contracts.ids import DEFAULT_TENANT
from shared.contracts.states import Band, JobKind
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from tests.support.batches import BATCHES, JOBS, accepted, counts, post_batch, prompts, seen
from tests.support.gateway import Gateway, Hand, gateway_in_loop, gateway_process
from tests.support.problems import problem
from tests.support.servers import Server
from tests.support.waiting import eventually

KEYS = Keyspace(0)
PLAN = {"title": "Bees", "nodes": [{"title": "Honey"}]}
BAD = {"kind": "outline", "task_prompt": ""}


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


async def _queued(redis: Any, kind: JobKind = JobKind.OUTLINE) -> int:
    return int(await redis.xlen(KEYS.requests(kind, Band.DEFAULT)))


async def _stored(redis: Any) -> int:
    return int(await redis.zcard(KEYS.index(DEFAULT_TENANT)))


async def test_a_thousand_items_of_which_ten_are_bad(gateway: Gateway, redis: Any) -> None:
    items = prompts(1_000)
    items[50::100] = [BAD] * 10
    answer = await post_batch(gateway, items)
    assert (answer.status_code, answer.headers["location"]) == (202, f"{BATCHES}/b")
    assert "idempotent-replayed" not in answer.headers
    body = answer.json()
    assert (body["batch_id"], body["accepted"], body["refused"]) == ("b", 990, 10)
    assert [entry["index"] for entry in body["jobs"]] == list(range(1_000))
    assert {entry["index"] for entry in body["jobs"] if entry["job_id"] is None} == set(range(50, 1_000, 100))
    assert body["jobs"][0] == {"index": 0, "job_id": "b.0", "kind": "outline", "status": "queued"}
    refused = body["jobs"][150]["error"]
    assert (refused["code"], refused["status"]) == ("validation_failed", 422)
    assert refused["errors"][0]["pointer"] == "/items/150/task_prompt"
    assert await _queued(redis) == 990
    batch = await seen(gateway)
    assert batch["jobs"]["total"] == 1_000
    assert await counts(gateway) == {"refused": 10, "queued": 990}
    assert [entry["index"] for entry in batch["errors"]] == list(range(50, 1_000, 100))
    assert batch["created_at"] == body["created_at"]
    assert batch["links"] == body["links"]
    for link in ("self", "jobs"):
        assert (await gateway.client.get(batch["links"][link])).status_code == 200


async def test_options_and_own_fields_reach_the_jobs(gateway: Gateway) -> None:
    items = [
        {"task_prompt": "Bees"},
        {"task_prompt": "Wasps", "priority": 2, "job_id": "mine", "metadata": {}},
        {"kind": "document", "outline": PLAN},
        {"kind": "document", "task_prompt": "Ants", "review": True},
    ]
    body = await accepted(gateway, items, options={"kind": "outline", "priority": 7, "metadata": {"of": "batch"}})
    assert [entry["job_id"] for entry in body["jobs"]] == ["b.0", "mine", "b.2", "b.3"]
    jobs = (await gateway.client.get(f"{BATCHES}/b/jobs")).json()["items"]
    assert [(job["kind"], job["phase"], job["priority"]) for job in jobs] == [
        ("outline", "outline", 7),
        ("outline", "outline", 2),
        ("document", "document", 7),
        ("document", "outline", 7),
    ]
    assert [job["metadata"] for job in jobs] == [{"of": "batch"}, {}, {"of": "batch"}, {"of": "batch"}]
    assert {job["batch_id"] for job in jobs} == {"b"}


async def test_what_only_storing_finds_out_is_an_items_own_problem(gateway: Gateway) -> None:
    await gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "waits", "job_id": "plan"})
    items = [
        *prompts(1),
        {"kind": "document", "outline_job_id": "nobody"},
        {"kind": "document", "outline_job_id": "plan"},
        {**prompts(1)[0], "not_before": "2999-01-01T00:00:00Z"},
        {**prompts(1)[0], "job_id": "plan"},
    ]
    body = await accepted(gateway, items)
    problems = {entry["index"]: entry["error"] for entry in body["jobs"] if entry["job_id"] is None}
    assert {index: (each["status"], each["code"]) for index, each in problems.items()} == {
        1: (404, "outline_not_found"),
        2: (409, "outline_not_ready"),
        3: (422, "validation_failed"),
        4: (409, "job_id_conflict"),
    }
    assert problems[3]["errors"][0]["pointer"] == "/items/3/not_before"
    assert await counts(gateway) == {"refused": 4, "queued": 1}
    assert [entry["index"] for entry in (await seen(gateway))["errors"]] == [1, 2, 3, 4]
    listed = (await gateway.client.get(f"{BATCHES}/b/jobs")).json()["items"]
    assert [job["job_id"] for job in listed] == ["b.0"]
    await gateway.client.post(f"{BATCHES}/b/cancel")
    assert (await gateway.client.get(f"{JOBS}/plan")).json()["status"] == "queued"


async def test_an_options_fault_that_only_storing_finds_leads_to_the_options(gateway: Gateway) -> None:
    items = [*prompts(2), {**prompts(1)[0], "not_before": None}]
    body = await accepted(gateway, items, options={"not_before": "2999-01-01T00:00:00Z"})
    faults = [entry["error"]["errors"][0]["pointer"] for entry in body["jobs"] if entry["job_id"] is None]
    assert faults == ["/options/not_before"] * 2


async def test_the_files_of_an_outline_job_are_not_copied_without_end(
    gateway: Gateway, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real bound would take 100 MiB of files.
    monkeypatch.setattr("gateway.batches.storing.MOST_SHARED_BYTES", 5_000)
    request = {"task_prompt": "Bees", "job_id": "plan", "context_files": {"notes.md": "x" * 2_000}}
    await gateway.client.post(f"{JOBS}/outline", json=request)
    outline = {"title": "Bees", "nodes": [{"id": "s1", "title": "Honey"}]}
    await hand.complete(await hand.take(), json.dumps({"outline": outline, "sources": []}).encode())
    own = {"kind": "document", "outline_job_id": "plan", "context_files": {"own.md": "y"}}
    body = await accepted(gateway, [*[{"kind": "document", "outline_job_id": "plan"}] * 3, own])
    refused = [entry["error"] for entry in body["jobs"] if entry["job_id"] is None]
    assert [error["code"] for error in refused] == ["validation_failed"]
    assert refused[0]["errors"][0]["pointer"].endswith("/outline_job_id")
    assert await counts(gateway) == {"refused": 1, "queued": 3}


async def test_a_job_that_was_there_with_the_same_body_belongs_to_the_batch(gateway: Gateway, redis: Any) -> None:
    await gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "Subject 0", "job_id": "early"})
    body = await accepted(gateway, [{**prompts(1)[0], "job_id": "early"}])
    assert (body["accepted"], await _queued(redis)) == (1, 1)
    assert await counts(gateway) == {"queued": 1}


@pytest.mark.parametrize("by_key", [True, False])
async def test_sending_a_batch_again_answers_as_the_first_time(gateway: Gateway, redis: Any, by_key: bool) -> None:
    given: dict[str, Any] = {"batch_id": None, "key": "key"} if by_key else {"batch_id": "b"}
    first, again = [await post_batch(gateway, [*prompts(20), BAD], **given) for _ in range(2)]
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert again.json() == first.json()
    assert await _queued(redis) == 20
    other = await post_batch(gateway, prompts(21), **given)
    problem(other, *((422, "idempotency_key_reused") if by_key else (409, "batch_id_conflict")))
    assert await _queued(redis) == 20


async def test_without_id_and_key_each_request_is_a_batch_of_its_own(gateway: Gateway, redis: Any) -> None:
    ids = {(await post_batch(gateway, prompts(2), None)).json()["batch_id"] for _ in range(2)}
    assert (len(ids), await _queued(redis)) == (2, 4)


async def test_a_batch_that_is_sent_twice_at_once_is_stored_once(
    gateway: Gateway, one_server: Server, redis: Any
) -> None:
    async with gateway_in_loop(one_server.url) as other:
        both = [gateway, other]
        answers = await asyncio.gather(*(post_batch(both[n % 2], prompts(100)) for n in range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert await _queued(redis) == 100


class _Fills(Admission):
    """Has room for some jobs only, until somebody makes more."""

    def __init__(self, connections: Connections, services: Services, room: int) -> None:
        super().__init__(connections, services.clock, 75)
        self.room = room
        self.refused = 0

    def check(self, payload_bytes: int) -> None:
        if self.room <= 0:
            self.refused += 1
            raise RedisFullError("There is no room.", headers={"Retry-After": "30"})
        self.room -= 1


async def test_a_batch_that_finds_no_room_goes_on_where_it_stopped(
    one_server: Server, redis_connections: Connections, redis: Any
) -> None:
    fills: list[_Fills] = []

    def full(services: Services) -> Services:
        fills.append(_Fills(redis_connections, services, 300))
        return replace(services, admission=fills[0])

    async with gateway_in_loop(one_server.url, change=full) as gateway:
        answer = await post_batch(gateway, prompts(1_000), None)
        stopped = problem(answer, 503, "redis_full")
        assert answer.headers["retry-after"] == "30"
        batch_id = stopped["batch_id"]
        assert (stopped["stored"], await _queued(redis)) == (300, 300)
        assert batch_id in stopped["detail"]
        assert 1 <= fills[0].refused <= AT_ONCE
        batch = await seen(gateway, batch_id)
        assert (batch["jobs"]["accepting"], batch["jobs"]["queued"], batch["finished"]) == (700, 300, False)
        fills[0].room = 10_000
        again = await post_batch(gateway, prompts(1_000), batch_id)
        assert (again.status_code, again.json()["accepted"]) == (202, 1_000)
        assert await _queued(redis) == await _stored(redis) == 1_000
        assert await counts(gateway, batch_id) == {"queued": 1_000}


async def test_a_gateway_that_is_killed_in_the_middle_loses_nothing(
    gateway: Gateway, one_server: Server, redis: Any, tmp_path: Path
) -> None:
    items = [*prompts(999), BAD]
    async with gateway_process(one_server.url, tmp_path) as dying, asyncio.TaskGroup() as group:
        await eventually(dying.ready, seconds=15)
        sent = group.create_task(_send(dying.client, {"items": items, "batch_id": "b"}))
        await eventually(lambda: _some(redis), every=0.005)
        dying.process.send_signal(signal.SIGKILL)
        assert await sent is None
    stored = await _stored(redis)
    assert 100 <= stored < 999
    assert (await seen(gateway))["jobs"]["accepting"] == 999 - stored
    answer = await accepted(gateway, items)
    assert (answer["accepted"], answer["refused"]) == (999, 1)
    assert [entry["job_id"] for entry in answer["jobs"]] == [*(f"b.{n}" for n in range(999)), None]
    assert await _queued(redis) == await _stored(redis) == 999


async def _some(redis: Any) -> bool:
    return await _stored(redis) >= 100


async def _send(client: httpx2.AsyncClient, body: dict[str, Any]) -> httpx2.Response | None:
    try:
        return await client.post(f"{JOBS}/batch", json=body)
    except httpx2.TransportError:
        return None


async def test_redis_that_goes_away_in_the_middle_is_told_with_the_id(one_server: Server, gateway: Gateway) -> None:
    """The id was drawn for this request: without it the client could not go on."""
    original = gateway.services.store.jobs.submit
    numbers = itertools.count()

    async def breaking(spec: Any) -> Any:
        if next(numbers) >= 10:
            raise ConnectionResetError
        return await original(spec)

    gateway.services.store.jobs.submit = breaking  # type: ignore[method-assign]
    stopped = problem(await post_batch(gateway, prompts(50), None), 503, "redis_unavailable")
    gateway.services.store.jobs.submit = original  # type: ignore[method-assign]
    assert stopped["stored"] <= 10
    again = await accepted(gateway, prompts(50), stopped["batch_id"])
    assert again["accepted"] == 50


async def test_what_no_replica_confirms_is_not_accepted(one_server: Server, redis_connections: Connections) -> None:
    async with gateway_in_loop(one_server.url, durability="replicated", replication_seconds=0.05) as gateway:
        stopped = problem(await post_batch(gateway, prompts(3)), 503, "durability_unconfirmed")
    assert (stopped["batch_id"], stopped["stored"]) == ("b", 0)


@pytest.mark.parametrize("items", [[BAD] * 3, [], [BAD] * 1_001])
async def test_a_batch_without_a_sound_item_leaves_nothing_behind(
    gateway: Gateway, redis: Any, items: list[Any]
) -> None:
    before = await redis.dbsize()
    problem(await post_batch(gateway, items), 422, "validation_failed")
    assert await redis.dbsize() == before
    problem(await gateway.client.get(f"{BATCHES}/b"), 404, "batch_not_found")


async def test_a_body_may_be_as_large_as_that_of_a_job(gateway: Gateway) -> None:
    large = [{**each, "context_files": {"f": "x" * 1_000_000}} for each in prompts(20)]
    assert (await accepted(gateway, large))["accepted"] == 20
    problem(await post_batch(gateway, [*large, *large]), 413, "body_too_large")
    text = await gateway.client.post(f"{JOBS}/batch", content=b"{}", headers={"Content-Type": "text/plain"})
    problem(text, 415, "unsupported_media_type")
