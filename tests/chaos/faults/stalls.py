"""Workers that stop for a while, or are told to go, with jobs in their hands."""

import asyncio
import signal

from shared.contracts.ids import JobRef
from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.state import KEYS, PARTS, JobState, look
from tests.chaos.world import LEASE_SECONDS, Process, World
from tests.support.waiting import eventually


@fault(3, "SIGSTOP past the lease, SIGCONT, writes that come late")
async def stop_and_continue(world: World) -> None:
    """Another worker takes over; whatever the first one still says is refused."""
    await world.start("gateway", "document_worker", "document_worker", DRAFTLINE_GRACE_SECONDS="0.2")
    workers = world.workers()
    await _stopped_in_a_section(world)
    await _held(world, "finish")
    await _held(world, "put_checkpoint")
    await _release_held(world)
    dropped = [line[:300] for worker in workers for line in worker.log().splitlines() if '"job_dropped"' in line]
    world.expect(not dropped, "a stale worker hears that it is one", lines=dropped[:2])


async def _stopped_in_a_section(world: World) -> None:
    job = world.requests.document(2)
    world.model.slow[job.section(2)] = 1.5
    await world.submit([job])
    await eventually(lambda: world.model.begun(job.marker)[job.section(2)] == 1, seconds=10)
    await world.stored(job, "text:s1")
    owner = await owner_of(world, job)
    owner.kill(signal.SIGSTOP)
    await eventually(lambda: world.model.begun(job.marker)[job.section(2)] == 2, seconds=LEASE_SECONDS + 5)
    owner.kill(signal.SIGCONT)
    await world.settled(job)
    record = await world.record(job)
    world.expect((record["state"], record["attempt"]) == ("completed", "2"), "taken over once", job.id, **record)
    calls = world.model.calls_of(job.marker)
    world.expect(calls[job.section(1)] == 1, "what was finished is not written again", job.id, calls=calls)


async def _held(world: World, script: str) -> None:
    """A worker's write reaches Redis only after another has taken the job over."""
    job = world.requests.document(2)
    world.model.slow[job.section(2)] = 1.0
    await world.submit([job])
    await eventually(lambda: world.model.begun(job.marker)[job.section(2)] == 1, seconds=10)
    owner = await owner_of(world, job)
    (other,) = (worker for worker in world.workers() if worker is not owner)
    owner.link.hold(world.script(script, job))
    if script == "finish":
        # So slow that it still works when the first one's word arrives.
        await world.state_is(job, "running")
        other.link.delay(0.15)
    await eventually(lambda: _fence_above(world, job, 2), seconds=LEASE_SECONDS + 8)
    if script == "put_checkpoint":
        await world.settled(job)
    before = await _work(world, job)
    owner.link.heal()
    if script == "put_checkpoint":
        await asyncio.sleep(0.5)
        world.expect(await _work(world, job) == before, "a stale worker's work changes nothing", job.id)
    await world.settled(job)
    other.link.heal()
    record = await world.record(job)
    world.expect((record["state"], record["attempt"]) == ("completed", "2"), f"{script} was refused", job.id, **record)


async def _release_held(world: World) -> None:
    """A worker that shuts down gives back what another one has taken over meanwhile."""
    job = world.requests.document(2)
    world.model.slow[job.section(2)] = 3.0
    await world.submit([job])
    await world.stored(job, "text:s1")
    owner = await owner_of(world, job)
    owner.link.hold(world.script("release", job))
    owner.kill(signal.SIGTERM)
    await eventually(lambda: _fence_above(world, job, 2), seconds=LEASE_SECONDS + 8)
    owner.link.heal()
    status = await owner.service.stop(signal.SIGTERM)
    world.expect(status == 0, "a worker told to stop ends with status 0", status=status)
    await world.settled(job)
    found = (await look(world.server.port)).jobs[job.id]
    released = [event.id for event in found.journal if event.type == "queued" and event.data["reason"] == "released"]
    world.expect(not released, "a job that runs elsewhere is not given back", job.id, released=released)
    world.expect(found.record["attempt"] == "2", "taken over once", job.id, **found.record)


async def _fence_above(world: World, job: Job, fence: int) -> bool:
    return int((await world.record(job))["fence"]) > fence


async def _work(world: World, job: Job) -> list[object]:
    """The stored work and the checkpoints."""
    ref = JobRef(job.id)
    keys = [KEYS.artifact(ref), *(KEYS.checkpoint(part, ref) for part in PARTS)]
    return [await world.redis("HGETALL", key) for key in keys]


async def owner_of(world: World, job: Job) -> Process:
    """The worker that runs a job; workers name themselves by host, process and a random part."""
    record = await world.state_is(job, "running")
    number = int(record["worker"].split("-")[-2])
    return next(process for process in world.processes if process.pid == number)


@fault(4, "SIGTERM with a grace shorter than the job", settings={"DRAFTLINE_LEASE_SECONDS": "20"})
async def terminate(world: World) -> None:
    """The job is released and resumed within two seconds, not after its lease; the attempt does not count."""
    await world.start("gateway", "document_worker", DRAFTLINE_GRACE_SECONDS="0.3")
    job = world.requests.document(2)
    world.model.slow[job.section(2)] = 60.0
    await world.submit([job])
    await eventually(lambda: world.model.begun(job.marker)[job.section(2)] == 1, seconds=10)
    owner = await owner_of(world, job)
    await world.stored(job, "text:s1")
    await world.start("document_worker")
    world.model.slow.clear()
    status = await owner.service.stop(signal.SIGTERM)
    world.expect(status == 0, "a worker told to stop ends with status 0", status=status)
    await world.settled(job, seconds=10)
    state = (await look(world.server.port)).jobs[job.id]
    world.expect(state.record["attempt"] == "1", "a release is no attempt", job.id, **state.record)
    waited = await _waited_after_release(world, job, state)
    world.expect(waited is not None and waited < 2, "resumed within two seconds", job.id, seconds=waited)
    calls = world.model.calls_of(job.marker)
    world.expect(calls[job.section(1)] == 1, "what was finished is not written again", job.id, calls=calls)


async def _waited_after_release(world: World, job: Job, state: JobState) -> float | None:
    """Seconds from the release to the next start, by the times in the journal."""
    released = next((e.id for e in state.journal if e.type == "queued" and e.data["reason"] == "released"), None)
    entries = await world.redis("XRANGE", KEYS.events(JobRef(job.id)), "-", "+")
    times = {name: (fields["type"], int(fields["time"])) for name, fields in dict(entries).items()}
    if released is None:
        return None
    after = [at for kind, at in list(times.values())[list(times).index(released) :] if kind == "started"]
    return (after[0] - times[released][1]) / 1000 if after else None
