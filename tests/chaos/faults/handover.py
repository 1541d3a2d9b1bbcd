"""Workers that die, are told to go, or lose their link while a planned document passes from one kind to the other."""

import asyncio
import signal
import time
from dataclasses import dataclass, field

from shared.contracts.states import Band, JobKind
from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.state import KEYS, Event, look, stages
from tests.chaos.world import Process, World
from tests.support.waiting import eventually

PLANNER, WRITER = "outline_worker", "document_worker"
LEASE_SECONDS = 4.0
"""Twice that of other faults: while processes start, a worker may be late by itself."""
CROWD = 8
BREAKING_OFF_SECONDS = 1.0
"""From a signal until the last call of the worker is broken off."""
STORING_SECONDS = 0.5
"""From the end of an answer until the worker has stored it."""


@dataclass(slots=True)
class Round:
    """Many documents at once, and a signal for either worker at the moment in which they are handed over.

    When the planner is hit, one job waits for its last planning call, one is on its way, and one is over there already.
    The writer is hit when it begins with that one.
    """

    world: World
    sent: signal.Signals
    jobs: list[Job]
    replacing: asyncio.TaskGroup
    hits: dict[int, float] = field(default_factory=dict)
    """By process: when, in Unix seconds."""

    @property
    def kills(self) -> bool:
        return self.sent == signal.SIGKILL

    async def run(self, planner: Process, writer: Process) -> None:
        """Until all are written."""
        drafting, crossing, crossed, *_ = self.jobs
        slow = self.world.model.slow
        slow[drafting.marker, "draft"], slow[crossing.marker, "draft"] = 8.0, 1.5
        slow.update({crossed.section(number): 1.0 for number in (1, 2, 3)})
        hands_over = self.world.script("handover", crossing)
        begins = self.world.script("append_events", crossed)
        planner.link.drop_reply(lambda command: hands_over(command) and self._hit(planner))
        writer.link.drop_reply(lambda command: begins(command) and self._hit(writer))
        await self.world.submit(self.jobs)
        await eventually(lambda: planner.pid in self.hits, seconds=30)
        slow.clear()
        await self.world.settled(*self.jobs, seconds=60)

    def _hit(self, worker: Process) -> bool:
        """Whether the reply to the command is lost with the worker."""
        if worker.pid in self.hits:
            return False
        if self.kills and worker.service.name == PLANNER:
            # Swallowed; delivered when all heals.
            worker.link.black_hole()
        worker.kill(self.sent)
        self.hits[worker.pid] = time.time()
        self.world.history.note(f"{self.sent.name} to the {worker.service.name}", pid=worker.pid)
        self.replacing.create_task(self._replace(worker))
        return self.kills

    async def _replace(self, worker: Process) -> None:
        status = await worker.service.process.wait()
        self.world.expect(self.kills or status == 0, "a worker told to stop ends with status 0", status=status)
        await self.world.start(worker.service.name)

    async def judge(self) -> None:
        """Nobody began what was done, and nothing was asked of the model that it had answered."""
        self.world.expect(len(self.hits) == 2, "both workers were hit", hits=len(self.hits))
        drafting, crossing, crossed, *_ = self.jobs
        state = await look(self.world.server.port)
        roles = [
            (drafting, "in its last planning call", 2),
            (crossing, "on its way", 2 if self.kills else 1),
            (crossed, "handed over before", 1),
        ]
        for job, role, planned in roles:
            begun = _begun(state.jobs[job.id].journal, 0)
            self.world.expect(
                begun == planned, f"{self.sent.name}, {role}: planned {planned} times", job.id, begun=begun
            )
        begun = _begun(state.jobs[crossed.id].journal, 1)
        self.world.expect(begun == 2, f"{self.sent.name}: the writing is begun again", crossed.id, begun=begun)
        for job in self.jobs:
            found = state.jobs[job.id]
            self.world.expect(found.result is not None, "all are written", job.id, **found.record)
            self._expect_in_flight(job)

    def _expect_in_flight(self, job: Job) -> None:
        for given, call in self.world.model.asked_again(job.marker):
            kept = any(
                call.started_at < hit + BREAKING_OFF_SECONDS and (call.ended_at or hit) > hit - STORING_SECONDS
                for hit in self.hits.values()
            )
            self.world.expect(kept, "only calls in flight are made again", job.id, step=given.step)


def _begun(journal: list[Event], stage: int) -> int:
    """How often a worker began to plan (0) or to write (1)."""
    return sum(event.type == "started" for event in stages(journal)[stage])


@fault(
    25, "SIGKILL and SIGTERM of workers around the hand-over",
    settings={"DRAFTLINE_LEASE_SECONDS": str(LEASE_SECONDS), "DRAFTLINE_GRACE_SECONDS": "0.3"},
)  # fmt: skip
async def kill_around(world: World) -> None:
    """The jobs go on once, where they belong; what was finished is not run again: the model's answers are counted."""
    await world.start("gateway", PLANNER, WRITER)
    for number in (signal.SIGKILL, signal.SIGTERM):
        planner, writer = sorted(world.workers(), key=lambda worker: worker.service.name, reverse=True)
        async with asyncio.TaskGroup() as replacing:
            jobs = [world.requests.from_prompt() for _ in range(CROWD)]
            one_round = Round(world, number, jobs, replacing)
            await one_round.run(planner, writer)
        await one_round.judge()


@fault(
    26, "the reply to handover is lost; links that are lost at it",
    settings={"DRAFTLINE_LEASE_SECONDS": str(LEASE_SECONDS)},
)  # fmt: skip
async def lose_handover(world: World) -> None:
    """The worker asks again and hears that it is done, or another one hands over: nothing is planned or begun twice."""
    gateway, planner, _ = await world.start("gateway", PLANNER, WRITER)
    await _replies_are_lost(world, gateway, planner)
    await _cut_off(world, planner)


async def _replies_are_lost(world: World, gateway: Process, planner: Process) -> None:
    jobs = [world.requests.from_prompt(review=number % 2 == 1) for number in range(6)]
    await world.clients.call("POST", "/queues/document/pause")
    planner.link.drop_reply(world.script("handover"), times=6)
    await world.submit(jobs)
    for job in jobs[1::2]:
        await world.state_is(job, "awaiting_review")
    await eventually(lambda: planner.log().count('"event": "job_settled"') == 6, seconds=10)
    world.expect(planner.link.dropped == 6, "six replies to handover were lost", dropped=planner.link.dropped)
    entries = [int(await world.redis("XLEN", KEYS.requests(kind, Band.DEFAULT))) for kind in JobKind]
    world.expect(entries == [0, 3], "one entry for each that waits for nobody", entries=entries)
    gateway.link.drop_reply(world.script("approve"), times=3)
    for job in jobs[1::2]:
        told = await world.clients.approve(job.id)
        world.expect(told.phase == "ok", "an approval can be asked for again", job.id, status=told.status)
    world.expect(gateway.link.dropped == 3, "three replies to approve were lost", dropped=gateway.link.dropped)
    await world.clients.call("POST", "/queues/document/resume")
    await world.settled(*jobs)
    for job in jobs:
        await _expect_once(world, job, "a hand-over that was not heard of")


async def _cut_off(world: World, planner: Process) -> None:
    """The hand-over is swallowed with the link, and arrives when another worker has made it."""
    plain, reviewed = jobs = [world.requests.from_prompt(review=review) for review in (False, True)]
    world.model.slow["draft"] = 0.8
    world.model.slow[plain.section(2)] = 2.0
    planner.link.hold(world.script("handover"))
    await world.submit(jobs)
    await world.start(PLANNER)
    await world.state_is(reviewed, "awaiting_review")
    await eventually(lambda: world.model.begun(plain.marker)[plain.section(2)] == 1, seconds=20)
    before = [await world.record(job) for job in jobs]
    planner.link.heal()
    await asyncio.sleep(0.5)
    for job, was in zip(jobs, before, strict=True):
        found = await world.record(job)
        kept = all(was[name] == found[name] for name in ("state", "fence", "outline_version"))
        world.expect(kept, "a late hand-over changes nothing", job.id, was=was, found=found)
    await world.clients.approve(reviewed.id)
    await world.settled(*jobs)
    world.expect(planner.alive, "a worker that was cut off works on")
    for job in jobs:
        await _expect_once(world, job, "a hand-over from a worker that was cut off")


async def _expect_once(world: World, job: Job, about: str) -> None:
    record = await world.record(job)
    kept = (record["state"], record["attempt"]) == ("completed", "1")
    world.expect(kept, f"{about}: it goes on at once", job.id, **record)
    calls = world.model.begun(job.marker)
    world.expect(set(calls.values()) == {1}, f"{about}: nothing is asked twice", job.id, calls=calls)
    dropped = [
        line[:300] for worker in world.workers() for line in worker.log().splitlines() if '"job_dropped"' in line
    ]
    world.expect(not dropped, f"{about}: the worker hears of it", job.id, lines=dropped[:2])
