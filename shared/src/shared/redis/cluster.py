"""Where the slots of a Cluster lie.

All keys of a shard lie in one slot, so each client talks to one server only, and needs nothing of redis-py's own client
for Clusters: that one shares its connections and its map between all slots, so one dead server disturbs all.
"""

import random
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.sentinel import MasterNotFoundError
from redis.crc import key_slot

from shared.redis.failures import ANY

Address = tuple[str, int]


class ClusterMap:
    """Asked at each new connection; never kept, since a map is wrong just when one needs it."""

    def __init__(self, seed: Address, options: dict[str, Any]) -> None:
        self._known: set[Address] = {seed}
        self._options = options

    async def discover_master(self, slot_tag: str) -> Address:
        """The address of the master of a key's slot; raises MasterNotFoundError where no server tells.

        The name is that of ``redis.asyncio.sentinel.Sentinel``, in whose place it stands.
        """
        slot = key_slot(slot_tag.encode())
        for address in random.sample(sorted(self._known), len(self._known)):
            try:
                slots = await self._slots(address)
            except (ANY, OSError):
                continue
            self._known.update(slots.values())
            for (first, last), master in slots.items():
                if first <= slot <= last:
                    return master
        msg = f"no server of the Cluster that answers knows the master of slot {slot}"
        raise MasterNotFoundError(msg)

    async def _slots(self, asked: Address) -> dict[tuple[int, int], Address]:
        async with aioredis.Redis(host=asked[0], port=asked[1], protocol=2, **self._options) as client:
            told = await client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
        # First and last slot, master, replicas. A server that does not know its own address leaves the host empty.
        return {(first, last): ((host or b"").decode() or asked[0], port) for first, last, (host, port, *_), *_ in told}
