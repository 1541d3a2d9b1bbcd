"""Many tasks over few connections: fair, together, and told at once when the server fails."""

import asyncio
import contextlib
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from pydantic import SecretStr
from redis.asyncio.connection import Connection

from shared.redis.client import Connections, connections
from shared.redis.failures import REDIS_UNAVAILABLE, UNAVAILABLE
from shared.redis.traffic import MOST_COMMANDS
from shared.settings import RedisSettings
from tests.support.proxy import Proxy, named
from tests.support.servers import Server, running
from tests.support.waiting import eventually

TASKS = 500


class Counting(Proxy):
    """Counts the commands that pass, and the pieces they come in."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.commands: Counter[str] = Counter()
        self.pieces = 0

    async def passage(self) -> None:
        self.pieces += 1
        await super().passage()

    def taken(self, command: list[bytes]) -> None:
        self.commands[command[0].decode().upper()] += 1
        super().taken(command)


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Counting]:
    async with Counting(server.port) as started:
        yield started


@pytest_asyncio.fixture
async def through(proxy: Counting, redis_connections: Connections) -> AsyncIterator[Connections]:
    """Connections through the proxy, to an emptied server."""
    async with connections(_settings(proxy.url)) as opened:
        yield opened


def _settings(url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(url))


def _impatient(client: Any, seconds: float) -> Any:
    client._lane_of(()).client.connection_pool.connection_kwargs["socket_timeout"] = seconds
    return client


async def test_nobody_waits_much_longer_than_others(through: Connections, proxy: Counting) -> None:
    """Counted in commands that were served between asking and hearing, so that a busy machine changes nothing."""
    client: Any = through.commands
    served = 0
    waits: dict[int, list[int]] = {number: [] for number in range(TASKS)}

    async def ask(number: int) -> None:
        nonlocal served
        for _ in range(5):
            asked = served
            await client.incr("counter")
            served += 1
            waits[number].append(served - asked)

    await client.ping()
    proxy.delay(0.005)
    async with asyncio.TaskGroup() as group:
        for number in range(TASKS):
            group.create_task(ask(number))
    all_waits = [wait for each in waits.values() for wait in each]
    mean = sum(all_waits) / len(all_waits)
    assert max(all_waits) <= 3 * mean
    assert mean <= TASKS + 2 * MOST_COMMANDS
    assert proxy.accepted <= 2


async def test_commands_asked_for_together_share_round_trips(through: Connections, proxy: Counting) -> None:
    client: Any = through.commands
    await client.ping()
    proxy.delay(0.02)
    before = proxy.pieces
    assert sorted(await asyncio.gather(*(client.incr("counter") for _ in range(320)))) == list(range(1, 321))
    # A piece each way, besides those of the second connection's greeting.
    assert proxy.pieces - before <= 2 * (320 // MOST_COMMANDS) + 12
    assert proxy.commands["INCRBY"] + proxy.commands["INCR"] == 320
    assert proxy.accepted <= 2


async def test_commands_keep_their_order(through: Connections) -> None:
    """Of those asked for on one turn; else an append could overtake another."""
    client: Any = through.once
    await asyncio.gather(*(client.rpush("list", number) for number in range(100)))
    assert [int(each) for each in await client.lrange("list", 0, -1)] == list(range(100))


async def test_each_caller_hears_its_own_reply(through: Connections) -> None:
    """Errors of the server among them."""
    client: Any = through.commands
    await client.set("text", "text")
    replies = await asyncio.gather(
        *(client.incr("text") if number % 3 == 0 else client.echo(str(number)) for number in range(90)),
        return_exceptions=True,
    )
    for number, reply in enumerate(replies):
        assert isinstance(reply, Exception) if number % 3 == 0 else reply == str(number).encode()


async def test_once_is_never_repeated_however_many_ask(through: Connections, proxy: Counting) -> None:
    client: Any = through.once
    proxy.drop_reply(named("RPUSH"), times=10)
    asked = [client.rpush("list", number) for number in range(30)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert all(isinstance(answer, UNAVAILABLE) for answer in refused)
    assert refused
    proxy.heal()
    kept = [int(each) for each in await client.lrange("list", 0, -1)]
    assert len(kept) == len(set(kept)), "a command was carried out twice"
    assert {number for number, answer in enumerate(answers) if not isinstance(answer, Exception)} <= set(kept)


@pytest.mark.parametrize("name", ["commands", "once", "heartbeat"])
async def test_all_who_wait_hear_of_a_black_hole_at_once(through: Connections, proxy: Counting, name: str) -> None:
    """Else the last of N would wait N time-outs."""
    client: Any = _impatient(getattr(through, name), 0.2)
    await client.ping()
    proxy.black_hole()
    begun = monotonic()
    answers = await asyncio.gather(*(client.get(str(number)) for number in range(300)), return_exceptions=True)
    assert all(isinstance(answer, REDIS_UNAVAILABLE) for answer in answers)
    # Four tries of 0.2 s and the pauses between; one more cycle for what came while the first ended.
    assert monotonic() - begun < 2 * (4 * 0.2 + 0.7) + 1
    proxy.heal()
    assert await client.ping()


async def test_failure_is_a_new_object_for_each(through: Connections, proxy: Counting) -> None:
    """Each task adds its frames to what it raises; one object for all would grow without end."""
    client: Any = through.once
    proxy.cut()
    answers = await asyncio.gather(*(client.get("x") for _ in range(10)), return_exceptions=True)
    assert len({id(answer) for answer in answers}) == 10
    proxy.heal()


async def test_closing_while_commands_wait(proxy: Counting, redis_connections: Connections) -> None:
    asked: list[asyncio.Task[Any]] = []
    async with asyncio.TaskGroup() as group:
        async with asyncio.timeout(3), connections(_settings(proxy.url)) as opened:
            client: Any = opened.commands
            await client.ping()
            proxy.black_hole()
            before = proxy.pieces
            asked += [group.create_task(_outcome(client.incr("counter"))) for _ in range(100)]
            await eventually(lambda: proxy.pieces > before)
        outcomes = await asyncio.gather(*asked)
        outcomes.append(await _outcome(client.incr("counter")))
    assert all(isinstance(outcome, UNAVAILABLE) for outcome in outcomes)
    proxy.heal()


async def _outcome(asked: Any) -> Any:
    try:
        return await asked
    except UNAVAILABLE as error:
        return error


async def test_readonly_server_is_left_for_another(server: Server) -> None:
    """As after a failover: the name leads elsewhere, but the connections still go to what is a replica now."""
    async with (
        running(server.name, server.binary) as old,
        running(server.name, server.binary) as new,
        Proxy(old.port) as proxy,
        connections(_settings(proxy.url)) as opened,
        connections(_settings(old.url)) as direct,
    ):
        client: Any = opened.commands
        await asyncio.gather(*(client.set("key", "old") for _ in range(10)))
        await direct.once.execute_command("REPLICAOF", "127.0.0.1", new.port)
        proxy._upstream = new.port
        before = proxy.accepted
        await client.set("key", "new")
        assert proxy.accepted > before
        async with connections(_settings(new.url)) as other:
            assert await other.once.get("key") == b"new"


async def test_readonly_server_is_told_as_unavailable(server: Server) -> None:
    async with (
        running(server.name, server.binary) as own,
        connections(_settings(own.url)) as opened,
    ):
        await opened.once.execute_command("REPLICAOF", "127.0.0.1", server.port)
        for client in (opened.commands, opened.once, opened.heartbeat):
            with pytest.raises(REDIS_UNAVAILABLE):
                await client.set("key", "value")
        await opened.once.execute_command("REPLICAOF", "NO", "ONE")
        assert await opened.once.set("key", "value")


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\r\n", b"$5\r\nab", b":x\r\n", b""])
async def test_server_that_is_none(garbage: bytes) -> None:
    """An address that leads to something else: unavailable, not a crash and not a hang."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            writer.write(garbage)
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, asyncio.timeout(10), connections(_settings(f"redis://127.0.0.1:{port}")) as opened:
        for client in (opened.commands, opened.once, opened.heartbeat):
            with pytest.raises(UNAVAILABLE):
                await client.get("key")
        assert not await opened.ping()


async def _loading(opened: Connections) -> bool:
    try:
        await opened.once.get("key-1")
    except REDIS_UNAVAILABLE as error:
        return "loading" in str(error).lower()
    return False


async def test_server_that_loads_its_data(server: Server) -> None:
    """It answers LOADING to all but a few commands, and PONG to none of ours."""
    options = ("--loading-process-events-interval-bytes", "1024")
    async with (
        asyncio.TaskGroup() as group,
        running(server.name, server.binary) as own,
        connections(_settings(own.url)) as opened,
    ):
        client: Any = opened.commands
        for number in range(100):
            await client.set(f"key-{number}", random.randbytes(5_000))
        await client.save()
        await own.stop(signal.SIGKILL)
        # Microseconds for each key.
        starting = group.create_task(own.start(*options, "--key-load-delay", "20000"))
        await eventually(lambda: _loading(opened))
        assert not await opened.ping()
        await eventually(opened.ping, seconds=10)
        assert len(await client.get("key-1")) == 5_000
        await starting


async def test_a_connection_that_ends_before_its_first_write_costs_a_repeat(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On uvloop, which the services run on, that is a RuntimeError and no OSError."""
    real = Connection._connect
    lost: list[Connection] = []

    async def lose_the_first(connection: Connection) -> None:
        await real(connection)  # type: ignore[no-untyped-call]
        if not lost:
            lost.append(connection)
            assert connection._writer is not None
            connection._writer.transport.abort()
            await asyncio.sleep(0)

    async def ask() -> int:
        async with connections(RedisSettings(url=SecretStr(server.url))) as opened:
            return int(await opened.commands.exists("draftline:nothing"))

    def on_uvloop() -> int:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(ask())

    monkeypatch.setattr(Connection, "_connect", lose_the_first)
    assert await asyncio.to_thread(on_uvloop) == 0
    assert len(lost) == 1


async def test_closing_while_it_connects_leaves_no_connection_open(
    server: Server, redis_connections: Connections
) -> None:
    async def there() -> set[str]:
        return {client["addr"] for client in await redis_connections.commands.client_list()}

    async def open_and_close(seconds: float) -> None:
        async with connections(RedisSettings(url=SecretStr(server.url))) as opened:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await opened.commands.exists("draftline:nothing")

    async def only_ours() -> bool:
        return await there() == before

    before = await there()
    for number in range(40):
        await open_and_close(number % 8 / 2_000)
    await eventually(only_ours)
