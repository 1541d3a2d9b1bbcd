"""GET /jobs: newest first, filtered, page by page; each job once, whatever comes and goes between the pages."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import chain
from typing import Any

import httpx2
import pytest

from shared.contracts.ids import DEFAULT_TENANT, JobRef
from shared.contracts.states import JobKind
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.jobs import submission
from tests.support.problems import problem
from tests.support.servers import Server

JOBS = "/api/v1/jobs"
KEYS = Keyspace(0)
SOFT, HARD = "soft_time_limit_seconds", "hard_time_limit_seconds"
INDEX = KEYS.index(DEFAULT_TENANT)
BEGAN_MS = 1_750_000_000_000
STRANGE_IDS = ["a.b:c_d-e", "0", "Z" * 128, "a" + "._:-" * 31 + "...", "nan", "1e5", "x--", "jobs:default", "outline"]
HOSTILE = [
    "' OR '1'='1",
    "1; DROP TABLE jobs;--",
    "'}) redis.call('FLUSHALL') --",
    "%s{0}*?[a-z]",
    "a\r\nFLUSHALL\r\n",
    "${jndi:ldap:x}",
    "蜜蜂",
]


async def _page(gateway: Gateway, **query: Any) -> dict[str, Any]:
    answer = await gateway.client.get(JOBS, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    assert page.keys() == {"items", "next_cursor"}
    return page


def _ids(page: dict[str, Any]) -> list[str]:
    return [job["job_id"] for job in page["items"]]


async def _nothing() -> None:
    return


async def _walk(
    gateway: Gateway, limit: int, between: Callable[[], Awaitable[None]] = _nothing, **query: Any
) -> list[list[str]]:
    """The ids of all pages."""
    page = await _page(gateway, limit=limit, **query)
    pages = [_ids(page)]
    while page["next_cursor"] is not None:
        await between()
        page = await _page(gateway, limit=limit, cursor=page["next_cursor"], **query)
        pages.append(_ids(page))
        assert len(pages) < 200
    return pages


async def _all(gateway: Gateway, limit: int) -> list[str]:
    return list(chain.from_iterable(await _walk(gateway, limit)))


async def _expire(redis: Any, job_id: str) -> None:
    ref = JobRef(job_id)
    await redis.delete(KEYS.job(ref), KEYS.events(ref), KEYS.payload(ref))


async def _fill(gateway: Gateway, store: Store, redis: Any, jobs: int, each_ms: int = 1) -> list[str]:
    """So many jobs, ``each_ms`` of them in each millisecond; their ids, newest first."""
    scores = {}
    for number in range(jobs):
        # Names in an order of their own: those of one millisecond are told apart by them.
        job_id = f"job-{number * 7 % jobs:03}"
        await store.jobs.submit(submission(job_id))
        scores[str(JobRef(job_id))] = BEGAN_MS + number // each_ms
    await redis.zadd(INDEX, scores)
    return [name.partition("/")[2] for name in sorted(scores, key=lambda name: (scores[name], name), reverse=True)]


@pytest.mark.parametrize("limit", [1, 2, 7, 40, 200])
@pytest.mark.parametrize("each_ms", [1, 5, 40])
async def test_pages_hold_each_job_once(
    gateway: Gateway, store: Store, redis_connections: Connections, limit: int, each_ms: int
) -> None:
    expected = await _fill(gateway, store, redis_connections.commands, 40, each_ms)
    pages = await _walk(gateway, limit)
    assert pages == [expected[begin : begin + limit] for begin in range(0, 40, limit)]


@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_pages_hold_each_job_once_while_others_come_and_go(
    gateway: Gateway, store: Store, redis_connections: Connections, limit: int
) -> None:
    redis = redis_connections.commands
    expected = await _fill(gateway, store, redis, 40, each_ms=4)
    # Three at the far end, gone before a page comes there.
    left, submitted = expected[-1::-3][:3], 0

    async def between() -> None:
        nonlocal submitted
        submitted += 1
        await store.jobs.submit(submission(f"new-{submitted}"))
        if submitted <= 3:
            await _expire(redis, left[submitted - 1])

    walked = list(chain.from_iterable(await _walk(gateway, limit, between)))
    assert walked == [job_id for job_id in expected if job_id not in left]
    assert set(await _all(gateway, limit)) == {f"new-{n + 1}" for n in range(submitted)} | set(walked)


async def test_the_place_itself_may_expire(gateway: Gateway, store: Store, redis_connections: Connections) -> None:
    redis = redis_connections.commands
    expected = await _fill(gateway, store, redis, 6, each_ms=3)
    page = await _page(gateway, limit=2)
    for job_id in expected[:3]:
        await _expire(redis, job_id)
        await redis.zrem(INDEX, str(JobRef(job_id)))
    assert _ids(await _page(gateway, cursor=page["next_cursor"])) == expected[3:]


async def test_an_empty_list(gateway: Gateway) -> None:
    assert await _page(gateway) == {"items": [], "next_cursor": None}


async def test_fifty_are_a_page_unless_asked_otherwise(
    gateway: Gateway, store: Store, redis_connections: Connections
) -> None:
    expected = await _fill(gateway, store, redis_connections.commands, 201)
    assert _ids(await _page(gateway)) == expected[:50]
    most = await _page(gateway, limit=200)
    assert _ids(most) == expected[:200]
    last = await _page(gateway, limit=200, cursor=most["next_cursor"])
    assert (_ids(last), last["next_cursor"]) == (expected[200:], None)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "ten", "", "1e2", "9" * 30])
async def test_limits_out_of_range(gateway: Gateway, limit: str) -> None:
    found = problem(await gateway.client.get(JOBS, params={"limit": limit}), 422, "validation_failed")
    assert [error["pointer"] for error in found["errors"]] == ["/query/limit"]


async def _one_in_each_state(gateway: Gateway, store: Store, hand: Hand, kind: JobKind) -> dict[str, str]:
    """A job of a kind in each state that a job can be brought to; id by state, the newest last."""
    for state in ("completed", "failed", "cancelled", "running"):
        await store.jobs.submit(submission(f"{kind}-{state}", kind=kind))
        claim = await hand.take(kind)
        match state:
            case "completed":
                await hand.complete(claim)
            case "failed":
                await hand.fail(claim)
            case "cancelled":
                await store.jobs.cancel(claim.ref)
                await hand.complete(claim)
    await store.jobs.submit(submission(f"{kind}-queued", kind=kind))
    await store.jobs.submit(submission(f"{kind}-scheduled", kind=kind, delay_ms=60_000))
    states = ("completed", "failed", "cancelled", "running", "queued", "scheduled")
    return {state: f"{kind}-{state}" for state in states}


async def test_filters_by_kind_and_status(
    gateway: Gateway, store: Store, hand: Hand, redis_connections: Connections
) -> None:
    made = {kind: await _one_in_each_state(gateway, store, hand, kind) for kind in JobKind}
    for number, job_id in enumerate([*made[JobKind.OUTLINE].values(), *made[JobKind.DOCUMENT].values()]):
        await redis_connections.commands.zadd(INDEX, {str(JobRef(job_id)): BEGAN_MS + number})
    for kind, by_state in made.items():
        assert _ids(await _page(gateway, kind=kind)) == list(by_state.values())[::-1]
        for state, job_id in by_state.items():
            assert _ids(await _page(gateway, kind=kind, status=state)) == [job_id]
            both = [made[JobKind.DOCUMENT][state], made[JobKind.OUTLINE][state]]
            assert await _walk(gateway, 1, status=state) == [[job_id] for job_id in both]
        assert _ids(await _page(gateway, kind=kind, status="awaiting_review")) == []


@pytest.mark.parametrize("query", [{"kind": "x"}, {"status": "done"}, {"kind": ""}, {"kind": "Outline"}])
async def test_unknown_kinds_and_states(gateway: Gateway, query: dict[str, str]) -> None:
    found = problem(await gateway.client.get(JOBS, params=query), 422, "validation_failed")
    assert [error["pointer"] for error in found["errors"]] == [f"/query/{next(iter(query))}"]


async def test_a_rare_state_in_a_long_list_takes_short_pages(
    gateway: Gateway, store: Store, redis_connections: Connections
) -> None:
    lists = gateway.services.lists
    lists.most_walked, lists.page_records = 10, 5
    expected = await _fill(gateway, store, redis_connections.commands, 34)
    for job_id in (expected[12], expected[13], expected[33]):
        await store.jobs.cancel(JobRef(job_id))
    assert await _walk(gateway, 5, status="cancelled") == [[], expected[12:14], [], [expected[33]]]
    assert [each for each in await _walk(gateway, 1, status="cancelled") if each] == [
        [expected[place]] for place in (12, 13, 33)
    ]


async def test_several_shards_are_one_list(one_server: Server, redis_connections: Connections) -> None:
    redis: Any = redis_connections.commands
    async with gateway_in_loop(one_server.url, shards=4) as gateway:
        created = {}
        for number in range(24):
            body = {"task_prompt": "x", "job_id": f"job-{number:02}"}
            created[f"job-{number:02}"] = (await gateway.client.post(f"{JOBS}/outline", json=body)).json()["created_at"]
        indexes = [Keyspace(shard).index(DEFAULT_TENANT) for shard in range(4)]
        assert 0 not in [await redis.zcard(index) for index in indexes]
        expected = sorted(created, key=lambda job_id: (datetime.fromisoformat(created[job_id]), job_id), reverse=True)
        for limit in (1, 5, 24):
            assert await _all(gateway, limit) == expected
        for index in indexes:
            names: list[bytes] = await redis.zrange(index, 0, -1)
            await redis.zadd(index, dict.fromkeys(names, BEGAN_MS))
        for limit in (1, 5, 24):
            assert await _all(gateway, limit) == sorted(created, reverse=True)


async def _last_cursor(gateway: Gateway, store: Store) -> str:
    for number in range(2):
        await store.jobs.submit(submission(f"job-{number}"))
    cursor: str = (await _page(gateway, limit=1))["next_cursor"]
    return cursor


async def _accepted(gateway: Gateway, cursors: list[str]) -> list[str]:
    """Those that are not refused as they have to be."""
    answers = {cursor: await gateway.client.get(JOBS, params={"limit": 1, "cursor": cursor}) for cursor in cursors}
    for answer in answers.values():
        if answer.status_code != 200:
            found = problem(answer, 422, "validation_failed")
            assert [error["pointer"] for error in found["errors"]] == ["/query/cursor"]
    return [cursor for cursor, answer in answers.items() if answer.status_code == 200]


async def test_cursors_with_signs_that_no_list_has_given_out(gateway: Gateway, store: Store) -> None:
    cursor = await _last_cursor(gateway, store)
    spoilt = ["", " ", "null", cursor + "====", cursor + "\n", cursor[:4] + "!!!!" + cursor[4:], cursor + "é"]
    spoilt += [cursor + "🐝", "+/" + cursor[2:], cursor * 20, "bm9uc2Vuc2U", "Ly8vLy8", "_" * 64, "A" * 400]
    assert await _accepted(gateway, spoilt) == []
    assert await _accepted(gateway, [cursor]) == [cursor]


async def test_cut_cursors(gateway: Gateway, store: Store) -> None:
    cursor = await _last_cursor(gateway, store)
    assert await _accepted(gateway, [cursor[:length] for length in range(len(cursor))]) == []


async def test_every_id_a_job_can_have_stands_in_a_cursor_and_in_a_path(
    gateway: Gateway, redis_connections: Connections
) -> None:
    for job_id in STRANGE_IDS:
        await gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "x", "job_id": job_id})
        assert (await gateway.client.get(f"{JOBS}/{job_id}")).json()["job_id"] == job_id
    await redis_connections.commands.zadd(INDEX, {str(JobRef(job_id)): BEGAN_MS for job_id in STRANGE_IDS})
    assert await _all(gateway, 1) == sorted(STRANGE_IDS, reverse=True)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_strings_find_nothing(gateway: Gateway, store: Store, text: str) -> None:
    await store.jobs.submit(submission("job"))
    for name in ("cursor", "kind", "status", "limit"):
        problem(await gateway.client.get(JOBS, params={name: text}), 422, "validation_failed")
    quoted = "".join(f"%{byte:02X}" for byte in text.encode())
    problem(await gateway.client.get(f"{JOBS}/{quoted}"), 404, "job_not_found")
    assert _ids(await _page(gateway)) == ["job"]


async def test_many_ask_at_once(gateway: Gateway, store: Store, redis_connections: Connections) -> None:
    expected = await _fill(gateway, store, redis_connections.commands, 20)
    pages = await asyncio.gather(*(_page(gateway, limit=10) for _ in range(80)))
    assert {tuple(_ids(page)) for page in pages} == {tuple(expected[:10])}


async def test_lists_are_whole_while_jobs_are_submitted(gateway: Gateway) -> None:
    async def submit(number: int) -> None:
        body = {"task_prompt": "x", "job_id": f"job-{number:02}"}
        assert (await gateway.client.post(f"{JOBS}/outline", json=body)).status_code == 202

    async with asyncio.TaskGroup() as group:
        submitting = [group.create_task(submit(number)) for number in range(20)]
        walking = [group.create_task(_all(gateway, 3)) for _ in range(20)]
    assert all(task.done() for task in submitting)
    for task in walking:
        assert len(task.result()) == len(set(task.result()))
    assert len(await _all(gateway, 3)) == 20


async def _limited(gateway: Gateway, limits: dict[str, Any], kind: str = "outline") -> httpx2.Response:
    asked = {"task_prompt": "x"} if kind == "outline" else {"outline": {"title": "t", "nodes": [{"title": "n"}]}}
    return await gateway.client.post(f"{JOBS}/{kind}", json={"job_id": "job", **asked, **limits})


@pytest.mark.parametrize("kind", JobKind)
@pytest.mark.parametrize(
    ("limits", "stored"),
    [
        ({SOFT: 1.5, HARD: 2}, ("1500", "2000")),
        ({SOFT: 7, HARD: 7}, ("7000", "7000")),
        ({SOFT: 86_400}, ("86400000", "")),
        ({HARD: 0.0001}, ("", "1")),
        ({SOFT: None, HARD: None}, ("", "")),
        ({}, ("", "")),
    ],
)
async def test_time_limits_are_kept_with_the_job(
    gateway: Gateway, hand: Hand, redis_connections: Connections, kind: JobKind, limits: dict[str, Any], stored: Any
) -> None:
    assert (await _limited(gateway, limits, kind)).status_code == 202
    redis: Any = redis_connections.commands
    found = await redis.hmget(KEYS.job(JobRef("job")), "soft_limit", "hard_limit")
    assert tuple("" if value is None else value.decode() for value in found) == stored
    claim = await hand.take(kind)
    seconds = tuple(int(value) / 1000 if value else None for value in stored)
    assert (claim.soft_limit_seconds, claim.hard_limit_seconds) == seconds


async def test_time_limits_are_part_of_what_is_asked(gateway: Gateway) -> None:
    first = await _limited(gateway, {SOFT: 10, HARD: 20})
    again = await _limited(gateway, {SOFT: 10.0, HARD: 2e1})
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    others: list[dict[str, Any]] = [{SOFT: 10, HARD: 21}, {SOFT: 9, HARD: 20}, {SOFT: 10}, {HARD: 20}, {}]
    for other in others:
        problem(await _limited(gateway, other), 409, "job_id_conflict")


async def test_a_soft_limit_above_the_hard_one(gateway: Gateway) -> None:
    found = problem(await _limited(gateway, {SOFT: 20.001, HARD: 20}), 422, "validation_failed")
    assert SOFT in found["detail"]
    problem(await gateway.client.get(f"{JOBS}/job"), 404, "job_not_found")


@pytest.mark.parametrize("name", [SOFT, HARD])
@pytest.mark.parametrize("value", ["0", "-1", "86400.001", "1e400", "NaN", "Infinity", '"5"', "true", "[1]"])
async def test_time_limits_that_cannot_be(gateway: Gateway, name: str, value: str) -> None:
    body = f'{{"task_prompt":"x","job_id":"job","{name}":{value}}}'
    answer = await gateway.client.post(f"{JOBS}/outline", content=body, headers={"Content-Type": "application/json"})
    found = problem(answer, 422, "validation_failed")
    assert [error["pointer"] for error in found["errors"]] == [f"/{name}"]
