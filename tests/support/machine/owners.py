"""What each script that names a fence does and answers, the hand-over among them."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.jobs import Claim
from shared.contracts.states import JobState, Review
from shared.contracts.usage import Usage
from shared.redis.attempts import Owned, Settled
from tests.support.machine.queues import LEASE_MS, Job
from tests.support.machine.reviewing import Reviewing


@dataclass(slots=True)
class Held:
    """What a worker believes to hold: the right to work on a job that a fetch gave it, with its count of events."""

    job: Job
    claim: Claim
    seq: int = 1
    """Of its next event."""


Batch = Sequence[tuple[int, str, float]]
"""Sequence number, type, and the percent of a progress or the number of a section."""


@dataclass(slots=True)
class Owners(Reviewing):
    """What owners do."""

    def holds(self, held: Held) -> bool:
        """Whether a worker's fence is the one that may write."""
        job = held.job
        return self.jobs.get(job.id) is job and job.state is JobState.RUNNING and job.fence == held.claim.fence

    def _refused(self, held: Held) -> Owned | None:
        """Why a worker may not write, if so."""
        if self.holds(held):
            return None
        job = held.job
        settled_it = self.jobs.get(job.id) is job and job.fence == job.settled_fence == held.claim.fence
        return Owned.REPEATED if settled_it else Owned.FENCED

    def renew(self, held: Held) -> Owned:
        """Prolong the lease of one job."""
        if not self.holds(held):
            return Owned.FENCED
        self.leases[held.job.id] = self.now + LEASE_MS
        return self._heard(held.job)

    def append_events(self, held: Held, batch: Batch) -> Owned:
        """Write what is not written yet; percent never falls within a run."""
        if refused := self._refused(held):
            return refused
        job = held.job
        last = job.last_seq
        for seq, kind, number in batch:
            if seq > last and kind == "progress":
                job.percent = max(job.percent, number)
                self.tell(job, seq, kind, job.percent)
            elif seq > last:
                self.tell(job, seq, kind, number)
        return self._heard(job)

    def put_artifact(self, held: Held, write: str, usage: Usage | None) -> Owned:
        """Store work; what was spent for a write of one name counts once."""
        if refused := self._refused(held):
            return refused
        job = held.job
        job.artifact[f"text:{write}"] = str(held.claim.fence)
        if usage is not None and f"spent:{write}" not in job.artifact:
            job.artifact[f"spent:{write}"] = "1"
            job.usage += usage
        return Owned.OK

    def put_checkpoint(self, held: Held) -> Owned:
        """A head is replaced, a pending write that is there stays."""
        if refused := self._refused(held):
            return refused
        job = held.job
        job.heads["head"] = str(held.claim.fence)
        job.writes.setdefault("write", str(held.claim.fence))
        return Owned.OK

    def finish(self, held: Held, usage: Usage | None) -> Settled:
        """The handler returned a result."""
        if refused := self._refused(held):
            return Settled(refused)
        job = self._spend(held, usage)
        if job.cancel:
            return self._cancel_by_owner(job, held)
        job.percent, job.error, job.result_by = 100.0, "", held.claim.fence
        self.settle(job, JobState.COMPLETED, held.seq, held.claim.fence)
        return Settled.COMPLETED

    def hand_over(self, held: Held, version: int, usage: Usage | None) -> Settled:
        """The handler planned a document."""
        if refused := self._refused(held):
            return Settled(refused)
        job = self._spend(held, usage)
        if job.cancel:
            return self._cancel_by_owner(job, held)
        waits = job.review is Review.WANTED
        self.leave(job)
        self.count_work(job, self.now)
        job.artifact.setdefault(f"outline:{version}", str(held.claim.fence))
        job.heads, job.writes = {}, {}
        job.outline_version, job.attempt, job.worker, job.error = version, 0, "", ""
        self.tell(job, held.seq, "outline_ready", (version, waits))
        if not waits:
            self.to_writing(job, "outline_ready")
            return Settled.HANDED_OVER
        job.state, job.settled_fence = JobState.AWAITING_REVIEW, job.fence
        return Settled.AWAITING_REVIEW

    def fail(self, held: Held, error: str, wait_ms: int | None, usage: Usage | None) -> Settled:
        """The attempt failed: another one follows, or the run ends."""
        if refused := self._refused(held):
            return Settled(refused)
        job = self._spend(held, usage)
        if job.cancel:
            return self._cancel_by_owner(job, held)
        if wait_ms is None or job.attempt >= job.max_attempts:
            self.settle_failed(job, held.seq, error, bury=wait_ms is not None)
            return Settled.FAILED
        self.leave(job)
        self.count_work(job, self.now)
        job.state, job.error, job.worker, job.settled_fence = JobState.SCHEDULED, error, "", job.fence
        job.due = self.delayed[job.id] = self.now + wait_ms
        self.tell(job, held.seq, "retrying", error)
        return Settled.RETRYING

    def release(self, held: Held, usage: Usage | None) -> Settled:
        """The worker shuts down."""
        if refused := self._refused(held):
            return Settled(refused)
        job = self._spend(held, usage)
        if job.cancel:
            return self._cancel_by_owner(job, held)
        self.give_back(job)
        return Settled.RELEASED

    def _heard(self, job: Job) -> Owned:
        return Owned.CANCEL if job.cancel else Owned.OK

    def _spend(self, held: Held, usage: Usage | None) -> Job:
        job = held.job
        job.usage += usage or Usage()
        return job

    def _cancel_by_owner(self, job: Job, held: Held) -> Settled:
        self.settle(job, JobState.CANCELLED, held.seq)
        return Settled.CANCELLED
