"""Gateways that die with requests and streams in their hands."""

import asyncio

from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.state import KEYS
from tests.chaos.world import Process, World
from tests.support.proxy import Command

FOLLOWERS = 200


@fault(19, "SIGKILL of gateways: a submit unanswered, 200 streams")
async def kill_gateways(world: World) -> None:
    """Asked again, another gateway answers with the same job; the streams go on elsewhere without a gap."""
    first, second, _, worker = await world.start("gateway", "gateway", "gateway", "document_worker")
    await _killed_in_submit(world, first)
    await _killed_with_key(world, second)
    await _killed_under_streams(world)
    world.expect(worker.alive, "workers do not care")


def _kill_at_submit(world: World, gateway: Process) -> None:
    """When the job is on its way to Redis, and before it is answered."""
    submits = world.script("submit")

    def fatal(command: Command) -> bool:
        if submits(command):
            gateway.kill()
            return True
        return False

    gateway.link.drop_reply(fatal)


async def _killed_in_submit(world: World, gateway: Process) -> None:
    job = world.requests.document(1)
    world.jobs[job.id] = job
    world.preferred = gateway
    _kill_at_submit(world, gateway)
    told = await world.clients.submit(job)
    world.expect(told.phase == "info", "nobody answers for a dead gateway", job.id, status=told.status)
    await gateway.service.process.wait()
    told = await world.clients.accepted(job)
    world.expect(told.headers.get("idempotent-replayed") == "true", "the job was there already", job.id)
    await world.settled(job)


async def _killed_with_key(world: World, gateway: Process) -> None:
    """The client names no id but an Idempotency-Key."""
    made = world.requests.document(1)
    body = {key: value for key, value in made.body.items() if key != "job_id"}
    nameless = Job("", made.kind, made.marker, body)
    world.preferred = gateway
    _kill_at_submit(world, gateway)
    key = {"Idempotency-Key": f"key-{made.marker}"}
    await world.clients.submit(nameless, **key)
    await gateway.service.process.wait()
    told = [await world.clients.submit(nameless, **key) for _ in range(2)]
    names = {answer.body.get("job_id") for answer in told}
    world.expect(len(names) == 1, "one key, one job", names=names)
    name = str(names.pop())
    world.jobs[name] = Job(name, made.kind, made.marker, body)
    index = int(await world.redis("ZCARD", KEYS.index("default")))
    world.expect(index == 2, "two jobs were asked for and two are there", index=index)
    await world.settled(world.jobs[name])


async def _killed_under_streams(world: World) -> None:
    (watched,) = await world.start("gateway")
    world.model.latency = 0.5
    world.preferred = watched
    jobs = await world.submit(
        [world.requests.document(4, words=120, max_attempts=5) for _ in range(10)], follow=False
    )  # fmt: skip
    for number in range(FOLLOWERS):
        world.follow(jobs[number % len(jobs)])
    await asyncio.sleep(1.5)
    watched.kill()
    seen = sum(entry.operation > 0 for entry in world.history.told("follow", "event"))
    world.expect(seen > 0, "streams had begun", events=seen)
    await world.settled(*jobs)
