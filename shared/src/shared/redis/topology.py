"""Makes redis-py's clients for one server, for a master that Sentinels name, or for a Cluster.

None of them repeats a command: that is decided where one knows what the command is, see ``traffic.py``.
"""

from typing import Any, TypeAlias

import redis.asyncio as aioredis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from shared.settings import RedisSettings

CONNECT_SECONDS = 5.0
SENTINEL_SECONDS = 1.0
"""Sentinels answer at once or not at all, and there are others to ask."""

Client: TypeAlias = "aioredis.Redis | aioredis.RedisCluster"


def open_client(settings: RedisSettings, name: str, reply_seconds: float) -> Client:
    """A client that waits ``reply_seconds`` for each reply; nothing is sent yet. Close it with ``aclose``."""
    options: dict[str, Any] = {
        "socket_timeout": reply_seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
        "client_name": f"draftline-{name}",
        "protocol": 2,
    }
    url = settings.url.get_secret_value()
    if settings.redis_cluster:
        return aioredis.RedisCluster.from_url(url, retry=_never(), **options)
    options["retry"] = _never()
    if settings.redis_sentinels:
        return _under_sentinels(settings, url, options)
    return aioredis.Redis.from_url(url, **options)


def _under_sentinels(settings: RedisSettings, url: str, options: dict[str, Any]) -> aioredis.Redis:
    given: dict[str, Any] = dict(parse_url(url))
    for address in ("host", "port", "path"):
        given.pop(address, None)
    given["ssl"] = given.pop("connection_class", None) is SSLConnection
    secret = settings.redis_sentinel_password
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        settings.sentinel_addresses(),
        sentinel_kwargs={
            "socket_timeout": SENTINEL_SECONDS,
            "socket_connect_timeout": SENTINEL_SECONDS,
            "password": secret.get_secret_value() if secret else None,
            "retry": _never(),
            "protocol": 2,
        },
        **options,
    )
    found: aioredis.Redis = sentinels.master_for(settings.redis_sentinel_master, **given)
    return found


def _never() -> Retry:
    return Retry(NoBackoff(), 0)
