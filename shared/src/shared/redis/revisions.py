"""Which documents go back to one document: itself written again, section by section."""

from collections.abc import Sequence
from typing import Any

from shared.contracts.ids import JobRef
from shared.redis.runner import ScriptRunner

MOST_MEMBERS = 200


class Revisions:
    """Plain commands, all of which may be repeated: a member is a name only, and what it names may never come to be."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner
        self._redis: Any = runner.connections.commands

    async def add(self, root: JobRef, member: JobRef, at_ms: int, life_seconds: int) -> bool:
        """Count a document among those that go back to the root; false where these are too many.

        The names stay for ``life_seconds`` from the last addition.
        """
        key = self._key(root)
        added, _, count = await self._redis.together(
            ("ZADD", key, "NX", at_ms, str(member)), ("EXPIRE", key, life_seconds), ("ZCARD", key)
        )
        if added and count > MOST_MEMBERS:
            await self._redis.zrem(key, str(member))
            return False
        return True

    async def drop(self, root: JobRef, members: Sequence[JobRef]) -> None:
        """Count these no more."""
        if members:
            await self._redis.zrem(self._key(root), *map(str, members))

    async def members(self, root: JobRef, before_ms: int | None = None) -> list[JobRef]:
        """Those that were counted, all or before a time, oldest first; the root is none of them."""
        last = "+inf" if before_ms is None else before_ms
        found = await self._redis.zrangebyscore(self._key(root), "-inf", last)
        return [JobRef.parse(name.decode()) for name in found]

    def _key(self, root: JobRef) -> str:
        return self._runner.keys(root).revisions(root)
