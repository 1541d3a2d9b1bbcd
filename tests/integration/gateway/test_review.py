"""A document that waits for a person: what it is planned to say is read, changed and approved."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from shared.contracts.states import JobKind
from shared.redis.attempts import Settled
from shared.redis.client import Connections, connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.documents import events_of
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.problems import problem
from tests.support.reviewed import JOBS, Desk, add, rename, titles
from tests.support.servers import Server, running

KEEPING = {
    "log": ("--appendonly", "yes", "--appendfsync", "always"),
    "snapshot": ("--save", "3600 1"),
}
"""What a server writes to disk; the snapshot when it is stopped."""


@pytest.fixture
def desk(gateway: Gateway, hand: Hand, store: Store) -> Desk:
    return Desk(gateway, hand, store)


@asynccontextmanager
async def _desk(server: Server) -> AsyncIterator[Desk]:
    async with connections(RedisSettings(url=SecretStr(server.url))) as opened, gateway_in_loop(server.url) as gateway:
        store = Store(opened, shards=1)
        yield Desk(gateway, Hand(store), store)


async def test_a_planned_document_is_changed_approved_and_written(gateway: Gateway, desk: Desk) -> None:
    await desk.waiting()
    view = (await desk.read()).json()
    assert (view["status"], view["version"], view["editable"]) == ("awaiting_review", 1, True)
    assert (await desk.hand.takes(JobKind.DOCUMENT), await desk.hand.takes(JobKind.OUTLINE)) == ([], [])
    assert (await desk.edit(rename("wax", "Beeswax"), author="Ada")).json()["version"] == 2
    answer = await desk.approve(2)
    assert answer.status_code == 202
    job = answer.json()
    assert (job["status"], job["phase"], job["outline_version"], job["attempt"]) == ("queued", "document", 2, 0)
    claim = await desk.hand.take(JobKind.DOCUMENT)
    assert claim.ref.job_id == "job"
    view = (await desk.read()).json()
    assert (titles(view), view["editable"]) == (["Honey", "Beeswax", "Queens"], False)
    await desk.hand.complete(claim)
    events = await events_of(f"http://127.0.0.1:{gateway.port}/api/v1", "job")
    assert [event.type for event in events] == [
        "queued", "started", "outline_ready", "outline_changed", "queued", "started", "completed",
    ]  # fmt: skip
    assert events[2].data["awaiting_review"] is True
    assert events[3].data == {"version": 2, "author": "Ada", "outline_link": f"{JOBS}/job/outline"}
    assert events[4].data["reason"] == "approved"
    assert titles((await desk.read()).json()) == ["Honey", "Beeswax", "Queens"]


async def test_an_approval_is_for_what_was_seen(desk: Desk) -> None:
    await desk.waiting()
    await desk.edit(add("Drones"))
    answer = await desk.approve(1)
    assert (problem(answer, 412, "outline_changed")["version"], answer.headers["etag"]) == (2, '"2"')
    assert (await desk.job())["status"] == "awaiting_review"
    assert (await desk.approve(2)).status_code == 202
    problem(await desk.approve(1), 412, "outline_changed")
    repeated = await desk.approve(2)
    assert (repeated.status_code, repeated.json()["status"]) == (200, "queued")
    await desk.hand.complete(await desk.hand.take(JobKind.DOCUMENT))
    assert ((await desk.approve()).status_code, (await desk.approve(2)).status_code) == (200, 200)


async def test_of_many_approvals_one_counts(desk: Desk) -> None:
    await desk.waiting()
    answers = await asyncio.gather(*(desk.approve() for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert await desk.hand.takes(JobKind.DOCUMENT) == ["job"]
    (claim,) = desk.hand.held.values()
    await desk.hand.complete(claim)
    assert await desk.hand.takes(JobKind.DOCUMENT) == []


async def test_either_the_change_or_the_approval_of_one_version(desk: Desk) -> None:
    jobs = [f"job-{number}" for number in range(20)]
    for job_id in jobs:
        await desk.waiting(job_id)

    async def both(job_id: str) -> tuple[int, int, int]:
        changed, approved = await asyncio.gather(desk.edit(add("Drones"), job_id=job_id), desk.approve(1, job_id))
        return changed.status_code, approved.status_code, (await desk.job(job_id))["outline_version"]

    outcomes = await asyncio.gather(*map(both, jobs))
    assert set(outcomes) <= {(200, 412, 2), (409, 202, 1)}


async def test_what_is_approved_is_not_changed_any_more(desk: Desk) -> None:
    await desk.waiting()
    await desk.approve()
    told = problem(await desk.edit(add("Drones")), 409, "outline_not_editable")["detail"]
    assert "queued" in told
    claim = await desk.hand.take(JobKind.DOCUMENT)
    problem(await desk.edit(add("Drones"), seen="*"), 409, "outline_not_editable")
    await desk.hand.complete(claim)
    problem(await desk.edit(add("Drones")), 409, "outline_not_editable")
    assert len(await desk.versions()) == 1


async def test_a_change_that_was_made_is_told_again_after_the_approval(desk: Desk) -> None:
    await desk.waiting()
    first = await desk.edit(rename("wax", "Beeswax"), author="Ada")
    await desk.approve()
    again = await desk.edit(rename("wax", "Beeswax"), author="Ada")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert titles(again.json()) == titles(first.json())
    problem(await desk.edit(rename("wax", "Candles"), author="Ada"), 409, "outline_not_editable")
    assert len(await desk.versions()) == 2


async def test_nobody_is_waited_for_after_the_word_or_the_end(desk: Desk) -> None:
    for job_id in ("approved", "cancelled"):
        await desk.waiting(job_id)
        assert (await desk.job(job_id))["progress"]["message"] == "Waiting for approval"
    await desk.approve(job_id="approved")
    await desk.client.post(f"{JOBS}/cancelled/cancel")
    told = [(await desk.job(job_id))["progress"] for job_id in ("approved", "cancelled")]
    assert [(progress["step"], progress["message"]) for progress in told] == [("", ""), ("", "")]


async def test_only_what_waits_can_be_approved(desk: Desk) -> None:
    await desk.client.post(f"{JOBS}/document", json={"task_prompt": "Bees", "job_id": "job", "review": True})
    assert "queued" in problem(await desk.approve(), 409, "not_awaiting_review")["detail"]
    problem(await desk.approve(1), 409, "not_awaiting_review")
    await desk.plan(1)
    await desk.client.post(f"{JOBS}/job/cancel")
    assert "cancelled" in problem(await desk.approve(), 409, "not_awaiting_review")["detail"]


async def test_without_review_it_goes_on_by_itself(desk: Desk) -> None:
    await desk.client.post(f"{JOBS}/document", json={"task_prompt": "Bees", "job_id": "job"})
    problem(await desk.read(), 409, "outline_not_ready")
    assert await desk.plan(1) is Settled.HANDED_OVER
    assert (await desk.read()).json()["editable"] is False
    problem(await desk.edit(add("Drones")), 409, "outline_not_editable")
    problem(await desk.approve(), 409, "not_awaiting_review")
    await desk.hand.complete(await desk.hand.take(JobKind.DOCUMENT))


async def test_cancelled_while_it_waits_and_begun_again(desk: Desk) -> None:
    await desk.waiting()
    await desk.edit(rename("wax", "Beeswax"))
    assert (await desk.client.post(f"{JOBS}/job/cancel")).json()["status"] == "cancelled"
    view = (await desk.read()).json()
    assert (titles(view), view["editable"]) == (["Honey", "Beeswax", "Queens"], False)
    assert "retry" in problem(await desk.edit(add("Drones"), seen=2), 409, "outline_not_editable")["detail"]
    assert (await desk.client.post(f"{JOBS}/job/retry")).status_code == 202
    assert await desk.plan(2) is Settled.AWAITING_REVIEW
    assert (await desk.edit(add("Drones"), seen=2)).json()["version"] == 3
    assert titles((await desk.read()).json()) == ["Honey", "Beeswax", "Queens", "Drones"]


async def test_it_waits_for_as_long_as_it_takes(desk: Desk, redis_connections: Connections) -> None:
    await desk.waiting()
    await desk.edit(add("Drones"))
    redis: Any = redis_connections.commands
    names = [name async for name in redis.scan_iter("draftline:{0}:*default/job")]
    assert {name.split(b":")[2] for name in names} == {b"job", b"payload", b"events", b"artifact"}
    assert {await redis.ttl(name) for name in names} == {-1}
    job = await desk.job()
    assert (job["attempt"], job["result_expires_at"], job["queue_position"]) == (0, None, None)


@pytest.mark.parametrize("kept", list(KEEPING))
async def test_it_outlives_a_restart_of_redis(one_server: Server, kept: str) -> None:
    options = KEEPING[kept]
    async with running(one_server.name, one_server.binary, *options) as own:
        async with _desk(own) as desk:
            await desk.waiting()
            await desk.edit(rename("wax", "Beeswax"), author="Ada")
            before = (await desk.read()).json()
        await own.stop(signal.SIGKILL if kept == "log" else signal.SIGTERM)
        await own.start(*options)
        async with _desk(own) as desk:
            assert (await desk.read()).json() == before
            assert [item["author"] for item in await desk.versions()] == ["Ada", None]
            assert (await desk.edit(add("Drones"), seen=2)).json()["version"] == 3
            assert (await desk.approve(3)).status_code == 202
            await desk.hand.complete(await desk.hand.take(JobKind.DOCUMENT))
