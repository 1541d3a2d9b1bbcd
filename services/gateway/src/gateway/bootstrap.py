"""Builds the gateway's objects, all of them, in one place."""

from gateway.dependencies import Services
from gateway.parts.admission import Admission
from gateway.parts.exports import ExportDelivery
from gateway.parts.job_views import JobViews
from gateway.parts.pricing import Pricing
from gateway.settings import GatewaySettings, WorkersModelSettings
from gateway.sse.hub import FeedHub
from shared.jobs import JobLists, JobStore
from shared.jobs.outlines import OutlineStore
from shared.lifecycle.clock import SystemClock
from shared.redis.batches import Batches
from shared.redis.client import Connections
from shared.redis.exports import Exports
from shared.redis.operations import Operations
from shared.redis.outlines import Outlines
from shared.redis.reads import Reads
from shared.redis.revisions import Revisions
from shared.redis.scripts import Scripts
from shared.redis.surveys import Surveys
from shared.settings import PriceSettings, RedisSettings, RetentionSettings


def build_services(
    connections: Connections, redis: RedisSettings, retention: RetentionSettings, settings: GatewaySettings
) -> Services:
    """The services over open connections."""
    clock = SystemClock()
    confirm_seconds = settings.replication_seconds if settings.durability == "replicated" else None
    scripts = Scripts(connections, redis.shards, confirm_seconds)
    reads = Reads(connections, redis.shards)
    surveys = Surveys(connections, redis.shards)
    operations = Operations(connections, redis.shards)
    hub = FeedHub(connections, clock, redis.shards)
    admission = Admission(connections, clock, settings.admission_memory_percent)
    return Services(
        connections=connections,
        store=JobStore(scripts, reads, retention),
        lists=JobLists(surveys),
        outlines=OutlineStore(Outlines(scripts), reads),
        reads=reads,
        surveys=surveys,
        operations=operations,
        views=JobViews(operations, clock),
        hub=hub,
        admission=admission,
        exports=ExportDelivery(Exports(connections, redis.shards), admission, hub, clock),
        revisions=Revisions(connections, redis.shards, max(retention.record_ttl_seconds, retention.failed_ttl_seconds)),
        batches=Batches(connections, redis.shards, confirm_seconds),
        pricing=Pricing(WorkersModelSettings(), PriceSettings()),
        clock=clock,
        settings=settings,
    )
