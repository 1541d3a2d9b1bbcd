"""Carries the commands of many tasks over few connections.

Whatever is asked for while a round trip is under way goes out together with the next one, first come, first served:
so a thousand jobs share two connections, none waits for another's turn, and a connection that breaks is opened once,
not by everybody. Each command has a task of the lane's, not of its caller: a caller that is cancelled just stops
listening, and no connection is left in the middle of a reply.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import redis.asyncio as aioredis
from redis.commands import AsyncCoreCommands

from shared.redis.failures import (
    ANY,
    ELSEWHERE,
    LOST_BEFORE_WRITING,
    NO_REDIS,
    UNAVAILABLE,
    told_when_it_may_pass,
)
from shared.redis.keys import slot_tag
from shared.redis.topology import Topology

MOST_COMMANDS = 16
"""In one round trip: the server runs them in a row, and others wait."""
MOST_BYTES = 1 << 20
CLOSING_SECONDS = 1.0
"""How long tasks that are cancelled may take before their connections are closed under them."""
LONGEST_TRY_SECONDS = 8.0
"""A command that failed later than this is not repeated: whoever waits for it is to hear of it."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a client treats its commands."""

    connections: int = 1
    """Round trips under way at once."""
    repeats: int = 0
    """After a lost connection, with growing pauses. Only for commands that may be carried out twice."""
    together: bool = False
    """Whether commands may share a round trip."""


_Commands: TypeAlias = Sequence[tuple[tuple[Any, ...], dict[str, Any]]]
"""Arguments and redis-py's options for the reply."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Commands that belong together, and whoever waits for the replies."""

    commands: _Commands
    replies: "asyncio.Future[list[Any]]"


class Traffic(AsyncCoreCommands):
    """All commands of redis-py, each awaited by itself, sent as the manners say."""

    _is_async_client: Literal[True] = True
    """Tells type checkers that the commands are to be awaited."""
    _event_dispatcher: Any = None

    def __init__(
        self, topology: Topology, name: str, reply_seconds: float, manners: Manners, group: asyncio.TaskGroup
    ) -> None:
        self._topology = topology
        self._name = name
        self._reply_seconds = reply_seconds
        self._manners = manners
        self._group = group
        self._lanes: dict[str, _Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The reply to one command; raises what the server or the connection says."""
        return (await _whole(self._lane_of(args), [(args, options)]))[0]

    async def in_a_row(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Replies to commands that go over one connection, one after the other; errors of the server among them."""
        return await self._lane_of(commands[0]).ask([(command, {}) for command in commands])

    async def together(self, *commands: tuple[Any, ...]) -> list[Any]:
        """As ``in_a_row``; raises the first error."""
        return await _whole(self._lane_of(commands[0]), [(command, {}) for command in commands])

    async def of_server(self, key: str, *args: Any) -> Any:
        """The reply of the server where a key lies to a command that names no key."""
        return (await _whole(self._lane_of(("", key)), [(args, {})]))[0]

    async def aclose(self) -> None:
        """Close the connections; what is still asked for is cancelled."""
        for lane in self._lanes.values():
            lane.refuse()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            # One that lost its cancellation while it connected would leave its connection open behind us.
            await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
        for lane in self._lanes.values():
            await lane.client.aclose()

    def _lane_of(self, command: Sequence[Any]) -> "_Lane":
        # Each slot of a Cluster has a lane of its own: a server that is away holds up nobody else's.
        name = slot_tag(command) if self._topology.spread else ""
        lane = self._lanes.get(name)
        if lane is None:
            client = self._topology.client(self._name, self._reply_seconds, name)
            lane = self._lanes[name] = _Lane(client, self._manners)
            self._tasks += [self._group.create_task(lane.drive()) for _ in range(self._manners.connections)]
        return lane


class _Lane:
    """A queue of commands and the tasks that carry them, one connection each."""

    def __init__(self, client: aioredis.Redis, manners: Manners) -> None:
        self.client = client
        self._manners = manners
        self._queue: deque[_Asked] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._closed = False

    async def ask(self, commands: _Commands) -> list[Any]:
        """The replies, once the commands had their turn."""
        asked = _Asked(commands, asyncio.get_running_loop().create_future())
        if self._closed:
            _fail([asked], _closed())
        self._queue.append(asked)
        if self._idle:
            self._idle.pop().set_result(None)
        return await asked.replies

    def refuse(self) -> None:
        """Carry nothing more."""
        self._closed = True
        _fail(self._taken(len(self._queue)), _closed())

    async def drive(self) -> None:
        """Carry what is asked for until the lane is closed."""
        # redis-py may lose a cancellation that comes while it sends (asyncio.wait_for up to Python 3.11).
        while not self._closed:
            if not self._queue:
                idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
                continue
            batch = self._next()
            try:
                await self._carry(batch)
            finally:
                _fail(batch, _closed())

    def _next(self) -> list[_Asked]:
        if not self._manners.together:
            return self._taken(1)
        count = size = 0
        for asked in self._queue:
            count += 1
            size += sum(len(arg) for args, _ in asked.commands for arg in args if isinstance(arg, bytes))
            if count == MOST_COMMANDS or size > MOST_BYTES:
                break
        return self._taken(count)

    def _taken(self, count: int) -> list[_Asked]:
        taken = [self._queue.popleft() for _ in range(count)]
        return [asked for asked in taken if not asked.replies.done()]

    async def _carry(self, batch: list[_Asked]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for attempt in range(self._manners.repeats + 1):
            error: Exception
            try:
                batch, error = await self._try(batch)
            except (*UNAVAILABLE, ANY) as failure:
                error = failure
            if not batch:
                return
            if loop.time() - begun > LONGEST_TRY_SECONDS:
                break
            if attempt < self._manners.repeats:
                await asyncio.sleep(random.uniform(0, min(1.0, 0.1 * 2**attempt)))
        # Who asked meanwhile hears of it as well, instead of each waiting as long again.
        _fail([*batch, *self._taken(len(self._queue))], error)

    async def _try(self, batch: list[_Asked]) -> tuple[list[_Asked], Exception]:
        """Hand out the replies; returns those that got none, and why."""
        replies = iter(await self._sent([command for asked in batch for command in asked.commands]))
        left: list[_Asked] = []
        error: Exception = ConnectionError()
        for asked in batch:
            own = [next(replies) for _ in asked.commands]
            failure = next((reply for reply in own if isinstance(reply, ELSEWHERE)), None)
            if failure is not None:
                left.append(asked)
                error = failure
            elif not asked.replies.done():
                asked.replies.set_result(own)
        if left:
            # The next connection asks, or is led, where to go. Others in use find out by themselves.
            await self.client.connection_pool.disconnect(inuse_connections=False)
        return left, error

    async def _sent(self, commands: _Commands) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        for args, options in commands:
            pipeline.execute_command(*args, **options)
        try:
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
        except NO_REDIS as error:
            msg = f"the server sent what is not Redis protocol: {error}"
            raise ConnectionError(msg) from error
        except LOST_BEFORE_WRITING as error:
            raise ConnectionError(str(error)) from error
        return replies


async def _whole(lane: _Lane, commands: _Commands) -> list[Any]:
    """The replies where none of them is an error; raises the first that is."""
    replies = await lane.ask(commands)
    for reply in replies:
        if isinstance(reply, Exception):
            raise told_when_it_may_pass(reply)
    return replies


def _closed() -> Exception:
    return ConnectionError("the connections to Redis are closed")


def _fail(batch: Sequence[_Asked], error: Exception) -> None:
    for asked in batch:
        if not asked.replies.done():
            asked.replies.set_exception(told_when_it_may_pass(error))
