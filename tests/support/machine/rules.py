"""All rules together, where they begin, and what remains when they are over."""

from enum import Enum

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from shared.contracts.states import TERMINAL_STATES, Band, JobKind, JobState
from shared.contracts.usage import Usage
from tests.support.keys import keys_without_end, malformed_events
from tests.support.machine.fault_rules import FaultRules
from tests.support.machine.gateway_rules import ATTEMPTS, PRIORITIES, GatewayRules
from tests.support.machine.machine import LOST, PICKS, SORTS, USAGES, pick
from tests.support.machine.queues import HOUR_MS, Job, Sort
from tests.support.machine.seen import FAMILIES
from tests.support.machine.world import JOBS

MOST_ROUNDS = 20
RECORD = {"job", "events"}
FOREVER_MS = 1_000 * HOUR_MS


class Position(Enum):
    """Where a job stands at the beginning."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    UNHEARD = "unheard"
    """Claimed, and the worker never learned it."""
    TAKEN_OVER = "taken over"
    SUSPECT = "suspect"
    """Its worker died in the last attempt but one, and the next worker may not take it now."""
    RELEASED = "released"
    CANCELLING = "cancelling"
    RETRYING = "retrying"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    """A planned document: handed over."""
    CHANGED = "changed"
    """The same, and its outline changed where it may be."""
    WRITING = "writing"
    """The same one claimed by those who write it, after a person's word where that was asked for."""


class StateMachine(GatewayRules, FaultRules):
    """Gateways, workers and faults at once."""

    @initialize(
        jobs=st.lists(st.tuples(st.sampled_from(Position), SORTS, PRIORITIES, ATTEMPTS), min_size=1, max_size=len(JOBS))
    )
    def begin(self, jobs: list[tuple[Position, Sort, int, int]]) -> None:
        """Some jobs on their way, so that every rule finds something to do."""
        for name, (position, sort, priority, max_attempts) in zip(JOBS, jobs, strict=False):
            attempts = {Position.DEAD: 1, Position.SUSPECT: 2}.get(position, max_attempts)
            self.submit_new(name, sort, priority, attempts, HOUR_MS if position is Position.SCHEDULED else 0)
            if position not in {Position.QUEUED, Position.SCHEDULED, Position.CANCELLED}:
                # Perhaps another one that came before: some job gets there.
                self.fetch_as("w1", sort.phase, 1, lost=position is Position.UNHEARD)
            self.bring(name, position)

    def bring(self, name: str, position: Position) -> None:
        """The last step to a position."""
        held = next(iter(self.owners()), None)
        if held:
            self.repeat(True, lambda: self.put_artifact_for(held, "one", Usage(llm_calls=1)))
            self.put_checkpoint_for(held)
        match position:
            case Position.CANCELLED | Position.CANCELLING:
                self.cancel_as(name)
            case Position.TAKEN_OVER if held:
                self.end_lease_of(held.job)
                self.fetch_as("w2", held.job.phase, 1)
            case Position.SUSPECT if held:
                self.end_lease_of(held.job)
                self.fetch_as("w2", held.job.phase, 1, suspects=False)
            case Position.RELEASED if held:
                self.release_for(held, None)
            case Position.RETRYING | Position.DEAD if held:
                self.fail_for(held, 0, None)
            case Position.FAILED if held:
                self.fail_for(held, None, None)
            case Position.COMPLETED | Position.CHANGED | Position.WRITING if held:
                self.complete_for(held, None)
                self.bring_on(held.job, position)

    def bring_on(self, job: Job, position: Position) -> None:
        """From what one sort of workers made of it."""
        if position is Position.CHANGED and job in self.changeable():
            self.change_outline_of(job)
        if position is Position.WRITING and job.state is JobState.AWAITING_REVIEW:
            self.approve_as(job.id, None)
        if position is Position.WRITING:
            self.fetch_as("w1", JobKind.DOCUMENT, 1)

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, end=st.sampled_from(["finish", "fail", "release"]), usage=USAGES, lost=LOST)
    def end_when_asked(self, number: int, end: str, usage: Usage | None, lost: bool) -> None:
        """The owner hears that its job is to end, or lets go of it at the same moment."""
        held = pick(self.owners(), number)
        self.cancel_as(held.job.id)
        let_go = {"finish": self.complete_for, "fail": self.fail_transiently_for, "release": self.release_for}[end]
        self.repeat(lost, lambda: let_go(held, usage))

    @precondition(lambda self: self.calm() and self.jobs_in(*TERMINAL_STATES))
    @rule(number=PICKS, first=st.sampled_from(["all", "record", "work"]), anew=st.booleans(), lost=LOST)
    def expire(self, number: int, first: str, anew: bool, lost: bool) -> None:
        """The TTLs of a settled job run out, at once or one before the other; its id may be used again then."""
        job = pick(self.jobs_in(*TERMINAL_STATES), number)
        if first == "work" and job.state is JobState.COMPLETED:
            self.world.forget(job.id, FAMILIES.keys() - RECORD)
            self.model.expire_work(job)
            self.tampered()
            return
        self.world.forget(job.id, RECORD if first == "record" else FAMILIES)
        self.model.expire(job)
        # The fence goes with the record: an owner that was frozen for all those hours is told apart no more.
        self.held = [held for held in self.held if held.job is not job]
        self.tampered()
        if anew:
            self.submit_new(job.id, job.sort, {Band.HIGH: 9, Band.DEFAULT: 5, Band.LOW: 0}[job.band], 1, 0, lost=lost)

    def teardown(self) -> None:
        """Where no step failed, what is left runs to its end, and nothing stays behind."""
        if self.agreed:
            self.drain()
        super().teardown()

    def drain(self) -> None:
        for kind in JobKind:
            self.model.paused.discard(kind)
            self.act("pause", self.world.store.queues.resume(kind))
            self.sweep_all(kind)
        for _ in range(MOST_ROUNDS):
            if self.at_rest():
                break
            self.jump_by(FOREVER_MS)
            for kind in JobKind:
                self.promote_as(kind)
                self.fetch_as("w1", kind, len(JOBS))
            for held in self.owners():
                self.complete_for(held, None)
            for job in self.jobs_in(JobState.AWAITING_REVIEW):
                self.approve_as(job.id, None)
            self.agrees()
        assert self.at_rest()
        self.nothing_is_left()

    def at_rest(self) -> bool:
        model = self.model
        waits = self.jobs_in(JobState.AWAITING_REVIEW)
        return not (model.leases or model.delayed or waits or any(model.streams.values()))

    def nothing_is_left(self) -> None:
        for queues in self.world.seen.kinds.values():
            assert not queues.leases
            assert not queues.delayed
            assert all(not queues.streams[band] and not queues.pending[band] for band in Band)
            assert set(queues.counts.values()) <= {"0"}
        assert self.live() == []
        assert self.world.run(keys_without_end(self.world.redis)) == []
        assert self.world.run(malformed_events(self.world.redis)) == []
        assert self.world.ended() == self.model.ended
