"""What operators look at and decide: workers, orders, pauses; and how all of it fails when Redis is away."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.contracts.workers import GivenOrder, Order, WorkerRecord
from shared.redis.client import Connections
from shared.redis.keys import REGISTRY_SHARD, Keyspace
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.jobs import submission
from tests.support.problems import problem
from tests.support.servers import Server, running
from tests.support.waiting import eventually

API = "/api/v1"
WORKERS = f"{API}/workers"
OUTLINE, DOCUMENT = JobKind.OUTLINE, JobKind.DOCUMENT
KEYS = Keyspace(REGISTRY_SHARD)
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WORKER = WorkerRecord(
    id="host-1-ab12",
    kind=OUTLINE,
    host="host",
    version="0.1.0",
    started_at=BEGAN,
    heartbeat_at=BEGAN,
    slots=7,
    running=("a.b:c_d-e", "job"),
    draining=False,
)
INSTRUCTIONS = {"drain": Order.DRAIN, "resume": Order.WORK, "shutdown": Order.SHUTDOWN, "restart": Order.RESTART}
LIFE_SECONDS = 60.0
ROUTES = [
    ("GET", f"{API}/jobs"),
    ("GET", f"{API}/jobs?kind=outline&status=queued"),
    ("GET", f"{API}/dead-letters"),
    ("POST", f"{API}/dead-letters/requeue"),
    ("DELETE", f"{API}/dead-letters"),
    ("POST", f"{API}/dead-letters/job/requeue"),
    ("DELETE", f"{API}/dead-letters/job"),
    ("GET", f"{API}/stats"),
    ("GET", WORKERS),
    ("POST", f"{WORKERS}/drain?kind=outline"),
    ("POST", f"{WORKERS}/w/restart"),
    ("POST", f"{API}/queues/outline/pause"),
    ("POST", f"{API}/queues/document/resume"),
]


@pytest.fixture
def store(redis_connections: Connections) -> Store:
    return Store(redis_connections, shards=1)


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


async def _beat(store: Store, follows: Order = Order.WORK, life: float = LIFE_SECONDS, **told: Any) -> Order:
    given = GivenOrder(follows, int(follows is not Order.WORK))
    return (await store.workers.heartbeat(replace(WORKER, **told), life, given)).order


async def _listed(gateway: Gateway, **query: str) -> list[str]:
    answer = await gateway.client.get(WORKERS, params=query)
    assert answer.status_code == 200, answer.text
    return [worker["worker_id"] for worker in answer.json()["items"]]


async def _tell(gateway: Gateway, instruction: str, worker: str = WORKER.id) -> httpx2.Response:
    return await gateway.client.post(f"{WORKERS}/{worker}/{instruction}")


async def _messages(redis: Any, kind: JobKind = OUTLINE) -> list[str]:
    return [fields[b"what"].decode() for _, fields in await redis.xrange(KEYS.control(kind))]


async def test_a_worker_is_shown_as_it_told(gateway: Gateway, store: Store) -> None:
    before = gateway.services.clock.now() - timedelta(milliseconds=1)
    await _beat(store, draining=True)
    (shown,) = (await gateway.client.get(WORKERS)).json()["items"]
    assert before <= datetime.fromisoformat(shown.pop("heartbeat_at")) <= gateway.services.clock.now()
    assert shown == {
        "worker_id": WORKER.id,
        "kind": "outline",
        "host": "host",
        "version": "0.1.0",
        "started_at": "2026-01-02T03:04:05Z",
        "slots": 7,
        "running": ["a.b:c_d-e", "job"],
        "draining": True,
    }
    await _beat(store, running=())
    (shown,) = (await gateway.client.get(WORKERS)).json()["items"]
    assert (shown["running"], shown["draining"]) == ([], False)


async def test_the_oldest_first_and_by_kind(gateway: Gateway, store: Store) -> None:
    assert await _listed(gateway) == []
    for name, kind, age in (("a", DOCUMENT, 0), ("c", OUTLINE, 1), ("b", DOCUMENT, 1), ("d", OUTLINE, 2)):
        await _beat(store, id=name, kind=kind, started_at=BEGAN - timedelta(hours=age))
    assert await _listed(gateway) == ["d", "b", "c", "a"]
    assert await _listed(gateway, kind="outline") == ["d", "c"]
    assert await _listed(gateway, kind="document") == ["b", "a"]
    problem(await gateway.client.get(WORKERS, params={"kind": "x"}), 422, "validation_failed")


async def test_a_silent_worker_is_gone(gateway: Gateway, store: Store, redis: Any) -> None:
    await _beat(store, life=0.1)

    async def gone() -> bool:
        return await _listed(gateway) == []

    await eventually(gone)
    problem(await _tell(gateway, "drain"), 404, "worker_not_found")
    assert (await gateway.client.post(f"{WORKERS}/drain?kind=outline")).json()["workers"] == []
    assert not await redis.exists(KEYS.worker(WORKER.id))
    assert await _messages(redis) == []
    await _beat(store, id="next")
    assert await redis.zrange(KEYS.workers, 0, -1) == [b"next"]
    assert await _beat(store) is Order.WORK


async def test_nothing_of_the_registry_stays(gateway: Gateway, store: Store, redis: Any) -> None:
    await _beat(store)
    await _tell(gateway, "drain")
    for key in (KEYS.worker(WORKER.id), KEYS.workers):
        assert 0 < await redis.pttl(key) <= 2 * LIFE_SECONDS * 1000
    await store.workers.sign_off(WORKER.id)
    assert await _listed(gateway) == []
    problem(await _tell(gateway, "drain"), 404, "worker_not_found")
    assert not await redis.exists(KEYS.worker(WORKER.id), KEYS.workers)


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
async def test_an_order_reaches_its_worker_and_nobody_else(
    gateway: Gateway, store: Store, redis: Any, instruction: str
) -> None:
    before = Order.WORK if instruction != "resume" else Order.DRAIN
    for name, kind in ((WORKER.id, OUTLINE), ("same-kind", OUTLINE), ("other-kind", DOCUMENT)):
        await _beat(store, before, id=name, kind=kind)
    answer = await _tell(gateway, instruction)
    assert (answer.status_code, answer.json()) == (202, {"instruction": instruction, "workers": [WORKER.id]})
    # A worker tells what it follows, and hears what it is to follow, until something else is said.
    for follows in (before, INSTRUCTIONS[instruction], before):
        assert await _beat(store, follows) is INSTRUCTIONS[instruction]
    assert await _beat(store, before, id="same-kind") is before
    assert await _beat(store, before, id="other-kind", kind=DOCUMENT) is before
    assert (await _messages(redis), await _messages(redis, DOCUMENT)) == (["order"], [])


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
async def test_an_order_to_all_of_a_kind(gateway: Gateway, store: Store, redis: Any, instruction: str) -> None:
    names = {"a": OUTLINE, "b": OUTLINE, "c": DOCUMENT}
    for name, kind in names.items():
        await _beat(store, Order.SHUTDOWN, id=name, kind=kind)
    answer = await gateway.client.post(f"{WORKERS}/{instruction}", params={"kind": "outline"})
    assert answer.status_code == 202
    assert (answer.json()["instruction"], sorted(answer.json()["workers"])) == (instruction, ["a", "b"])
    heard = [await _beat(store, Order.SHUTDOWN, id=name, kind=kind) for name, kind in names.items()]
    assert heard == [INSTRUCTIONS[instruction]] * 2 + [Order.SHUTDOWN]
    assert (await _messages(redis), await _messages(redis, DOCUMENT)) == (["order", "order"], [])


async def test_the_last_order_counts(gateway: Gateway, store: Store) -> None:
    await _beat(store)
    for instruction in ("drain", "restart", "shutdown", "resume", "drain", "drain"):
        assert (await _tell(gateway, instruction)).status_code == 202
    assert await _beat(store) is Order.DRAIN


async def test_a_registry_that_forgot_learns_the_order_from_its_worker(
    gateway: Gateway, store: Store, redis: Any
) -> None:
    await _beat(store)
    await _tell(gateway, "drain")
    assert await _beat(store) is Order.DRAIN
    await redis.delete(KEYS.worker(WORKER.id), KEYS.workers)
    assert await _listed(gateway) == []
    assert await _beat(store, Order.DRAIN, draining=True) is Order.DRAIN
    assert await _listed(gateway) == [WORKER.id]
    await _tell(gateway, "resume")
    assert await _beat(store, Order.DRAIN) is Order.WORK


@pytest.mark.parametrize("path", [f"{WORKERS}/{WORKER.id}/stop", f"{WORKERS}/stop?kind=outline", f"{WORKERS}/Drain"])
async def test_unknown_instructions(gateway: Gateway, store: Store, path: str) -> None:
    await _beat(store)
    problem(await gateway.client.post(path), 422, "validation_failed")
    assert await _beat(store) is Order.WORK


@pytest.mark.parametrize("query", [{}, {"kind": ""}, {"kind": "x"}])
async def test_all_workers_of_no_kind(gateway: Gateway, store: Store, query: dict[str, str]) -> None:
    await _beat(store)
    found = problem(await gateway.client.post(f"{WORKERS}/shutdown", params=query), 422, "validation_failed")
    assert [error["pointer"] for error in found["errors"]] == ["/query/kind"]
    assert await _beat(store) is Order.WORK


@pytest.mark.parametrize("name", ["nobody", "*", "host-1-ab1", "host-1-ab12%00", "%27%3B%20OR", "x" * 300, "default:x"])
async def test_unknown_workers(gateway: Gateway, store: Store, redis: Any, name: str) -> None:
    await _beat(store)
    problem(await _tell(gateway, "shutdown", name), 404, "worker_not_found")
    problem(await _tell(gateway, "shutdown", "x" * 301), 422, "validation_failed")
    assert await _beat(store) is Order.WORK
    assert await _messages(redis) == []


async def _pause(gateway: Gateway, what: str = "pause", kind: JobKind = OUTLINE) -> None:
    answer = await gateway.client.post(f"{API}/queues/{kind}/{what}")
    assert (answer.status_code, answer.json()) == (200, {"kind": kind, "paused": what == "pause"})


async def test_a_pause_holds_one_kind(gateway: Gateway, store: Store, hand: Hand) -> None:
    for kind in JobKind:
        await store.jobs.submit(submission(f"before-{kind}", kind=kind))
    await _pause(gateway)
    await store.jobs.submit(submission("after", priority=9))
    assert await hand.takes() == []
    assert await hand.takes(DOCUMENT) == ["before-document"]
    positions = {
        job["job_id"]: job["queue_position"] for job in (await gateway.client.get(f"{API}/jobs")).json()["items"]
    }
    assert positions == {"after": 1, "before-outline": 2, "before-document": None}
    await _pause(gateway, "resume")
    assert await hand.takes() == ["after", "before-outline"]


async def test_paused_jobs_keep_their_order(gateway: Gateway, store: Store, hand: Hand) -> None:
    for job_id in ("released", "first", "second"):
        await store.jobs.submit(submission(job_id))
    claim = await hand.take()
    await _pause(gateway)
    await hand.release(claim)
    await store.jobs.submit(submission("third"))
    assert [await hand.takes() for _ in range(3)] == [[]] * 3
    await _pause(gateway, "resume")
    assert await hand.takes() == ["released", "first", "second", "third"]


async def test_what_has_to_end_ends_in_a_pause_and_what_can_go_on_waits(
    gateway: Gateway, store: Store, hand: Hand, redis: Any
) -> None:
    for job_id, attempts in {"cancelled": 3, "crashed": 1, "alive": 3}.items():
        await store.jobs.submit(submission(job_id, max_attempts=attempts))
        await hand.take()
    await store.jobs.cancel(JobRef("cancelled"))
    await _pause(gateway)
    leases = {str(JobRef("alive")): 1, str(JobRef("crashed")): 2, str(JobRef("cancelled")): 3}
    await redis.zadd(Keyspace(0).leases(OUTLINE), leases)
    assert await hand.takes() == []
    jobs = {job["job_id"]: job for job in (await gateway.client.get(f"{API}/jobs")).json()["items"]}
    assert {name: job["status"] for name, job in jobs.items()} == {
        "cancelled": "cancelled", "crashed": "failed", "alive": "running",
    }  # fmt: skip
    assert jobs["crashed"]["error"]["code"] == "worker_lost"
    letters = (await gateway.client.get(f"{API}/dead-letters")).json()["items"]
    assert [letter["job_id"] for letter in letters] == ["crashed"]
    await _pause(gateway, "resume")
    assert await hand.takes() == ["alive"]
    assert hand.held[JobRef("alive")].attempt == 2


async def test_what_runs_goes_on_in_a_pause(gateway: Gateway, store: Store, hand: Hand) -> None:
    await store.jobs.submit(submission("job"))
    claim = await hand.take()
    await _pause(gateway)
    await hand.progress(claim, 50)
    await hand.complete(claim)
    assert (await gateway.client.get(f"{API}/jobs/job")).json()["status"] == "completed"


async def test_pausing_and_resuming_twice(gateway: Gateway, redis: Any) -> None:
    await _pause(gateway, "resume")
    await _pause(gateway)
    since = await redis.hgetall(KEYS.paused)
    await _pause(gateway)
    assert await redis.hgetall(KEYS.paused) == since
    assert since.keys() == {b"outline"}
    for _ in range(2):
        await _pause(gateway, "resume")
        assert (await _messages(redis))[-1] == "resume"
        assert not await redis.exists(KEYS.paused)
    assert await _messages(redis, DOCUMENT) == []


@pytest.mark.parametrize("path", ["queues/x/pause", "queues/Outline/resume"])
async def test_unknown_queues(gateway: Gateway, path: str) -> None:
    problem(await gateway.client.post(f"{API}/{path}"), 422, "validation_failed")


async def test_a_pause_holds_on_all_shards(one_server: Server, redis_connections: Connections) -> None:
    store, names = Store(redis_connections, shards=4), [f"job-{number}" for number in range(12)]

    async def taken() -> list[str]:
        args = (OUTLINE, Fetcher("hand", 1), 60_000, 12, list(Band))
        fetched = [await store.queues.fetch(shard, *args) for shard in range(4)]
        return sorted(claim.ref.job_id for each in fetched for claim in each.claims)

    async with gateway_in_loop(one_server.url, shards=4) as gateway:
        await _pause(gateway)
        for name in names:
            await store.jobs.submit(submission(name))
        assert await taken() == []
        await _pause(gateway, "resume")
        assert await taken() == sorted(names)


async def test_with_redis_away_all_of_it_is_unavailable(one_server: Server) -> None:
    async with AsyncExitStack() as stack:
        away = await stack.enter_async_context(running(one_server.name, one_server.binary))
        gateway = await stack.enter_async_context(gateway_in_loop(away.url))
        await away.stop()
        answers = await asyncio.gather(*(gateway.client.request(method, path) for method, path in ROUTES))
        for answer in answers:
            problem(answer, 503, "redis_unavailable")
            assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nothing_is_asked_of_a_redis_that_has_not_agreed(gateway: Gateway, method: str, path: str) -> None:
    gateway.services.prepared.clear()
    answer = await gateway.client.request(method, path)
    problem(answer, 503, "redis_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("path", sorted({path.partition("?")[0] for _, path in ROUTES}))
async def test_other_methods_are_refused(gateway: Gateway, path: str) -> None:
    known = {method for method, each in ROUTES if each.partition("?")[0] == path}
    if path.endswith("dead-letters/requeue"):
        known.add("DELETE")  # of a job by that name
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known:
        problem(await gateway.client.request(method, path), 405, "method_not_allowed")
