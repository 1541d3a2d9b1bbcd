"""Builds the gateway's objects, all of them, in one place."""

from gateway.dependencies import Services
from gateway.parts.admission import Admission
from gateway.parts.exports import ExportDelivery
from gateway.parts.job_views import JobViews
from gateway.parts.listing import JobLists
from gateway.parts.pricing import Pricing
from gateway.parts.stored_outlines import StoredOutlines
from gateway.settings import GatewaySettings, WorkersModelSettings
from gateway.sse.hub import FeedHub
from shared.lifecycle.clock import SystemClock
from shared.redis.client import Connections
from shared.redis.store import Store
from shared.settings import PriceSettings, RedisSettings, RetentionSettings


def build_services(
    connections: Connections, redis: RedisSettings, retention: RetentionSettings, settings: GatewaySettings
) -> Services:
    """The services over open connections."""
    clock = SystemClock()
    confirm_seconds = settings.replication_seconds if settings.durability == "replicated" else None
    store = Store(connections, redis.shards, confirm_seconds)
    hub = FeedHub(connections, clock, redis.shards)
    admission = Admission(connections, clock, settings.admission_memory_percent)
    return Services(
        store=store,
        lists=JobLists(store.lists, store.jobs),
        outlines=StoredOutlines(store.jobs),
        views=JobViews(store.queues, clock),
        hub=hub,
        admission=admission,
        exports=ExportDelivery(store.exports, admission, hub, clock),
        pricing=Pricing(WorkersModelSettings(), PriceSettings()),
        clock=clock,
        settings=settings,
        retention=retention.retention,
    )
