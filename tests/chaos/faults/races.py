"""Two who want different things of one job at the same moment."""

import asyncio

from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.world import World
from tests.support.waiting import eventually


@fault(21, "cancel races with finish")
async def cancel_and_finish(world: World) -> None:
    """A cancellation that was taken is carried out, whatever is on its way; one that came too late is refused."""
    _, _, worker = await world.start("gateway", "outline_worker", "document_worker")
    await _cancelled_while_finish_is_held(world)
    worker.link.heal()
    world.model.latency = 0.05
    jobs = await world.submit(world.requests.mixed(40))

    async def cancel(job: Job) -> None:
        await asyncio.sleep(world.random.uniform(0.0, 1.5))
        told = await world.clients.cancel(job.id)
        world.expect(told.status in {200, 202, 409}, "a cancellation is answered", job.id, status=told.status)

    await asyncio.gather(*map(cancel, jobs))
    await world.settled(*jobs)
    ends = {(await world.record(job))["state"] for job in jobs}
    world.expect(ends == {"completed", "cancelled"}, "both sides win now and then", ends=ends)


async def _cancelled_while_finish_is_held(world: World) -> None:
    """The message to the worker is lost to it, so all depends on the flag that finish reads."""
    job = world.requests.document(1)
    (worker,) = (process for process in world.workers() if "document" in process.service.name)
    held = asyncio.Event()

    def seen(command: list[bytes]) -> bool:
        if matches(command):
            held.set()
            return True
        return False

    matches = world.script("finish", job)
    worker.link.hold(seen)
    await world.submit([job])
    async with asyncio.timeout(10):
        await held.wait()
    told = await world.clients.cancel(job.id)
    world.expect(told.status == 202, "cancelling a running job is taken", job.id, status=told.status)
    worker.link.heal()
    await world.settled(job)
    await eventually(lambda: worker.alive)
