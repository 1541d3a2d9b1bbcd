"""Everything that Draftline keeps in Redis, over one process's connections."""

from typing import Any

from shared.contracts.errors import CannotStartError
from shared.redis.attempts import Attempts
from shared.redis.batches import Batches
from shared.redis.client import Connections
from shared.redis.exports import Exports
from shared.redis.jobs import Jobs
from shared.redis.keys import SHARDS_KEY
from shared.redis.lists import Lists
from shared.redis.outlines import Outlines
from shared.redis.queues import Queues
from shared.redis.revisions import Revisions
from shared.redis.runner import ScriptRunner
from shared.redis.workers import Workers


class ShardMismatchError(CannotStartError):
    """This process was told another number of shards than the keys were made with."""


class Store:
    """The commands and reads, by what they are about; they share one runner of scripts and one set of keys."""

    def __init__(self, connections: Connections, shards: int, confirm_seconds: float | None = None) -> None:
        """``confirm_seconds``: how long what a caller is answered by may take to reach a replica; None asks none."""
        runner = ScriptRunner(connections, shards, confirm_seconds)
        self.connections = connections
        self.shards = shards
        self.jobs = Jobs(runner)
        self.attempts = Attempts(runner)
        self.queues = Queues(runner)
        self.workers = Workers(runner)
        self.lists = Lists(runner)
        self.outlines = Outlines(runner)
        self.exports = Exports(runner)
        self.batches = Batches(runner)
        self.revisions = Revisions(runner)

    async def fix_shards(self) -> None:
        """Agree on the number of shards; raises ShardMismatchError where the stored one differs."""
        redis: Any = self.connections.commands
        stored = await redis.get(SHARDS_KEY)
        if stored is None:
            # Only where it is missing: a full server refuses even a SET that would change nothing.
            await redis.set(SHARDS_KEY, self.shards, nx=True)
            stored = await redis.get(SHARDS_KEY)
        fixed = int(stored)
        if fixed != self.shards:
            msg = f"DRAFTLINE_SHARDS is {self.shards}, but this Redis was set up with {fixed}: start with {fixed}"
            raise ShardMismatchError(msg)
