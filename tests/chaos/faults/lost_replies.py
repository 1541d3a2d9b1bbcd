"""Commands that were carried out, and whose sender never heard of it."""

import asyncio

from shared.contracts.states import Band, JobKind
from tests.chaos.registry import fault
from tests.chaos.state import KEYS
from tests.chaos.world import World


@fault(2, "the reply to finish is lost")
async def lose_finish(world: World) -> None:
    """The worker asks again and hears that it is done: nothing ends twice."""
    _, *workers = await world.start("gateway", "outline_worker", "document_worker")
    for worker in workers:
        worker.link.drop_reply(world.script("finish"), times=3)
    jobs = await world.submit(world.requests.mixed(9))
    await world.settled(*jobs)
    world.expect(sum(worker.link.dropped for worker in workers) == 6, "six replies to finish were lost")
    dropped = [line for worker in workers for line in worker.log().splitlines() if '"job_dropped"' in line]
    world.expect(not dropped, "a worker that asks again hears that it is done", lines=dropped[:2])
    for job in jobs:
        record = await world.record(job)
        kept = (record["state"], record["attempt"]) == ("completed", "1")
        world.expect(kept, "a job whose finish was not heard of is completed at once", job.id, **record)


@fault(7, "the reply to submit is lost, 1 to 20 times")
async def lose_submit(world: World) -> None:
    """However often it is sent, there is one job."""
    (gateway,) = await world.start("gateway")
    # A repeated document request is answered before submit is tried again.
    jobs = [world.requests.outline() for _ in range(20)]
    for times, job in enumerate(jobs, 1):
        gateway.link.drop_reply(world.script("submit", job), times=times)
    world.jobs.update({job.id: job for job in jobs})
    await asyncio.gather(*(world.clients.accepted(job, seconds=50) for job in jobs))
    world.expect(gateway.link.dropped == 210, "210 replies to submit were lost", dropped=gateway.link.dropped)
    entries = int(await world.redis("XLEN", KEYS.requests(JobKind.OUTLINE, Band.DEFAULT)))
    world.expect(entries == 20, "one entry a job", entries=entries)
    await world.start("outline_worker")
    await world.settled(*jobs)
    for job in jobs:
        calls = world.model.calls_of(job.marker)
        world.expect(calls == {"analyse": 1, "draft": 1}, "each was worked on once", job.id, calls=calls)


@fault(8, "the reply to a claim is lost", settings={"DRAFTLINE_LEASE_SECONDS": "20"})
async def lose_claim(world: World) -> None:
    """The worker gives back what it was given and never heard of, long before the lease ends."""
    _, worker = await world.start("gateway", "document_worker")
    jobs = [world.requests.document(1) for _ in range(6)]
    await world.clients.call("POST", "/queues/document/pause")
    await world.submit(jobs)
    worker.link.drop_reply(world.script("fetch"), times=3)
    begun = world.history.now()
    await world.clients.call("POST", "/queues/document/resume")
    await world.settled(*jobs, seconds=15)
    took = world.history.now() - begun
    world.expect(took < 15, "what was claimed unheard does not wait for its lease", seconds=took)
    for job in jobs:
        record = await world.record(job)
        world.expect(record["attempt"] == "1", "a claim nobody heard of is no attempt", job.id, **record)
    given_back = [job for job in jobs if int((await world.record(job))["fence"]) > 2]
    world.expect(bool(given_back), "some claim was lost")
