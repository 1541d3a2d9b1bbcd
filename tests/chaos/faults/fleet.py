"""Workers that differ: by their clocks, by their version."""

import asyncio

from tests.chaos.faults.stalls import owner_of
from tests.chaos.registry import fault
from tests.chaos.versions import earlier
from tests.chaos.world import World
from tests.support.waiting import eventually


@fault(22, "workers' wall clocks jump (the server's cannot be moved)")
async def clock_jumps(world: World) -> None:
    """Leases, due times and time limits do not depend on what workers take the time to be."""
    await world.start("gateway")
    world.fleet.launch = ("-m", "tests.chaos.shifted_worker")
    await world.start("outline_worker", "document_worker", "document_worker")
    world.model.latency = 0.4
    jobs = [*world.requests.mixed(9), *(world.requests.document(1, delay_seconds=1.5) for _ in range(3))]
    await world.submit(jobs)
    await world.settled(*jobs)
    for job in jobs:
        record = await world.record(job)
        kept = (record["state"], record["attempt"]) == ("completed", "1")
        world.expect(kept, "clocks that jump cost nothing", job.id, **record)
        times = [int(record[name]) for name in ("created_at", "started_at", "finished_at")]
        world.expect(times == sorted(times) and times[2] - times[0] < 60_000, "times are the server's", job.id)


@fault(23, "two versions of all services side by side")
async def two_versions(world: World) -> None:
    """Jobs pass between the versions, and each goes on where the other left them."""
    old = await asyncio.to_thread(earlier, world.old)
    *_, newer = await world.start("gateway", "outline_worker", "document_worker")
    await world.start("gateway", "outline_worker", "document_worker", python=old.python, **old.environment)
    world.model.latency = 0.3
    jobs = [*world.requests.mixed(12), *(world.requests.document(3) for _ in range(4))]
    last = jobs[-1]
    world.model.slow[last.section(3)] = 3.0
    await world.submit(jobs)
    for times in (1, 2):
        # First whoever has the job, then whoever took it over: of two workers, one of each version.
        await eventually(lambda times=times: world.model.begun(last.marker)[last.section(3)] == times, seconds=20)  # type: ignore[misc]
        owner = await owner_of(world, last)
        owner.kill()
        if owner is newer:
            await world.start("document_worker")
        else:
            await world.start("document_worker", python=old.python, **old.environment)
    await world.settled(*jobs)
    for job in jobs:
        record = await world.record(job)
        world.expect(record["state"] == "completed", "done by whichever version", job.id, **record)
