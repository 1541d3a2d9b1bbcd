"""All rules together, where they begin, and what remains when they are over."""

from enum import Enum

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from shared.contracts.states import TERMINAL_STATES, Band, JobKind, JobState
from shared.contracts.usage import Usage
from tests.support.keys import keys_without_end
from tests.support.machine.fault_rules import FaultRules
from tests.support.machine.gateway_rules import ATTEMPTS, PRIORITIES, GatewayRules
from tests.support.machine.machine import KINDS, LOST, PICKS, USAGES, pick
from tests.support.machine.queues import HOUR_MS
from tests.support.machine.seen import FAMILIES
from tests.support.machine.worker_rules import WorkerRules
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
    RELEASED = "released"
    CANCELLING = "cancelling"
    RETRYING = "retrying"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class StateMachine(GatewayRules, WorkerRules, FaultRules):
    """Gateways, workers and faults at once."""

    @initialize(
        jobs=st.lists(st.tuples(st.sampled_from(Position), KINDS, PRIORITIES, ATTEMPTS), min_size=1, max_size=len(JOBS))
    )
    def begin(self, jobs: list[tuple[Position, JobKind, int, int]]) -> None:
        """Some jobs on their way, so that every rule finds something to do."""
        for name, (position, kind, priority, max_attempts) in zip(JOBS, jobs, strict=False):
            attempts = 1 if position is Position.DEAD else max_attempts
            self.submit_new(name, kind, priority, attempts, HOUR_MS if position is Position.SCHEDULED else 0)
            if position not in {Position.QUEUED, Position.SCHEDULED, Position.CANCELLED}:
                # Perhaps another one that came before: some job gets there.
                self.fetch_as("w1", kind, 1, lost=position is Position.UNHEARD)
            self.bring(name, position)

    def bring(self, name: str, position: Position) -> None:
        """The last step to a position."""
        held = next(iter(self.owners()), None)
        if held:
            self.put_checkpoint_for(held)
        match position:
            case Position.CANCELLED | Position.CANCELLING:
                self.cancel_as(name)
            case Position.TAKEN_OVER if held:
                self.end_lease_of(held.job)
                self.fetch_as("w2", held.job.kind, 1)
            case Position.RELEASED if held:
                self.release_for(held, None)
            case Position.RETRYING | Position.DEAD if held:
                self.fail_for(held, 0, None)
            case Position.FAILED if held:
                self.fail_for(held, None, None)
            case Position.COMPLETED if held:
                self.finish_for(held, None)

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, end=st.sampled_from(["finish", "fail", "release"]), usage=USAGES, lost=LOST)
    def end_when_asked(self, number: int, end: str, usage: Usage | None, lost: bool) -> None:
        """The owner hears that its job is to end, or lets go of it at the same moment."""
        held = pick(self.owners(), number)
        self.cancel_as(held.job.id)
        let_go = {"finish": self.finish_for, "fail": self.fail_transiently_for, "release": self.release_for}[end]
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
            self.submit_new(job.id, job.kind, {Band.HIGH: 9, Band.DEFAULT: 5, Band.LOW: 0}[job.band], 1, 0, lost=lost)

    def teardown(self) -> None:
        """Where no step failed, what is left runs to its end, and nothing stays behind."""
        if self.agreed:
            self.drain()
        super().teardown()

    def drain(self) -> None:
        for kind in JobKind:
            self.model.paused.discard(kind)
            self.act("pause", self.world.operations.resume(kind))
            self.sweep_all(kind)
        for _ in range(MOST_ROUNDS):
            if self.at_rest():
                break
            self.jump_by(FOREVER_MS)
            for kind in JobKind:
                self.promote_as(kind)
                self.fetch_as("w1", kind, len(JOBS))
            for held in self.owners():
                self.finish_for(held, None)
            self.agrees()
        assert self.at_rest()
        self.nothing_is_left()

    def at_rest(self) -> bool:
        model = self.model
        return not (model.leases or model.delayed or any(model.streams.values()))

    def nothing_is_left(self) -> None:
        for queues in self.world.seen.kinds.values():
            assert not queues.leases
            assert not queues.delayed
            assert all(not queues.streams[band] and not queues.pending[band] for band in Band)
            assert set(queues.counts.values()) <= {"0"}
        assert self.jobs_in(JobState.SCHEDULED, JobState.QUEUED, JobState.RUNNING) == []
        assert self.world.run(keys_without_end(self.world.redis)) == []
        assert self.world.ended() == self.model.ended
