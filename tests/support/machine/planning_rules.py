"""From the plan of a document to its writing, with a person in between or without."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.contracts.ids import JobRef
from shared.contracts.states import JobState
from shared.contracts.usage import Usage
from shared.redis.outlines import OutlineChange
from tests.support.machine.machine import LOST, PICKS, USAGES, Machine, pick
from tests.support.machine.owners import Held
from tests.support.machine.queues import Job


class PlanningRules(Machine):
    def planners(self) -> list[Held]:
        """Those that hold a job whose plan they hand over."""
        return [held for held in self.owners() if held.job.planning]

    def changeable(self) -> list[Job]:
        """Jobs whose outline is there to be changed, though what an ended one made may be gone."""
        return [job for job in self.model.jobs.values() if self.model.changeable(job)]

    @precondition(lambda self: self.planners())
    @rule(number=PICKS, usage=USAGES, lost=LOST)
    def hand_over(self, number: int, usage: Usage | None, lost: bool) -> None:
        held = pick(self.planners(), number)
        self.repeat(lost, lambda: self.hand_over_for(held, usage))

    def hand_over_for(self, held: Held, usage: Usage | None) -> None:
        """What was planned before, and perhaps changed since, is not planned again."""
        version = held.job.outline_version or 1
        expected = self.model.hand_over(held, version, usage)
        call = self.world.store.attempts.hand_over(
            held.claim, held.seq, version, str(held.claim.fence).encode(), b"null", usage
        )
        assert self.act("handover", call) == expected

    @precondition(lambda self: self.calm() and self.changeable())
    @rule(number=PICKS, lost=LOST)
    def change_outline(self, number: int, lost: bool) -> None:
        self.change_outline_of(pick(self.changeable(), number), lost=lost)
        self.disturbed()

    def change_outline_of(self, job: Job, *, lost: bool = False) -> None:
        """And somebody else who saw the same version, and comes too late."""
        base, change = job.outline_version or 1, self.request_id()
        self.repeat(lost, lambda: self.put_outline_as(job.id, base, change))
        with self.unchanged():
            self.put_outline_as(job.id, base, "too late")

    def put_outline_as(self, name: str, base: int, change: str) -> None:
        expected = self.model.put_outline(name, base, change)
        told = b'{"version":%d,"author":null}' % (base + 1)
        sent = OutlineChange(base, b"as it was", change.encode(), change, told)
        assert self.act("put_outline", self.world.store.outlines.put(JobRef(name), sent)) == expected

    @precondition(lambda self: self.jobs_in(JobState.AWAITING_REVIEW))
    @rule(number=PICKS, named=st.booleans(), lost=LOST)
    def approve(self, number: int, named: bool, lost: bool) -> None:
        """What was seen last, or whatever is there; what was seen before that is not approved."""
        job = pick(self.jobs_in(JobState.AWAITING_REVIEW), number)
        version = job.outline_version
        assert version is not None
        with self.unchanged():
            self.approve_as(job.id, version - 1)
        self.repeat(lost, lambda: self.approve_as(job.id, version if named else None))

    def approve_as(self, name: str, version: int | None) -> None:
        expected = self.model.approve(name, version)
        assert self.act("approve", self.world.store.outlines.approve(JobRef(name), version)) == expected
