"""Connections to Redis, made for what they carry.

redis-py's defaults (5 s socket timeout, up to ten repeats of any command) write an entry twice when a reply is lost
and break blocking reads. So three roles: COMMANDS repeats, because all it carries is idempotent; ONCE never does,
because a repeated claim would strand the first one; BLOCKING outlives its BLOCK time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any, cast

import redis.asyncio as aioredis
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff

from shared.settings import RedisSettings

BLOCK_MS = 5_000
"""How long a blocking read waits on the server."""


class Redis(aioredis.Redis):
    """A client that never loses a cancellation.

    redis-py sends through ``asyncio.wait_for``, which up to Python 3.11 swallows a cancellation that comes in the same
    turn of the loop in which the sending ends: a handler would run on, a drain would never end.
    """

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        before = _cancellations.set(_cancelling())
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        finally:
            lost = _cancelling() > _cancellations.get()
            _cancellations.reset(before)
            if lost:
                raise asyncio.CancelledError

    async def parse_response(self, connection: Any, command_name: str | bytes, **options: Any) -> Any:
        if _cancelling() > _cancellations.get():
            # Sent, and its reply will come: nobody else may read it.
            await connection.disconnect(nowait=True)
            raise asyncio.CancelledError
        return await super().parse_response(connection, command_name, **options)


_cancellations: ContextVar[int] = ContextVar("cancellations", default=0)
"""How often the task had been cancelled when its command began."""


def _cancelling() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


class RefusedForNowError(exceptions.RedisError):
    """The server takes no writes at the moment: its disk is full, its replicas are away, a script blocks it."""


REDIS_UNAVAILABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.MasterDownError,
    RefusedForNowError,
)
"""Redis cannot be used now; the same command may pass later."""
UNAVAILABLE = (*REDIS_UNAVAILABLE, OSError)
"""The same, with what the sockets raise by themselves."""
OUT_OF_MEMORY = exceptions.OutOfMemoryError
"""The server is full and refuses what would grow it."""
REFUSED = exceptions.ResponseError
"""The server understood and said no."""
ANY = exceptions.RedisError
"""Everything redis-py raises."""


_MAY_PASS = ("MISCONF", "NOREPLICAS", "BUSY ")


@contextmanager
def told_when_it_may_pass() -> Iterator[None]:
    """Give refusals that may pass, for which redis-py has no class, an error of their own."""
    try:
        yield
    except REFUSED as error:
        if str(error).startswith(_MAY_PASS):
            raise RefusedForNowError(str(error)) from error
        raise


class Role(Enum):
    """What a connection is for."""

    COMMANDS = "commands"
    """Idempotent scripts and reads: repeated up to 3 times after a lost connection."""
    ONCE = "once"
    """Commands that must not be repeated blindly."""
    BLOCKING = "blocking"
    """One reader that waits up to BLOCK_MS."""


def connect(settings: RedisSettings, role: Role, max_connections: int = 16) -> Redis:
    """A client for one role. Nothing is sent yet; close it with ``aclose``."""
    retries = 3 if role is Role.COMMANDS else 0
    backoff = ExponentialWithJitterBackoff(base=0.05, cap=1.0) if retries else NoBackoff()
    pool = aioredis.BlockingConnectionPool.from_url(
        settings.url.get_secret_value(),
        max_connections=1 if role is Role.BLOCKING else max_connections,
        # Hundreds of jobs share the connections; each command has a time-out of its own, so their turn comes.
        timeout=30,
        socket_timeout=BLOCK_MS / 1000 + 6 if role is Role.BLOCKING else 5,
        socket_connect_timeout=5,
        socket_keepalive=True,
        retry=Retry(backoff, retries),
        protocol=2,
    )
    return cast("Redis", Redis.from_pool(pool))


class Connections:
    """The clients of one process."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings
        self.commands = connect(settings, Role.COMMANDS)
        self.once = connect(settings, Role.ONCE)
        self.heartbeat = connect(settings, Role.COMMANDS, max_connections=1)
        self._blocking: list[Redis] = []

    def blocking(self) -> Redis:
        """A client of its own for one blocking reader."""
        client = connect(self._settings, Role.BLOCKING)
        self._blocking.append(client)
        return client

    async def ping(self) -> bool:
        """Whether Redis answers within a second."""
        try:
            async with asyncio.timeout(1):
                await self.once.ping()
        except (ANY, OSError, TimeoutError):
            return False
        return True

    async def aclose(self) -> None:
        for client in (self.commands, self.once, self.heartbeat, *self._blocking):
            await client.aclose()


@asynccontextmanager
async def connections(settings: RedisSettings) -> AsyncIterator[Connections]:
    """The clients of a process, closed at the end."""
    opened = Connections(settings)
    try:
        yield opened
    finally:
        await opened.aclose()
