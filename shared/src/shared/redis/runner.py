"""Runs the Lua scripts by name, by their digest where the server knows them already."""

import hashlib
from collections.abc import Sequence
from typing import Any

from shared.contracts.states import JobKind
from shared.redis.client import Connections
from shared.redis.failures import NO_SCRIPT
from shared.redis.keys import script_keys
from shared.redis.lua_source import source
from shared.redis.traffic import Traffic


class ScriptRunner:
    """The scripts over one process's connections."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._scripts: dict[str, tuple[str, str]] = {}

    async def run(
        self, name: str, shard: int, kind: JobKind, args: Sequence[Any], client: Traffic | None = None
    ) -> Any:
        """The script's reply; on the connection for idempotent commands unless another client is given."""
        keys = script_keys(shard, kind)
        client = client or self.connections.commands
        text, digest = self._script(name)
        try:
            return await client.execute_command("EVALSHA", digest, len(keys), *keys, *args)
        except NO_SCRIPT:
            return await client.execute_command("EVAL", text, len(keys), *keys, *args)

    def _script(self, name: str) -> tuple[str, str]:
        known = self._scripts.get(name)
        if known is None:
            text = source(name)
            digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            known = self._scripts[name] = (text, digest)
        return known
