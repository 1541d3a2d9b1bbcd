"""Runs commands: Lua scripts, by their digest where the server knows them already."""

import hashlib
from collections.abc import Callable
from typing import Any

from shared.redis.client import Connections
from shared.redis.command import Command
from shared.redis.commands import Confirm
from shared.redis.failures import NO_SCRIPT, UnconfirmedError, told_when_it_may_pass
from shared.redis.keys import script_keys
from shared.redis.lua_source import source
from shared.redis.traffic import Traffic


class ScriptRunner:
    """The scripts over one process's connections."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._scripts: dict[str, tuple[str, str]] = {}

    async def run(self, command: Command, shard: int, client: Traffic | None = None) -> Any:
        """The script's reply; on the connection for idempotent commands unless another client is given."""
        client = client or self.connections.commands
        try:
            return await client.execute_command(*self._call(command, shard))
        except NO_SCRIPT:
            return await client.execute_command(*self._call(command, shard, known=False))

    async def run_confirmed(self, command: Command, shard: int, seconds: float) -> Any:
        """The script's reply once a replica has what it wrote; raises UnconfirmedError where none has in time."""

        def call(known: bool) -> tuple[Any, ...]:
            return self._call(command, shard, known=known)

        return await self._confirmed(call, shard, seconds)

    async def exists_confirmed(self, key: str, shard: int, seconds: float) -> bool:
        """Whether a key is there, and a replica has it too; raises UnconfirmedError as ``run_confirmed``."""
        return bool(await self._confirmed(lambda _: ("EXISTS", key), shard, seconds))

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
