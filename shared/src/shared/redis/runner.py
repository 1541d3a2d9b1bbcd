"""Runs commands: Lua scripts, by their digest where the server knows them already."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.contracts.ids import JobRef
from shared.redis.client import Connections
from shared.redis.command import Command
from shared.redis.commands import Confirm
from shared.redis.failures import NO_SCRIPT, UnconfirmedError, told_when_it_may_pass
from shared.redis.keys import Keyspace, script_keys, shard_of
from shared.redis.lua_source import source
from shared.redis.traffic import Traffic


class ScriptRunner:
    """The scripts over one process's connections, and where the keys of a job lie."""

    def __init__(self, connections: Connections, shards: int, confirm_seconds: float | None = None) -> None:
        self.connections = connections
        self.shards = shards
        self._confirm_seconds = confirm_seconds
        """How long what a caller is answered by may take to reach a replica; None asks none."""
        self._scripts: dict[str, tuple[str, str]] = {}

    async def run(self, command: Command, shard: int, client: Traffic | None = None) -> Any:
        """The script's reply; on the connection for idempotent commands unless another client is given."""
        client = client or self.connections.commands
        try:
            return await client.execute_command(*self._call(command, shard))
        except NO_SCRIPT:
            return await client.execute_command(*self._call(command, shard, known=False))

    async def on_job(self, ref: JobRef, command: Command) -> str:
        """The word with which a script on one job answers."""
        reply: bytes = await self.run(command, self.shard(ref))
        return reply.decode()

    async def asked(self, ref: JobRef, command: Command) -> str:
        """As ``on_job``, for what a caller is answered by: once a replica has what it wrote, where that is asked for.

        Raises UnconfirmedError where none has it in time.
        """
        if self._confirm_seconds is None:
            return await self.on_job(ref, command)
        shard = self.shard(ref)

        def call(known: bool) -> tuple[Any, ...]:
            return self._call(command, shard, known=known)

        reply: bytes = await self._confirmed(call, shard, self._confirm_seconds)
        return reply.decode()

    async def is_safe(self, key: str, ref: JobRef) -> bool:
        """Whether a key of the job is there, and a replica has it too where that is asked for.

        Where it is not asked for, nothing is read. Raises UnconfirmedError as ``asked``.
        """
        if self._confirm_seconds is None:
            return True
        return bool(await self._confirmed(lambda _: ("EXISTS", key), self.shard(ref), self._confirm_seconds))

    def shard(self, ref: JobRef) -> int:
        """Where the job lies."""
        return shard_of(ref, self.shards)

    def keys(self, ref: JobRef) -> Keyspace:
        """The names of the job's keys."""
        return Keyspace(self.shard(ref))

    async def hashes(self, keys: Iterable[str]) -> list[dict[bytes, bytes]]:
        """Several hashes; asked for at once, they share their round trips."""
        redis: Any = self.connections.commands
        found: list[dict[bytes, bytes]] = await asyncio.gather(*map(redis.hgetall, keys))
        return found

    async def _confirmed(self, call: Callable[[bool], tuple[Any, ...]], shard: int, seconds: float) -> Any:
        # Over one connection: after a failover in between, another server would answer for what it never had.
        reply: Any = None
        for known in (True, False):
            first, written, replicas = await self.connections.confirmed.in_a_row(
                call(known),
                self._call(Confirm(), shard, known=known),
                ("WAIT", 1, round(seconds * 1000)),
            )
            # Carried out the first time, it would find its own work the second.
            reply = first if reply is None or isinstance(reply, NO_SCRIPT) else reply
            if not isinstance(reply, NO_SCRIPT) and not isinstance(written, NO_SCRIPT):
                break
        if isinstance(reply, Exception):
            raise told_when_it_may_pass(reply)
        if isinstance(written, Exception) or not isinstance(replicas, int) or replicas < 1:
            msg = f"no replica had it within {seconds:g} s"
            raise UnconfirmedError(msg)
        return reply

    def _call(self, command: Command, shard: int, *, known: bool = True) -> tuple[Any, ...]:
        keys = script_keys(shard)
        text, digest = self._script(command.script)
        return ("EVALSHA" if known else "EVAL", digest if known else text, len(keys), *keys, *command.arguments())

    def _script(self, name: str) -> tuple[str, str]:
        known = self._scripts.get(name)
        if known is None:
            text = source(name)
            digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            known = self._scripts[name] = (text, digest)
        return known


def record_of(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """The fields of a record; of a purged one only its fence is left, and that counts as none."""
    return {name.decode(): value.decode() for name, value in raw.items()} if b"state" in raw else {}
