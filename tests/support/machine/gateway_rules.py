"""What clients and operators ask for."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.contracts.ids import JobRef
from shared.contracts.jobs import JobSpec
from shared.contracts.states import TERMINAL_STATES, Band, JobKind, JobState
from tests.support.jobs import submission
from tests.support.machine.machine import KINDS, LOST, PICKS, SORTS, pick
from tests.support.machine.planning_rules import PlanningRules
from tests.support.machine.queues import HOUR_MS, Job, Sort
from tests.support.machine.world import JOBS

DELAYS = st.sampled_from([0, 0, 0, HOUR_MS, 5 * HOUR_MS])
PRIORITIES = st.sampled_from([0, 5, 9])
ATTEMPTS = st.integers(1, 3)


class GatewayRules(PlanningRules):
    asked_in_vain_at = 0
    """How many events there were then: until there are more, it would be the same again."""

    def free(self) -> list[str]:
        """Ids that no job has, or none any more."""
        return [name for name in JOBS if name not in self.model.jobs]

    def again(self) -> list[Job]:
        """Jobs that may begin a new run."""
        return self.jobs_in(JobState.FAILED, JobState.CANCELLED)

    def dead(self) -> list[Job]:
        return [job for job in self.model.jobs.values() if self.model.buried(job)]

    @precondition(lambda self: self.free())
    @rule(
        number=PICKS,
        sort=SORTS,
        priority=PRIORITIES,
        attempts=ATTEMPTS,
        delay_ms=DELAYS,
        timed=st.booleans(),
        lost=LOST,
    )
    def submit(
        self, number: int, sort: Sort, priority: int, attempts: int, delay_ms: int, timed: bool, lost: bool
    ) -> None:
        """A new job, for later by a delay or by a time, which may be over."""
        name = pick(self.free(), number)
        self.submit_new(name, sort, priority, attempts, delay_ms, timed=timed, lost=lost)

    def submit_new(
        self,
        name: str,
        sort: Sort,
        priority: int,
        attempts: int,
        delay_ms: int,
        *,
        timed: bool = False,
        lost: bool = False,
    ) -> None:
        asked = self.request_id()
        due = {"not_before_ms": self.world.seen.now + (delay_ms or -HOUR_MS)} if timed else {"delay_ms": delay_ms}
        sent = submission(name, kind=sort.kind, phase=sort.phase, review=sort.review, priority=priority,
            max_attempts=attempts, digest=asked, request_id=asked, **due)  # fmt: skip
        self.repeat(lost, lambda: self.submit_as(sent, sort, delay_ms))

    def submit_as(self, sent: JobSpec, sort: Sort, delay_ms: int) -> None:
        band = Band.of(sent.priority)
        new = Job(sent.ref.job_id, sort, band, sent.max_attempts, sent.digest, sent.request_id, JobState.QUEUED)
        expected = self.model.submit(new, delay_ms)
        assert self.act("submit", self.world.store.jobs.submit(sent)) == expected

    @precondition(lambda self: self.calm() and self.live())
    @rule(number=PICKS, lost=LOST)
    def cancel(self, number: int, lost: bool) -> None:
        job = pick(sorted(self.live(), key=lambda job: job.state is not JobState.RUNNING), number)
        if job.state is JobState.RUNNING:
            # The one thing that a repetition does again: the owner is woken.
            self.cancel_as(job.id)
        else:
            self.repeat(lost, lambda: self.cancel_as(job.id))
        self.disturbed()

    def cancel_as(self, name: str) -> None:
        expected = self.model.cancel(name)
        call = self.world.store.jobs.cancel(JobRef(name))
        assert self.act("cancel", call) == expected

    @precondition(lambda self: self.again())
    @rule(number=PICKS, requeue=st.booleans(), lost=LOST)
    def begin_again(self, number: int, requeue: bool, lost: bool) -> None:
        """By a client, or by an operator if it is a dead letter."""
        job, asked = pick(self.again(), number), self.request_id()
        ask = self.requeue_as if requeue and job in self.dead() else self.retry_as
        self.repeat(lost, lambda: ask(job.id, asked))

    def retry_as(self, name: str, asked: str) -> None:
        expected = self.model.retry(name, asked)
        call = self.world.store.jobs.retry(JobRef(name), asked)
        assert self.act("retry", call) == expected

    def requeue_as(self, name: str, asked: str) -> None:
        expected = self.model.requeue(name, asked)
        call = self.world.store.jobs.requeue(JobRef(name), asked)
        assert self.act("requeue", call) == expected

    @precondition(lambda self: self.dead())
    @rule(number=PICKS, lost=LOST)
    def purge(self, number: int, lost: bool) -> None:
        name = pick(self.dead(), number).id
        self.repeat(lost, lambda: self.purge_as(name))

    def purge_as(self, name: str) -> None:
        expected = self.model.purge(name)
        assert self.act("purge", self.world.store.jobs.purge(JobRef(name))) == expected

    @precondition(lambda self: self.asked_in_vain_at != len(self.model.feed))
    @rule(name=st.sampled_from(JOBS))
    def ask_in_vain(self, name: str) -> None:
        """What does not go with the state of the job, or with none: nothing changes."""
        self.asked_in_vain_at = len(self.model.feed)
        job, asked = self.model.jobs.get(name), self.request_id()
        with self.unchanged():
            if job is not None:
                for digest in (job.digest, "of another body"):
                    self.submit_as(submission(job.id, kind=job.kind, digest=digest, request_id=asked), job.sort, 0)
            if job is None or job.state in TERMINAL_STATES:
                self.cancel_as(name)
            if job not in self.again():
                self.retry_as(name, asked)
            if job not in self.jobs_in(JobState.AWAITING_REVIEW):
                self.approve_as(name, None)
            if job not in self.changeable():
                self.put_outline_as(name, 1, asked)
            if job not in self.dead():
                self.requeue_as(name, asked)
                self.purge_as(name)

    @precondition(lambda self: self.calm())
    @rule(kind=KINDS, lost=LOST)
    def pause_or_resume(self, kind: JobKind, lost: bool) -> None:
        if kind in self.model.paused:
            self.model.paused.discard(kind)
            self.act("pause", self.world.store.queues.resume(kind))
        else:
            self.model.paused.add(kind)
            self.repeat(lost, lambda: self.act("pause", self.world.store.queues.pause(kind)))
        self.disturbed()
