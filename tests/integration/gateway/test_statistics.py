"""Where jobs stand: statistics against hand-counted numbers, a job's place in the queue, and what its ETag tells."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from gateway.dependencies import Services
from gateway.parts.job_views import JobViews
from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.contracts.workers import GivenOrder, WorkerRecord
from shared.lifecycle.clock import SystemClock
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.jobs import submission
from tests.support.servers import Server

API = "/api/v1"
OUTLINE, DOCUMENT = JobKind.OUTLINE, JobKind.DOCUMENT
KEYS = Keyspace(0)
STANDING = ("waiting", "running", "scheduled", "dead")
ENDED = ("completed", "failed", "cancelled")
PRIORITIES = {Band.HIGH: 9, Band.DEFAULT: 5, Band.LOW: 0}


class ShiftedClock(SystemClock):
    """The machine's clock, some time ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def redis(redis_connections: Connections) -> Any:
    return redis_connections.commands


async def _stats(gateway: Gateway, kind: JobKind = OUTLINE) -> dict[str, Any]:
    answer = await gateway.client.get(f"{API}/stats")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["kinds"][kind]
    return found


def _counts(numbers: dict[str, Any]) -> list[int]:
    """Waiting, running, scheduled, dead; completed, failed, cancelled."""
    return [*(numbers[name] for name in STANDING), *(numbers["last_hour"][name] for name in ENDED)]


async def _one_of_each(store: Store, hand: Hand, kind: JobKind, band: Band) -> None:
    """Jobs that come to stand in each place, or end in each way, and one that goes on waiting."""

    async def taken(job_id: str, **changes: Any) -> Any:
        await store.jobs.submit(submission(f"{band}-{job_id}", kind=kind, priority=PRIORITIES[band], **changes))
        return await hand.take(kind)

    await hand.complete(await taken("completed"))
    await hand.fail(await taken("failed"))
    await hand.give_up(await taken("dead", max_attempts=1))
    await hand.give_up(await taken("tried-again"))
    await taken("running")
    asked = await taken("cancelled-while-it-ran")
    await store.jobs.cancel(asked.ref)
    await hand.complete(asked)
    for job_id, delay_ms in {"waiting": 0, "cancelled": 0, "delayed": 60_000, "cancelled-delayed": 60_000}.items():
        name = f"{band}-{job_id}"
        await store.jobs.submit(submission(name, kind=kind, priority=PRIORITIES[band], delay_ms=delay_ms))
        if job_id.startswith("cancelled"):
            await store.jobs.cancel(JobRef(name))


ONE_OF_EACH = [1, 1, 2, 1, 1, 2, 3]


async def test_nothing_yet(gateway: Gateway) -> None:
    for kind in JobKind:
        numbers = await _stats(gateway, kind)
        for each in (numbers, *numbers["bands"].values()):
            assert _counts(each) == [0] * 7
            assert each["last_hour"]["wait_seconds"] == each["last_hour"]["run_seconds"] == {"p50": None, "p95": None}
        assert numbers["bands"].keys() == set(Band)
        assert numbers["paused_at"] is None
        assert [numbers[name] for name in ("workers", "draining_workers", "slots")] == [0, 0, 0]


async def test_each_job_is_counted_where_it_stands(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    for band in (Band.LOW, Band.HIGH):
        await _one_of_each(store, hand, OUTLINE, band)
    await _one_of_each(store, hand, DOCUMENT, Band.DEFAULT)
    claim = await hand.take()
    assert _counts((await _stats(gateway))["bands"]["high"]) == [0, 2, *ONE_OF_EACH[2:]]
    await hand.release(claim)
    outlines, documents = await _stats(gateway), await _stats(gateway, DOCUMENT)
    expected = {Band.HIGH: ONE_OF_EACH, Band.DEFAULT: [0] * 7, Band.LOW: ONE_OF_EACH}
    assert {band: _counts(numbers) for band, numbers in outlines["bands"].items()} == expected
    assert _counts(outlines) == [2 * count for count in ONE_OF_EACH]
    assert _counts(documents) == _counts(documents["bands"]["default"]) == ONE_OF_EACH
    keys = [key async for key in redis.scan_iter("draftline:{0}:stats:*")]
    assert keys
    for key in keys:
        assert 3_600 < await redis.ttl(key) <= 3_900


async def test_numbers_follow_the_jobs_to_their_ends(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    await _one_of_each(store, hand, OUTLINE, Band.DEFAULT)
    assert (await gateway.client.post(f"{API}/dead-letters/default-dead/requeue")).status_code == 202
    assert (await gateway.client.post(f"{API}/jobs/default-failed/retry")).status_code == 202
    await store.queues.promote(0, OUTLINE)
    assert _counts(await _stats(gateway))[:4] == [3, 1, 2, 0]
    await redis.zadd(KEYS.delayed(OUTLINE), {"default/default-delayed": 1, "default/default-tried-again": 2}, xx=True)
    await store.queues.promote(0, OUTLINE)
    assert _counts(await _stats(gateway))[:4] == [5, 1, 0, 0]
    assert len(await hand.takes()) == 5
    assert _counts(await _stats(gateway))[:4] == [0, 6, 0, 0]
    # A crash: the next owner takes over, and the job is still one that runs.
    await redis.zadd(KEYS.leases(OUTLINE), {"default/default-running": 1})
    assert await hand.takes() == ["default-running"]
    assert _counts(await _stats(gateway))[:4] == [0, 6, 0, 0]
    for claim in list(hand.held.values()):
        if await redis.hget(KEYS.job(claim.ref), "state") == b"running":
            await hand.complete(claim)
    assert _counts(await _stats(gateway)) == [0, 0, 0, 0, 7, 2, 3]


async def test_a_purged_letter_stands_nowhere(gateway: Gateway, store: Store, hand: Hand) -> None:
    await _one_of_each(store, hand, OUTLINE, Band.DEFAULT)
    assert (await gateway.client.delete(f"{API}/dead-letters/default-dead")).status_code == 204
    assert _counts(await _stats(gateway)) == [1, 1, 2, 0, 1, 2, 3]


async def test_the_last_hour_ends_after_sixty_minutes(one_server: Server, redis: Any) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    class Stopped(SystemClock):
        def now(self) -> datetime:
            return moment

    def stop(services: Services) -> Services:
        return replace(services, clock=Stopped())

    last = int(moment.timestamp() // 60)
    for ago, count in {0: 1, 1: 10, 59: 100, 60: 1_000, 61: 10_000, -1: 100_000}.items():
        counts = {"outline:high:completed": count, "outline:low:failed": 2 * count, "outline:high:wait:40": count}
        await redis.hset(KEYS.stats(last - ago), mapping=counts)
    async with gateway_in_loop(one_server.url, change=stop) as gateway:
        numbers = await _stats(gateway)
        assert (await gateway.client.get(f"{API}/stats")).json()["time"] == "2026-01-02T03:04:05Z"
    assert _counts(numbers)[4:] == [111, 222, 0]
    assert _counts(numbers["bands"]["high"])[4:] == [111, 0, 0]
    assert numbers["last_hour"]["wait_seconds"] == {"p50": 1.024, "p95": 1.024}


async def test_quantiles_of_known_lengths(gateway: Gateway, store: Store, hand: Hand, redis: Any) -> None:
    seconds, _ = await redis.time()
    for number in range(1, 21):
        await store.jobs.submit(submission(f"job-{number}"))
        ago = (seconds - number * 9.5) * 1000
        await redis.hset(KEYS.job(JobRef(f"job-{number}")), "queued_at", round(ago))
    assert len(await hand.takes()) == 20
    for number, claim in enumerate(list(hand.held.values()), start=1):
        await redis.hset(KEYS.job(claim.ref), "started_at", (seconds - number * 95) * 1000)
        await hand.complete(claim)
    hour = (await _stats(gateway))["last_hour"]
    assert hour["wait_seconds"] == pytest.approx({"p50": 95, "p95": 180.5}, rel=0.1)
    assert hour["run_seconds"] == pytest.approx({"p50": 950, "p95": 1_805}, rel=0.1)
    other = (await _stats(gateway, DOCUMENT))["last_hour"]
    assert other["wait_seconds"] == {"p50": None, "p95": None}


async def test_since_when_a_queue_is_paused(gateway: Gateway) -> None:
    before = gateway.services.clock.now() - timedelta(milliseconds=1)
    await gateway.client.post(f"{API}/queues/outline/pause")
    since = (await _stats(gateway))["paused_at"]
    assert before <= datetime.fromisoformat(since) <= gateway.services.clock.now()
    await gateway.client.post(f"{API}/queues/outline/pause")
    assert (await _stats(gateway))["paused_at"] == since
    assert (await _stats(gateway, DOCUMENT))["paused_at"] is None
    await gateway.client.post(f"{API}/queues/outline/resume")
    assert (await _stats(gateway))["paused_at"] is None


async def test_slots_are_those_of_the_workers_that_take_jobs(gateway: Gateway, redis_connections: Connections) -> None:
    began = datetime(2026, 1, 2, tzinfo=UTC)
    fleet = [("a", OUTLINE, 3, False), ("b", OUTLINE, 5, False), ("c", OUTLINE, 70, True), ("d", DOCUMENT, 900, False)]
    for name, kind, slots, draining in fleet:
        told = WorkerRecord(name, kind, "host", "1", began, began, slots, (), draining)
        await Store(redis_connections, 1).workers.heartbeat(told, 60, GivenOrder())
    numbers = await _stats(gateway)
    assert [numbers[name] for name in ("workers", "draining_workers", "slots")] == [3, 1, 8]


async def test_shards_are_counted_together(one_server: Server, redis_connections: Connections) -> None:
    store = Store(redis_connections, shards=4)
    async with gateway_in_loop(one_server.url, shards=4) as gateway:
        for number in range(12):
            await store.jobs.submit(submission(f"job-{number}", delay_ms=60_000 * (number % 2)))
            await store.jobs.submit(submission(f"gone-{number}"))
            await store.jobs.cancel(JobRef(f"gone-{number}"))
        await gateway.client.post(f"{API}/queues/outline/pause")
        numbers = await _stats(gateway)
        places = [await _position(gateway, f"job-{number}") for number in range(0, 12, 2)]
    assert _counts(numbers) == [6, 0, 6, 0, 0, 0, 12]
    assert numbers["paused_at"] is not None
    assert places[0] == 1
    assert all(place is not None and place <= 6 for place in places)


async def _positions(gateway: Gateway) -> dict[str, int]:
    """Of all jobs that have one, by the list; each job by itself must say the same."""
    items = (await gateway.client.get(f"{API}/jobs")).json()["items"]
    for job in items:
        assert await _position(gateway, job["job_id"]) == job["queue_position"]
    return {job["job_id"]: job["queue_position"] for job in items if job["queue_position"] is not None}


async def _position(gateway: Gateway, job_id: str) -> int | None:
    found: int | None = (await gateway.client.get(f"{API}/jobs/{job_id}")).json()["queue_position"]
    return found


async def test_places_in_the_queue(gateway: Gateway, store: Store, hand: Hand) -> None:
    for job_id, priority in {"low": 0, "default-1": 4, "default-2": 6, "high-1": 7, "high-2": 9}.items():
        await store.jobs.submit(submission(job_id, priority=priority))
    await store.jobs.submit(submission("delayed", delay_ms=60_000))
    await store.jobs.submit(submission("document", kind=DOCUMENT))
    expected = {"high-1": 1, "high-2": 2, "default-1": 3, "default-2": 4, "low": 5, "document": 1}
    assert await _positions(gateway) == expected
    claim = await hand.take()
    assert await _positions(gateway) == {"high-2": 1, "default-1": 2, "default-2": 3, "low": 4, "document": 1}
    cancelled = await gateway.client.post(f"{API}/jobs/default-1/cancel")
    assert cancelled.json()["queue_position"] is None
    assert await _positions(gateway) == {"high-2": 1, "default-2": 2, "low": 3, "document": 1}
    await hand.complete(claim)
    again = await gateway.client.post(f"{API}/jobs/default-1/retry")
    assert again.json()["queue_position"] == 3
    assert await _positions(gateway) == {"high-2": 1, "default-2": 2, "default-1": 3, "low": 4, "document": 1}
    assert await hand.takes() == ["high-2", "default-2", "default-1", "low"]
    assert await _positions(gateway) == {"document": 1}


async def test_a_released_job_has_the_first_place_again(gateway: Gateway, store: Store, hand: Hand) -> None:
    for job_id in ("released", "behind"):
        await store.jobs.submit(submission(job_id))
    await hand.release(await hand.take())
    assert (await _positions(gateway))["released"] == 1
    assert await hand.takes() == ["released", "behind"]


async def test_places_are_counted_so_far(gateway: Gateway, store: Store) -> None:
    gateway.services.store.queues.most_counted = 3
    for number in range(6):
        await store.jobs.submit(submission(f"job-{number}"))
    await store.jobs.submit(submission("low", priority=0))
    assert list((await _positions(gateway)).values()) == [4, 4, 4, 4, 3, 2, 1]


async def _get(gateway: Gateway, known: str | None = None) -> httpx2.Response:
    headers = {} if known is None else {"If-None-Match": known}
    return await gateway.client.get(f"{API}/jobs/job", headers=headers)


async def test_an_unchanged_job_is_not_sent_again(gateway: Gateway, one_server: Server, store: Store) -> None:
    await store.jobs.submit(submission("job"))
    tag = (await _get(gateway)).headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        answer = await _get(gateway, known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    for other in ('W/"x"', "", tag[:-2] + '"', tag.removeprefix("W/").strip('"')):
        assert (await _get(gateway, other)).status_code == 200
    async with gateway_in_loop(one_server.url) as second:
        assert (await _get(second, tag)).status_code == 304


async def test_a_changed_place_is_told(gateway: Gateway, store: Store, hand: Hand) -> None:
    await store.jobs.submit(submission("ahead"))
    await store.jobs.submit(submission("job"))
    tag = (await _get(gateway)).headers["etag"]
    await hand.take()
    answer = await _get(gateway, tag)
    assert (answer.status_code, answer.json()["queue_position"]) == (200, 1)
    assert answer.headers["etag"] != tag


async def test_the_time_left_counts_down_under_one_etag(one_server: Server, store: Store, hand: Hand) -> None:
    clock = ShiftedClock()

    def shift(services: Services) -> Services:
        return replace(services, clock=clock, views=JobViews(services.store.queues, clock))

    async with gateway_in_loop(one_server.url, change=shift) as gateway:
        await store.jobs.submit(submission("job"))
        claim = await hand.take()
        tags = [(await _get(gateway)).headers["etag"]]
        for percent in (10, 20):
            clock.ahead = timedelta()
            await hand.progress(claim, percent, eta_seconds=100)
            assert (await _get(gateway, tags[-1])).status_code == 200
            tags.append((await _get(gateway)).headers["etag"])
            for ahead, left in ((0, 100), (30, 70), (99, 1), (1_000, 0)):
                clock.ahead = timedelta(seconds=ahead)
                eta = (await _get(gateway)).json()["progress"]["eta_seconds"]
                assert max(0, left - 5) <= eta <= left
                assert (await _get(gateway, tags[-1])).status_code == 304
        assert len(set(tags)) == 3
