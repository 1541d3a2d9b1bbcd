"""What redis-py does when connections break, and that each role does what it is for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.contracts.jobs import Job
from shared.contracts.states import Band
from shared.contracts.usage import Usage
from shared.redis.attempts import ArtifactWrite, Owned, Settled
from shared.redis.client import BLOCK_MS, Connections, connections
from shared.redis.entries import newest_id, oldest_id, read_streams
from shared.redis.failures import REDIS_UNAVAILABLE, UNAVAILABLE
from shared.redis.jobs import Submitted
from shared.redis.lua_source import source
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from shared.redis.traffic import Traffic
from shared.settings import RedisSettings
from tests.support.board import KEYS, KIND, Board, section
from tests.support.jobs import submission
from tests.support.proxy import Proxy, named, script
from tests.support.servers import Server
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as started:
        yield started


@pytest_asyncio.fixture
async def through(proxy: Proxy, board: Board) -> AsyncIterator[Connections]:
    """Connections through the proxy; the board has its own, which stay whole. The server knows the scripts."""
    for name in ("submit", "fetch", "append_events", "put_artifact", "finish"):
        await board.redis.script_load(source(name))
    async with connections(RedisSettings(url=SecretStr(proxy.url))) as opened:
        yield opened


def _impatient(client: Any, seconds: float = 0.3) -> Any:
    client._lane_of(()).client.connection_pool.connection_kwargs["socket_timeout"] = seconds
    return client


async def test_commands_are_repeated_when_the_reply_is_lost(board: Board, proxy: Proxy, through: Connections) -> None:
    """So the second time is seen: whatever this role carries must be idempotent."""
    proxy.drop_reply(named("INCRBY"), times=2)
    assert await through.commands.incr("counter") == 3
    assert proxy.dropped == 2
    assert int(await board.redis.get("counter")) == 3


async def test_once_is_never_repeated(board: Board, proxy: Proxy, through: Connections) -> None:
    proxy.drop_reply(named("INCRBY"))
    with pytest.raises(REDIS_UNAVAILABLE):
        await through.once.incr("counter")
    assert int(await board.redis.get("counter")) == 1
    assert await through.once.incr("counter") == 2


async def test_broken_connections_are_replaced(board: Board, proxy: Proxy, through: Connections) -> None:
    await asyncio.gather(*(through.commands.ping() for _ in range(10)))
    proxy.reset()
    assert await asyncio.gather(*(through.commands.ping() for _ in range(10))) == [True] * 10


async def test_repeating_ends_when_nobody_answers(board: Board, proxy: Proxy, through: Connections) -> None:
    proxy.cut()
    with pytest.raises(REDIS_UNAVAILABLE):
        await through.commands.ping()
    proxy.heal()
    assert await through.commands.ping()


async def test_black_hole_ends_in_an_error_and_delivers_late(board: Board, proxy: Proxy, through: Connections) -> None:
    """A command may be carried out long after its sender gave up: only a fence protects against that."""
    client = _impatient(through.once)
    await client.set("counter", 0)
    proxy.black_hole()
    with pytest.raises(REDIS_UNAVAILABLE):
        await client.incr("counter")
    assert await board.redis.get("counter") == b"0"
    proxy.heal()
    await eventually(lambda: _equals(board, "counter", b"1"))


async def _equals(board: Board, key: str, value: bytes) -> bool:
    return bool(await board.redis.get(key) == value)


async def test_ping_tells_within_a_second(board: Board, proxy: Proxy, through: Connections) -> None:
    assert await through.ping()
    proxy.black_hole()
    async with asyncio.timeout(2):
        assert not await through.ping()


async def test_patience_of_each_client(board: Board, through: Connections) -> None:
    def patience(client: Traffic) -> float:
        return float(client._lane_of(()).client.connection_pool.connection_kwargs["socket_timeout"])

    assert BLOCK_MS / 1000 + 5 <= patience(through.blocking()) <= 12
    assert patience(through.once) == 3
    for client in (through.commands, through.heartbeat, through.confirmed):
        assert patience(client) == 5


async def test_blocking_read_ends_with_the_first_entry(board: Board, through: Connections) -> None:
    client = through.blocking()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read_streams(client, {"one": "0-0", "two": "0-0"}, count=10))
        await asyncio.sleep(0.05)
        await board.redis.xadd("two", {"a": "b"}, id="1-1")
    assert reading.result() == {"two": [("1-1", {b"a": b"b"})]}


async def test_blocking_read_outlives_its_block(board: Board, through: Connections) -> None:
    """redis-py's own socket timeout would end a read that blocks for longer; this one just comes back empty."""
    client = _impatient(through.blocking(), seconds=0.7 + 6)
    assert await read_streams(client, {"silent": "0-0"}, count=1, block_ms=700) == {}
    shorter = _impatient(through.blocking(), seconds=0.2)
    with pytest.raises(REDIS_UNAVAILABLE):
        await read_streams(shorter, {"silent": "0-0"}, count=1, block_ms=700)


async def test_cancelled_command_does_not_poison_its_connection(
    board: Board, proxy: Proxy, through: Connections
) -> None:
    for name in ("one", "two"):
        await board.redis.set(name, name)
    client: Any = through.heartbeat
    await client.ping()
    proxy.delay(0.05)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(client.get("one"))
        await asyncio.sleep(0.02)
        asked.cancel()
    assert await client.get("two") == b"two"


@pytest.mark.parametrize("turns", range(12))
async def test_no_cancellation_is_lost(board: Board, turns: int) -> None:
    """Whatever turn of the event loop it comes in: redis-py alone loses it while it sends, on Python 3.11."""
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(board.redis.get("one"))
        for _ in range(turns):
            await asyncio.sleep(0)
        accepted = asked.cancel()
        await asyncio.wait({asked})
    assert asked.cancelled() == accepted


@pytest.mark.parametrize("turns", range(1, 12))
async def test_blocking_read_ends_when_it_is_cancelled(board: Board, proxy: Proxy, turns: int) -> None:
    """At once, not with its BLOCK time, and so does its connection."""
    async with asyncio.timeout(2):
        async with connections(RedisSettings(url=SecretStr(proxy.url))) as opened, asyncio.TaskGroup() as group:
            reading = group.create_task(read_streams(opened.blocking(), {"silent": "0-0"}, count=1))
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
    assert reading.cancelled()


async def test_cancelled_commands_give_their_connections_back(board: Board, proxy: Proxy, through: Connections) -> None:
    client: Any = through.commands
    proxy.delay(0.05)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(client.incr("counter")) for _ in range(60)]
        await asyncio.sleep(0.02)
        for task in asked:
            task.cancel()
    proxy.heal()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(client.ping() for _ in range(30))) == [True] * 30


async def test_scripts_are_loaded_again(board: Board) -> None:
    await board.submit("one")
    await board.redis.script_flush()
    assert await board.submit("two") is Submitted.CREATED
    await board.redis.script_flush()
    assert len((await board.fetch(count=2)).claims) == 2


async def test_lost_replies_to_submit_make_one_job(board: Board, proxy: Proxy, through: Connections) -> None:
    proxy.drop_reply(script("submit"), times=3)
    assert await Store(through, 1).jobs.submit(submission("job")) is Submitted.REPLAYED
    assert proxy.dropped == 3
    assert await board.outstanding() == 1


async def test_lost_claim_is_given_back(board: Board, proxy: Proxy, through: Connections) -> None:
    await board.submit("kept")
    await board.submit("lost")
    kept = (await board.store.queues.fetch(0, KIND, Fetcher("worker", 7), 60_000, 1, list(Band))).claims
    proxy.drop_reply(script("fetch"))
    with pytest.raises(UNAVAILABLE):
        await Store(through, 1).queues.fetch(0, KIND, Fetcher("worker", 8), 60_000, 1, list(Band))
    assert await board.state("lost") == "running"
    assert (await board.fetch()).claims == []
    assert await board.store.queues.reconcile(0, KIND, Fetcher("other", 7)) == 0
    assert await board.store.queues.reconcile(0, KIND, Fetcher("worker", 7)) == 1
    claim = await board.fetch_one()
    assert (claim.ref.job_id, claim.attempt) == ("lost", 1)
    assert await board.store.attempts.append_events(kept[0], [section(1)]) is Owned.OK


async def test_lost_claim_without_its_worker_waits_for_its_lease(
    board: Board, proxy: Proxy, through: Connections
) -> None:
    await board.submit()
    proxy.drop_reply(script("fetch"))
    with pytest.raises(UNAVAILABLE):
        await Store(through, 1).queues.fetch(0, KIND, Fetcher("worker", 1), 60_000, 1, list(Band))
    assert (await board.take_over()).attempt == 2


async def test_lost_replies_to_an_owner_count_once(board: Board, proxy: Proxy, through: Connections) -> None:
    claim, store = await board.claim(), Store(through, 1)
    for name in ("append_events", "put_artifact", "finish"):
        proxy.drop_reply(script(name))
    assert await store.attempts.append_events(claim, [section(1), section(2)]) is Owned.OK
    write = ArtifactWrite("1", "a", b"text", Usage(llm_calls=1))
    assert await store.attempts.put_artifact(claim, write) is Owned.OK
    assert await store.attempts.finish(claim, 3, b'{"a":1}', Usage(llm_calls=10)) is Settled.REPEATED
    assert [entry_id for entry_id, _, _ in await board.events()] == ["1-0", "2-0", "2-1", "2-2", "2-3"]
    assert Job.from_record(claim.ref, await board.record()).usage.llm_calls == 11
    assert proxy.dropped == 3


async def test_ends_of_streams(board: Board) -> None:
    claim = await board.claim()
    journal = KEYS.events(claim.ref)
    assert await newest_id(board.redis, journal) == "2-0"
    assert await oldest_id(board.redis, journal) == "1-0"
    assert await newest_id(board.redis, "absent") == "0-0"
    assert await oldest_id(board.redis, "absent") is None
