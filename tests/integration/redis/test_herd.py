"""Many processes lose Redis at once and come back: not all in one moment, and not without end while it is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import monotonic

import pytest_asyncio
from pydantic import SecretStr

from shared.lifecycle.pauses import Pauses
from shared.redis.client import Connections, connections
from shared.redis.failures import UNAVAILABLE
from shared.settings import RedisSettings
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.waiting import eventually

PROCESSES = 50
AWAY_SECONDS = 3.0


class Timing(Proxy):
    """Keeps the times of the attempts to connect."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.attempts: list[float] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(monotonic())
        await super()._serve(reader, writer)

    def after(self, begun: float) -> list[float]:
        return [at - begun for at in self.attempts if at >= begun]


@pytest_asyncio.fixture
async def proxy(server: Server) -> AsyncIterator[Timing]:
    async with Timing(server.port) as started:
        yield started


async def _ask_for_ever(opened: Connections, answered: set[int], number: int) -> None:
    """As every loop of ours: pause after a failure, at random and growing."""
    pauses = Pauses()
    while True:
        try:
            await opened.commands.get("key")
        except UNAVAILABLE:
            answered.discard(number)
            await asyncio.sleep(pauses.following())
        else:
            answered.add(number)
            pauses.reset()
            await asyncio.sleep(0.1)


async def test_reconnecting_herd_is_bounded_and_spread(proxy: Timing) -> None:
    answered: set[int] = set()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        settings = RedisSettings(url=SecretStr(proxy.url))
        herd = [await stack.enter_async_context(connections(settings)) for _ in range(PROCESSES)]
        asking = [group.create_task(_ask_for_ever(each, answered, number)) for number, each in enumerate(herd)]
        await eventually(lambda: len(answered) == PROCESSES)
        begun = monotonic()
        proxy.cut()
        await asyncio.sleep(AWAY_SECONDS)
        attempts = proxy.after(begun)
        assert len(answered) == 0
        # Each cycle is four tries within 0.7 s at most, and then a pause up to 2 s.
        assert len(attempts) < PROCESSES * 20
        slices = [sum(start <= at < start + 0.25 for at in attempts) for start in (1.0, 1.25, 1.5, 1.75, 2.0, 2.25)]
        # In waves, one or two slices would hold them all. One may be empty: this process may stand still for a moment.
        assert max(slices) <= 2.5 * sum(slices) / len(slices), slices
        healed = monotonic()
        proxy.heal()
        await eventually(lambda: len(answered) == PROCESSES, seconds=4)
        assert len(proxy.after(healed)) <= 3 * PROCESSES
        for task in asking:
            task.cancel()
