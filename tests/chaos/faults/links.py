"""Links that fall silent, or are slow."""

import asyncio

from tests.chaos.faults.stalls import owner_of
from tests.chaos.registry import fault
from tests.chaos.world import World
from tests.support.waiting import eventually

SILENCE_SECONDS = 15.0


@fault(9, "a worker and a gateway hear nothing of Redis for 15 s")
async def black_hole(world: World) -> None:
    """Another worker takes over, late writes are refused. The gateway says 503, and its streams go on later."""
    first, second, _ = await world.start("gateway", "gateway", "document_worker")
    world.preferred = second
    jobs = [world.requests.document(2) for _ in range(4)]
    for job in jobs:
        world.model.slow[job.section(2)] = 2.0
    await world.submit(jobs)
    await eventually(lambda: all(world.model.begun(job.marker)[job.section(2)] for job in jobs), seconds=10)
    cut_off = await owner_of(world, jobs[0])
    silent_from = world.history.now()
    for process in (cut_off, second):
        process.link.black_hole()
    (other,) = await world.start("document_worker")
    told = await world.clients.get(jobs[0].id)
    kept = told.status == 503 and "retry-after" in told.headers
    world.expect(kept, "a gateway that is cut off says so", status=told.status, body=told.body)
    world.expect(world.history.now() - silent_from < SILENCE_SECONDS, "and does not wait for ever")
    world.preferred = first
    await world.settled(*jobs, seconds=SILENCE_SECONDS)
    for job in jobs:
        record = await world.record(job)
        kept = (record["state"], record["attempt"]) == ("completed", "2")
        world.expect(kept, "taken over while the owner is cut off", job.id, **record)
    await asyncio.sleep(max(0.0, SILENCE_SECONDS - (world.history.now() - silent_from)))
    for process in (cut_off, second):
        process.link.heal()
    await other.service.stop()
    (later,) = await world.submit([world.requests.document(1)])
    await world.settled(later, seconds=20)
    world.expect(cut_off.alive, "a worker that was cut off works on")


@fault(10, "every link is 0 to 500 ms slow (leases of 5 s)", settings={"DRAFTLINE_LEASE_SECONDS": "5"})
async def jitter(world: World) -> None:
    """No lease is taken for lost."""
    await world.start("gateway", "outline_worker", "document_worker", "document_worker")
    for process in world.processes:
        process.link.delay(0.0, 0.5)
    world.model.latency = 1.0
    jobs = await world.submit(world.requests.mixed(9))
    await world.settled(*jobs, seconds=80)
    for job in jobs:
        record = await world.record(job)
        kept = (record["state"], record["attempt"]) == ("completed", "1")
        world.expect(kept, "a slow link is no lost worker", job.id, **record)
    told = [line for process in world.workers() for line in process.log().splitlines() if '"event": "lease_' in line]
    world.expect(not told, "no lease ran out", lines=told[:3])
