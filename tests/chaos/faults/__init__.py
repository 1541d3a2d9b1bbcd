"""The faults. Importing this package registers all of them."""

from tests.chaos.faults import (
    crashes,
    failover,
    fleet,
    full,
    gateways,
    links,
    lost_replies,
    models,
    races,
    redis_trouble,
    restarts,
    stalls,
    streams,
)
from tests.chaos.registry import FAULTS

__all__ = [
    "FAULTS",
    "crashes",
    "failover",
    "fleet",
    "full",
    "gateways",
    "links",
    "lost_replies",
    "models",
    "races",
    "redis_trouble",
    "restarts",
    "stalls",
    "streams",
]
