"""Dead letters: listed, begun again and forgotten, one by one or all of them."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx2
import pytest

from gateway.operators import dead_letters
from shared.contracts.ids import DEFAULT_TENANT, JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.attempts import ArtifactWrite
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from tests.support.gateway import AWAY, Gateway, Hand, gateway_in_loop
from tests.support.jobs import submission
from tests.support.problems import problem
from tests.support.servers import Server

API = "/api/v1"
LETTERS = f"{API}/dead-letters"
OUTLINE = JobKind.OUTLINE
KEYS = Keyspace(0)


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


async def _bury(store: Store, hand: Hand, *job_ids: str, kind: JobKind = OUTLINE) -> None:
    """Dead letters, the newest last, each in a millisecond of its own."""
    for job_id in job_ids:
        await store.jobs.submit(submission(job_id, kind=kind, max_attempts=1))
        await hand.give_up(await hand.take(kind))


async def _page(gateway: Gateway, **query: Any) -> dict[str, Any]:
    answer = await gateway.client.get(LETTERS, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def _listed(gateway: Gateway, **query: Any) -> list[str]:
    return [job["job_id"] for job in (await _page(gateway, **query))["items"]]


async def _requeue(gateway: Gateway, job_id: str = "job", request_id: str | None = None) -> httpx2.Response:
    headers = {"X-Request-Id": request_id} if request_id else {}
    return await gateway.client.post(f"{LETTERS}/{job_id}/requeue", headers=headers)


async def _purge(gateway: Gateway, job_id: str = "job") -> httpx2.Response:
    return await gateway.client.delete(f"{LETTERS}/{job_id}")


async def _waiting(redis: Any, kind: JobKind = OUTLINE) -> list[str]:
    """The jobs that stand in the stream of the default band, the first to be taken first."""
    entries = await redis.xrange(KEYS.requests(kind, Band.DEFAULT))
    return [fields[b"id"].decode().partition("/")[2] for _, fields in entries]


async def _keys_of(redis: Any, job_id: str = "job") -> dict[str, int]:
    """TTL by key."""
    return {key.decode(): await redis.ttl(key) async for key in redis.scan_iter(f"*:{JobRef(job_id)}")}


async def _set_times(redis: Any, *job_ids: str, kind: JobKind = OUTLINE, step: int = 1) -> None:
    """When they died, oldest first, so many ms apart."""
    times = {str(JobRef(job_id)): 1_750_000_000_000 + step * number for number, job_id in enumerate(job_ids)}
    await redis.zadd(KEYS.dead(kind, Band.DEFAULT), times)


async def test_listed_newest_first_with_their_errors(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    await _bury(store, hand, "c", "a", "b")
    await _set_times(redis, "c", "a", "b")
    page = await _page(gateway)
    assert [job["job_id"] for job in page["items"]] == ["b", "a", "c"]
    assert page["next_cursor"] is None
    for job in page["items"]:
        assert (job["status"], job["error"], job["kind"], job["attempt"]) == ("failed", json.loads(AWAY), "outline", 1)


async def test_none(gateway: Gateway) -> None:
    assert await _page(gateway) == {"items": [], "next_cursor": None}
    assert (await gateway.client.post(f"{LETTERS}/requeue")).json() == {"requeued": 0}
    assert (await gateway.client.delete(LETTERS)).json() == {"purged": 0}


@pytest.mark.parametrize("step", [0, 1])
async def test_kinds_and_cursors(gateway: Gateway, store: Store, hand: Hand, redis: Any, step: int) -> None:
    names = {kind: [f"{number}-{kind}" for number in range(5)] for kind in JobKind}
    for kind, job_ids in names.items():
        await _bury(store, hand, *job_ids, kind=kind)
        await _set_times(redis, *job_ids, kind=kind, step=step)
        assert await _listed(gateway, kind=kind) == job_ids[::-1]
    expected = sorted(names[OUTLINE] + names[JobKind.DOCUMENT], reverse=True)
    for limit in (1, 3, 10):
        found, page = [], await _page(gateway, limit=limit)
        while True:
            found += [job["job_id"] for job in page["items"]]
            if page["next_cursor"] is None:
                break
            page = await _page(gateway, limit=limit, cursor=page["next_cursor"])
        assert found == expected


@pytest.mark.parametrize(
    ("name", "value"), [("kind", "x"), ("kind", ""), ("limit", "0"), ("limit", "201"), ("cursor", "x"), ("cursor", "")]
)
async def test_what_no_list_knows(gateway: Gateway, name: str, value: str) -> None:
    found = problem(await gateway.client.get(LETTERS, params={name: value}), 422, "validation_failed")
    assert [error["pointer"] for error in found["errors"]] == [f"/query/{name}"]


async def test_a_job_that_cannot_pass_is_no_dead_letter(gateway: Gateway, store: Store, hand: Hand) -> None:
    await store.jobs.submit(submission("job"))
    await hand.fail(await hand.take())
    assert await _listed(gateway) == []
    problem(await _requeue(gateway), 404, "dead_letter_not_found")
    problem(await _purge(gateway), 404, "dead_letter_not_found")
    assert (await gateway.client.post(f"{API}/jobs/job/retry")).status_code == 202


async def test_a_letter_begins_again(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    await store.jobs.submit(submission("job", max_attempts=1))
    claim = await hand.take()
    await store.attempts.put_artifact(claim, ArtifactWrite("w", "text:s1", b"written"))
    await hand.give_up(claim)
    assert -1 not in (await _keys_of(redis)).values()
    answer = await _requeue(gateway, request_id="again-1")
    assert answer.status_code == 202
    job = answer.json()
    assert (job["status"], job["run"], job["attempt"], job["error"], job["queue_position"]) == ("queued", 2, 0, None, 1)
    assert job["finished_at"] is None
    assert await _listed(gateway) == []
    keys = await _keys_of(redis)
    assert {name.partition("}:")[2].partition(":")[0] for name in keys} == {"job", "payload", "events", "artifact"}
    assert set(keys.values()) == {-1}
    second = await hand.take()
    assert (second.run, second.attempt, second.request_id) == (2, 1, "again-1")
    await hand.complete(second)
    assert (await gateway.client.get(f"{API}/jobs/job/result")).status_code == 200


async def test_a_letter_that_dies_again_is_listed_again(gateway: Gateway, store: Store, hand: Hand) -> None:
    await _bury(store, hand, "job")
    for run in (2, 3):
        assert (await _requeue(gateway)).json()["run"] == run
        await hand.give_up(await hand.take())
        assert await _listed(gateway) == ["job"]


@pytest.mark.parametrize("state", ["unknown", "queued", "scheduled", "running", "completed", "cancelled"])
async def test_what_is_no_dead_letter_is_left_alone(
    gateway: Gateway, store: Store, hand: Hand, redis: Any, state: str
) -> None:
    if state != "unknown":
        await store.jobs.submit(submission("job", delay_ms=60_000 if state == "scheduled" else 0))
    if state in {"running", "completed"}:
        claim = await hand.take()
        if state == "completed":
            await hand.complete(claim)
    if state == "cancelled":
        await store.jobs.cancel(JobRef("job"))
    before = await redis.hgetall(KEYS.job(JobRef("job")))
    for answer in (await _requeue(gateway), await _purge(gateway)):
        problem(answer, 404, "dead_letter_not_found")
    assert await redis.hgetall(KEYS.job(JobRef("job"))) == before


async def test_the_same_request_is_answered_as_the_first_time(
    gateway: Gateway, store: Store, hand: Hand, redis: Any
) -> None:
    await _bury(store, hand, "job")
    answers = [await _requeue(gateway, request_id="once") for _ in range(3)]
    assert [(answer.status_code, answer.json()["run"]) for answer in answers] == [(202, 2)] * 3
    problem(await _requeue(gateway, request_id="twice"), 404, "dead_letter_not_found")
    claim = await hand.take()
    assert (await _requeue(gateway, request_id="once")).json()["status"] == "running"
    await hand.complete(claim)
    problem(await _requeue(gateway, request_id="once"), 404, "dead_letter_not_found")
    assert await _waiting(redis) == []


@pytest.mark.parametrize("same", [True, False])
async def test_fifty_at_once_begin_one_run(
    gateway: Gateway, one_server: Server, store: Store, hand: Hand, redis: Any, same: bool
) -> None:
    await _bury(store, hand, "job")
    async with gateway_in_loop(one_server.url) as other:
        both = [gateway, other]
        answers = await asyncio.gather(
            *(_requeue(both[number % 2], request_id="same" if same else f"r-{number}") for number in range(50))
        )
    assert Counter(answer.status_code for answer in answers) == ({202: 50} if same else {202: 1, 404: 49})
    assert (await gateway.client.get(f"{API}/jobs/job")).json()["run"] == 2
    assert await _waiting(redis) == ["job"]


async def test_all_of_a_kind_begin_again_the_oldest_first(
    gateway: Gateway, store: Store, hand: Hand, redis: Any
) -> None:
    await _bury(store, hand, "b", "a", "c")
    await _bury(store, hand, "d", kind=JobKind.DOCUMENT)
    await _set_times(redis, "c", "a", "b")
    answer = await gateway.client.post(f"{LETTERS}/requeue", params={"kind": "outline"})
    assert (answer.status_code, answer.json()) == (200, {"requeued": 3})
    assert await _listed(gateway) == ["d"]
    assert [(await hand.take()).ref.job_id for _ in range(3)] == ["c", "a", "b"]
    assert (await gateway.client.post(f"{LETTERS}/requeue")).json() == {"requeued": 1}
    assert (await hand.take(JobKind.DOCUMENT)).run == 2


async def test_with_more_than_one_call_takes_the_oldest_go_first(
    gateway: Gateway, store: Store, hand: Hand, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real bound would take 10,000 dead letters.
    monkeypatch.setattr(dead_letters, "MOST_AT_ONCE", 4)
    names = [f"job-{number}" for number in range(7)]
    await _bury(store, hand, *names)
    await _set_times(redis, *names)
    answer = (await gateway.client.post(f"{LETTERS}/requeue")).json()
    assert (answer, await _waiting(redis)) == ({"requeued": 4}, names[:4])
    assert ((await gateway.client.delete(LETTERS)).json(), await _listed(gateway)) == ({"purged": 3}, [])


async def test_a_purged_job_leaves_its_fence_only(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    await store.jobs.submit(submission("job", max_attempts=1))
    claim = await hand.take()
    await store.attempts.put_artifact(claim, ArtifactWrite("w", "text:s1", b"written"))
    await hand.give_up(claim)
    assert (await _purge(gateway)).status_code == 204
    assert list(await _keys_of(redis)) == [KEYS.job(JobRef("job"))]
    assert await redis.hgetall(KEYS.job(JobRef("job"))) == {b"fence": b"2"}
    assert 0 < await redis.ttl(KEYS.job(JobRef("job"))) <= 86_400
    assert await redis.zscore(KEYS.index(DEFAULT_TENANT), str(JobRef("job"))) is None
    assert await _listed(gateway) == []
    problem(await _purge(gateway), 404, "dead_letter_not_found")
    problem(await gateway.client.get(f"{API}/jobs/job"), 404, "job_not_found")
    afresh = await gateway.client.post(f"{API}/jobs/outline", json={"task_prompt": "another", "job_id": "job"})
    assert (afresh.status_code, "idempotent-replayed" in afresh.headers) == (202, False)
    job = (await gateway.client.get(f"{API}/jobs/job")).json()
    assert (job["run"], job["attempt"], job["error"], job["usage"]["llm_calls"]) == (1, 0, None, 0)


async def test_all_of_a_kind_are_purged(gateway: Gateway, store: Store, hand: Hand) -> None:
    await _bury(store, hand, "a", "b")
    await _bury(store, hand, "d", kind=JobKind.DOCUMENT)
    await store.jobs.submit(submission("waiting"))
    answer = await gateway.client.delete(LETTERS, params={"kind": "outline"})
    assert (answer.status_code, answer.json()) == (200, {"purged": 2})
    assert await _listed(gateway) == ["d"]
    assert (await gateway.client.delete(LETTERS)).json() == {"purged": 1}
    jobs = (await gateway.client.get(f"{API}/jobs")).json()["items"]
    assert [job["job_id"] for job in jobs] == ["waiting"]


async def test_expired_letters_are_passed_over(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    await _bury(store, hand, "a", "b", "c")
    await redis.delete(*(await _keys_of(redis, "b")))
    assert sorted(await _listed(gateway)) == ["a", "c"]
    problem(await _requeue(gateway, "b"), 404, "dead_letter_not_found")
    problem(await _purge(gateway, "b"), 404, "dead_letter_not_found")
    assert (await gateway.client.post(f"{LETTERS}/requeue")).json() == {"requeued": 2}
    assert (await gateway.client.delete(LETTERS)).json() == {"purged": 0}


@pytest.mark.parametrize("running", [False, True])
async def test_a_job_by_the_name_of_an_expired_letter_is_none(
    gateway: Gateway, store: Store, hand: Hand, redis: Any, running: bool
) -> None:
    await _bury(store, hand, "job")
    await redis.delete(*(await _keys_of(redis)))
    await store.jobs.submit(submission("job"))
    if running:
        await hand.take()
    assert await _listed(gateway) == []
    problem(await _requeue(gateway), 404, "dead_letter_not_found")
    problem(await _purge(gateway), 404, "dead_letter_not_found")
    assert (await gateway.client.post(f"{LETTERS}/requeue")).json() == {"requeued": 0}
    assert (await gateway.client.delete(LETTERS)).json() == {"purged": 0}
    job = (await gateway.client.get(f"{API}/jobs/job")).json()
    assert (job["status"], job["run"]) == ("running" if running else "queued", 1)


async def test_a_retry_takes_a_letter_off_the_list(gateway: Gateway, store: Store, hand: Hand) -> None:
    await _bury(store, hand, "job")
    assert (await gateway.client.post(f"{API}/jobs/job/retry")).json()["run"] == 2
    assert await _listed(gateway) == []
    problem(await _purge(gateway), 404, "dead_letter_not_found")
    await hand.complete(await hand.take())


async def test_purges_and_requeues_at_once_leave_whole_jobs_or_none(
    gateway: Gateway, one_server: Server, store: Store, hand: Hand, redis: Any
) -> None:
    names = [f"job-{number}" for number in range(20)]
    await _bury(store, hand, *names)
    async with gateway_in_loop(one_server.url) as other:
        begun = [_requeue(gateway, name) for name in names] + [_requeue(other, name) for name in names]
        purged = [_purge(other, name) for name in names]
        answers = await asyncio.gather(*begun, *purged, other.client.delete(LETTERS), gateway.client.delete(LETTERS))
    accepted = sum(answer.status_code == 202 for answer in answers)
    forgotten = sum(answer.status_code == 204 for answer in answers)
    forgotten += sum(answer.json()["purged"] for answer in answers[-2:])
    assert accepted + forgotten == 20
    waiting = await _waiting(redis)
    assert len(waiting) == len(set(waiting)) == accepted
    for name in names:
        # Of what was purged only the record's fence is left, for a day.
        assert len(await _keys_of(redis, name)) == (3 if name in waiting else 1)
    assert await redis.zcard(KEYS.dead(OUTLINE, Band.DEFAULT)) == 0


@pytest.mark.parametrize("job_id", ["a.b:c_d-e", "requeue", "Z" * 128, "0"])
async def test_strange_names(gateway: Gateway, store: Store, hand: Hand, job_id: str) -> None:
    await _bury(store, hand, job_id)
    assert (await _requeue(gateway, job_id)).json()["job_id"] == job_id
    await hand.give_up(await hand.take())
    assert (await _purge(gateway, job_id)).status_code == 204


@pytest.mark.parametrize("text", ["%27%20OR%201%3D1", "%2A", "job%00", "%7B0%7D:job:default", "default%2Fjob", "-x"])
async def test_hostile_names(gateway: Gateway, store: Store, hand: Hand, text: str) -> None:
    await _bury(store, hand, "job")
    for answer in (await _requeue(gateway, text), await _purge(gateway, text)):
        assert problem(answer, 404, answer.json()["code"])["code"] in {"job_not_found", "not_found"}
    assert await _listed(gateway) == ["job"]


async def test_letters_of_all_shards(one_server: Server, redis_connections: Connections) -> None:
    store = Store(redis_connections, shards=4)
    names = [f"job-{number:02}" for number in range(12)]
    async with gateway_in_loop(one_server.url, shards=4) as gateway:
        for name in names:
            await store.jobs.submit(submission(name, max_attempts=1))
        for shard in range(4):
            for claim in (await store.queues.fetch(shard, OUTLINE, Fetcher("hand", 1), 60_000, 12, list(Band))).claims:
                await store.attempts.fail(claim, 1, AWAY, 1_000)
        assert sorted(await _listed(gateway)) == names
        assert (await _requeue(gateway, names[0])).status_code == 202
        assert (await _purge(gateway, names[1])).status_code == 204
        assert (await gateway.client.post(f"{LETTERS}/requeue")).json() == {"requeued": 10}
        assert await _listed(gateway) == []
