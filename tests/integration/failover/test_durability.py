"""With `replicated`, what is answered with success is on a replica; what is not, is answered with 503."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.redis.client import Connections, connections
from shared.redis.lua_source import source
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.jobs import submission
from tests.support.problems import problem
from tests.support.proxy import Proxy
from tests.support.replication import sentinel_setup
from tests.support.servers import Server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.one_server]

JOBS = "/api/v1/jobs"
LETTERS = "/api/v1/dead-letters"
UNCONFIRMED = (503, "durability_unconfirmed")


@dataclass(frozen=True, slots=True)
class Pair:
    """A master, the way to its replica, and connections to both."""

    master: Server
    link: Proxy
    written: Connections
    copied: Connections

    async def copied_state(self, job_id: str) -> str | None:
        """The state of a job on the replica."""
        found: Any = await self.copied.commands.hget(f"draftline:{{0}}:job:default/{job_id}", "state")
        return found.decode() if found else None


@pytest_asyncio.fixture
async def pair(binary: Path) -> AsyncIterator[Pair]:
    async with sentinel_setup(binary, sentinels=0, proxied=True) as setup:
        master, replica = [RedisSettings(url=SecretStr(server.url)) for server in setup.servers]
        async with connections(master) as written, connections(replica) as copied:
            # On line, a replica still takes a second until it is sent anything.
            await written.confirmed.set("first", "write")
            assert await written.confirmed.wait(1, 4_000) == 1
            yield Pair(setup.servers[0], setup.links[0], written, copied)


def _replicated(pair: Pair) -> AbstractAsyncContextManager[Gateway]:
    return gateway_in_loop(pair.master.url, durability="replicated", replication_seconds=0.3)


@pytest_asyncio.fixture
async def gateway(pair: Pair) -> AsyncIterator[Gateway]:
    async with _replicated(pair) as started:
        yield started


async def _submit(gateway: Gateway, job_id: str | None = "job", **headers: str) -> httpx2.Response:
    body = {"task_prompt": "x"} | ({"job_id": job_id} if job_id else {})
    return await gateway.client.post(f"{JOBS}/outline", json=body, headers=headers)


def _unconfirmed(answer: httpx2.Response) -> dict[str, Any]:
    found = problem(answer, *UNCONFIRMED)
    assert int(answer.headers["retry-after"]) >= 1
    return found


async def test_accepted_is_replicated(pair: Pair, gateway: Gateway) -> None:
    """Read from the replica the moment the answer is here."""
    for number in range(20):
        answer = await _submit(gateway, f"job-{number}")
        assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (202, None)
        assert await pair.copied_state(f"job-{number}") == "queued"


async def test_a_batch_is_replicated_with_its_record(pair: Pair, gateway: Gateway) -> None:
    body = {"batch_id": "b", "items": [{"kind": "outline", "task_prompt": f"{number}"} for number in range(20)]}
    for replayed in (None, "true"):
        answer = await gateway.client.post(f"{JOBS}/batch", json=body)
        assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (202, replayed)
        record: Any = await pair.copied.commands.get("draftline:{0}:batch:default/b")
        assert b'"stored":true' in record
        assert {await pair.copied_state(f"b.{number}") for number in range(20)} == {"queued"}
    pair.link.black_hole()
    found = _unconfirmed(await gateway.client.post(f"{JOBS}/batch", json={**body, "batch_id": "c"}))
    assert (found["batch_id"], found["stored"]) == ("c", 0)
    _unconfirmed(await gateway.client.post(f"{JOBS}/batch", json=body))


async def test_unconfirmed_is_refused_until_a_repeat_is_confirmed(pair: Pair, gateway: Gateway) -> None:
    assert (await _submit(gateway, "before")).status_code == 202
    pair.link.black_hole()
    first = _unconfirmed(await _submit(gateway, None, **{"Idempotency-Key": "key"}))
    # At another gateway, whose connections wrote nothing yet: a WAIT for nothing would be answered at once.
    async with _replicated(pair) as other:
        second = _unconfirmed(await _submit(other, None, **{"Idempotency-Key": "key"}))
        _unconfirmed(await _submit(other, "before"))
    assert first["job_id"] == second["job_id"]
    assert await pair.copied_state(first["job_id"]) is None
    pair.link.heal()
    answer = await _submit(gateway, first["job_id"])
    assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (202, "true")
    assert await pair.copied_state(first["job_id"]) == "queued"


async def test_what_an_operator_asks_for_is_confirmed(pair: Pair, gateway: Gateway) -> None:
    hand = Hand(Store(pair.written, 1))
    for job_id in ("dead", "failed", "waiting"):
        await hand._store.jobs.submit(submission(job_id, max_attempts=1))
        if job_id == "dead":
            await hand.give_up(await hand.take())
        elif job_id == "failed":
            await hand.fail(await hand.take())
    asked = [f"{JOBS}/waiting/cancel", f"{JOBS}/failed/retry", f"{LETTERS}/dead/requeue"]
    await eventually(lambda: _copied(pair, waiting="queued", failed="failed", dead="failed"))
    pair.link.black_hole()
    for path in asked:
        _unconfirmed(await gateway.client.post(path))
    pair.link.heal()
    await eventually(lambda: _copied(pair, waiting="cancelled", failed="queued", dead="queued"))
    pair.link.reset()
    await eventually(lambda: _linked(pair), seconds=15)
    answer = await gateway.client.post(f"{JOBS}/failed/cancel")
    assert answer.status_code == 200
    assert await pair.copied_state("failed") == "cancelled"


async def _copied(pair: Pair, **states: str) -> bool:
    return all([await pair.copied_state(job_id) == state for job_id, state in states.items()])


async def _linked(pair: Pair) -> bool:
    found: Any = await pair.written.commands.info("replication")
    return bool(found.get("slave0", {}).get("state") == "online")


@pytest.mark.parametrize("known", [(), ("submit",), ("confirm",)])
async def test_new_server_that_knows_no_script(pair: Pair, gateway: Gateway, known: tuple[str, ...]) -> None:
    """Carried out once, and answered so."""
    await pair.written.commands.script_flush()
    for name in known:
        await pair.written.commands.script_load(source(name))
    answer = await _submit(gateway)
    assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (202, None)
    assert await pair.written.commands.xlen("draftline:{0}:requests:outline:default") == 1


async def test_local_durability_asks_no_replica(pair: Pair) -> None:
    pair.link.black_hole()
    async with gateway_in_loop(pair.master.url) as gateway:
        assert (await _submit(gateway)).status_code == 202
