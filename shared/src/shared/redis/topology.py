"""Makes redis-py's clients for one server, for a master that Sentinels name, or for a Cluster.

None of them repeats a command: that is decided where one knows what the command is, see ``traffic.py``.
"""

import asyncio
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from shared.redis.cluster import ClusterMap
from shared.redis.failures import ANY, LOST_BEFORE_WRITING, UNAVAILABLE
from shared.settings import RedisSettings

CONNECT_SECONDS = 5.0
DIRECTORY_SECONDS = 1.0
"""Who knows where the master is answers at once or not at all, and there are others to ask."""
FOLLOW_SECONDS = 1.0


class Topology:
    """Where the servers are. A pool asks at each new connection; ``follow`` tells those that open none."""

    def __init__(self, settings: RedisSettings) -> None:
        self._url = settings.url.get_secret_value()
        self._account: dict[str, Any] = dict(parse_url(self._url))
        if self._account.pop("connection_class", None) is SSLConnection:
            self._account["ssl"] = True
        address = (self._account.pop("host", "127.0.0.1"), self._account.pop("port", 6379))
        self._master = settings.redis_sentinel_master
        self._sentinels = self._directory_of(settings) if settings.redis_sentinels else None
        self._map = ClusterMap(address, {**self._account, **_patience()}) if settings.redis_cluster else None
        self._pools: list[SentinelConnectionPool] = []

    @property
    def spread(self) -> bool:
        """Whether each slot may lie on another server."""
        return self._map is not None

    def client(self, name: str, reply_seconds: float, slot_tag: str) -> aioredis.Redis:
        """A client that waits ``reply_seconds`` for each reply; nothing is sent yet. Close it with ``aclose``.

        ``slot_tag``: a text with the hash tag of the keys it is for, where they may lie on several servers.
        """
        options: dict[str, Any] = {
            "socket_timeout": reply_seconds,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_keepalive": True,
            "client_name": f"draftline-{name}",
            "protocol": 2,
            "retry": _never(),
        }
        if self._map is None and self._sentinels is None:
            return aioredis.Redis.from_url(self._url, **options)
        # A Cluster's map is to its pools what Sentinels are: asked for the master at each new connection.
        asked, directory = (self._master, self._sentinels) if self._map is None else (slot_tag, self._map)
        account = {key: value for key, value in self._account.items() if key != "path"}
        pool = SentinelConnectionPool(asked, directory, **account, **options)  # type: ignore[no-untyped-call]
        self._pools.append(pool)
        return aioredis.Redis.from_pool(pool)

    async def follow(self) -> None:
        """Leave a master that is none any more, for ever: one that only stalled would take what idle clients send."""
        if self._sentinels is None:
            return
        known: object = None
        while True:
            try:
                master = await self._sentinels.discover_master(self._master)
            except (*UNAVAILABLE, ANY, LOST_BEFORE_WRITING):
                master = known
            if master != known and known is not None:
                for pool in self._pools:
                    await pool.update_active_connections_for_reconnect()  # type: ignore[no-untyped-call]
                    await pool.disconnect(inuse_connections=False)
            known = master
            await asyncio.sleep(FOLLOW_SECONDS)

    async def aclose(self) -> None:
        """Close the connections to the Sentinels."""
        for sentinel in self._sentinels.sentinels if self._sentinels is not None else ():
            await sentinel.aclose()

    def _directory_of(self, settings: RedisSettings) -> Sentinel:
        secret = settings.redis_sentinel_password
        options = {**_patience(), "password": secret.get_secret_value() if secret else None, "protocol": 2}
        return Sentinel(settings.sentinel_addresses(), sentinel_kwargs=options)  # type: ignore[no-untyped-call]


def _patience() -> dict[str, Any]:
    return {"socket_timeout": DIRECTORY_SECONDS, "socket_connect_timeout": DIRECTORY_SECONDS, "retry": _never()}


def _never() -> Retry:
    return Retry(NoBackoff(), 0)
