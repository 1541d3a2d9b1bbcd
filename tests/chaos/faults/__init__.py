"""The faults. Importing this package registers all of them."""

from tests.chaos.faults import (
    crashes,
    failover,
    fleet,
    full,
    gateways,
    handover,
    links,
    lost_replies,
    models,
    races,
    redis_trouble,
    restarts,
    reviews,
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
    "handover",
    "links",
    "lost_replies",
    "models",
    "races",
    "redis_trouble",
    "restarts",
    "reviews",
    "stalls",
    "streams",
]
