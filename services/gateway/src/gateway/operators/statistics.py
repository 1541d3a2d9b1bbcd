"""The queues and the fleet in numbers."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from gateway.operators.hours import MINUTES, Hour, gather
from shared.contracts.states import Band, JobKind, JobState
from shared.contracts.workers import WorkerRecord
from shared.redis.queues import Counts, Overview
from shared.redis.store import Store


class Quantiles(BaseModel):
    """Of a length of time, in seconds, a tenth off at most; null where nothing was measured."""

    p50: float | None
    p95: float | None


class LastHour(BaseModel):
    """The last 60 minutes."""

    completed: int
    failed: int
    cancelled: int
    wait_seconds: Quantiles = Field(description="From queued to claimed")
    run_seconds: Quantiles = Field(description="From the first start of a run to its end, completed or failed")


class Numbers(BaseModel):
    """Where jobs stand."""

    waiting: int
    running: int
    scheduled: int
    awaiting_review: int = Field(description="Planned documents that wait for a person, under `outline`")
    dead: int = Field(description="Dead letters")
    last_hour: LastHour


class KindNumbers(Numbers):
    """One kind: all of its bands together, each for itself, and who works on it."""

    paused_at: datetime | None = Field(description="Since when no worker may take jobs of this kind")
    workers: int
    draining_workers: int
    slots: int = Field(description="Jobs that all workers together take at once, without those that drain")
    bands: dict[Band, Numbers]


class Statistics(BaseModel):
    """All kinds."""

    time: datetime
    kinds: dict[JobKind, KindNumbers]


async def survey(store: Store, now: datetime) -> Statistics:
    """Ask Redis for all of it."""
    hours = gather(await store.lists.tallies(int(now.timestamp() // 60), MINUTES))
    workers = await store.workers.living()
    kinds = {}
    for kind in JobKind:
        bands = {band: hours[kind, band] for band in Band}
        fleet = [worker for worker in workers if worker.kind is kind]
        kinds[kind] = _kind(await store.queues.overview(kind), bands, fleet)
    return Statistics(time=now, kinds=kinds)


def _kind(overview: Overview, hours: dict[Band, Hour], workers: list[WorkerRecord]) -> KindNumbers:
    together = Hour()
    for hour in hours.values():
        together.add(hour)
    standing = sum(overview.bands.values(), Counts())
    since = overview.paused_at_ms
    return KindNumbers(
        **_numbers(standing, together).model_dump(),
        paused_at=None if since is None else datetime.fromtimestamp(since / 1000, UTC),
        workers=len(workers),
        draining_workers=sum(worker.draining for worker in workers),
        slots=sum(worker.slots for worker in workers if not worker.draining),
        bands={band: _numbers(overview.bands[band], hours[band]) for band in Band},
    )


def _numbers(standing: Counts, hour: Hour) -> Numbers:
    return Numbers(
        waiting=standing.waiting,
        running=standing.running,
        scheduled=standing.scheduled,
        awaiting_review=standing.awaiting_review,
        dead=standing.dead,
        last_hour=LastHour(
            completed=hour.ended[JobState.COMPLETED],
            failed=hour.ended[JobState.FAILED],
            cancelled=hour.ended[JobState.CANCELLED],
            wait_seconds=Quantiles(p50=hour.quantile("wait", 0.5), p95=hour.quantile("wait", 0.95)),
            run_seconds=Quantiles(p50=hour.quantile("run", 0.5), p95=hour.quantile("run", 0.95)),
        ),
    )
