"""Runs the Lua scripts by name: loaded once, then called by their digest."""

from collections.abc import Sequence
from typing import Any

from shared.contracts.states import JobKind
from shared.redis.client import Connections, Redis, told_when_it_may_pass
from shared.redis.keys import script_keys
from shared.redis.lua_source import source


class ScriptRunner:
    """The scripts over one process's connections."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._scripts: dict[str, Any] = {}

    async def run(self, name: str, shard: int, kind: JobKind, args: Sequence[Any], client: Redis | None = None) -> Any:
        """The script's reply; on the connection for idempotent commands unless another client is given."""
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts[name] = self.connections.commands.register_script(source(name))
        with told_when_it_may_pass():
            return await script(keys=script_keys(shard, kind), args=args, client=client)
