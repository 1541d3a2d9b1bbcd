"""What people do with an outline: change it, and let it be written."""

from dataclasses import dataclass

from shared.contracts.states import JobKind, JobState, Review
from shared.redis.outlines import MOST_VERSIONS, Approved, Put
from tests.support.machine.queues import Job, Queues


@dataclass(slots=True)
class Reviewing(Queues):
    """The outlines of jobs."""

    def approve(self, name: str, version: int | None) -> Approved:
        """Let what was seen be written, or whatever is there."""
        job = self.jobs.get(name)
        if job is None:
            return Approved.UNKNOWN
        if job.state is not JobState.AWAITING_REVIEW:
            return Approved.ALREADY if job.review is Review.APPROVED else Approved(job.state)
        if version not in {None, job.outline_version}:
            return Approved.CHANGED
        job.review = Review.APPROVED
        self.to_writing(job, "approved")
        return Approved.APPROVED

    def put_outline(self, name: str, base: int, change: str) -> Put:
        """A new version, of which only the author and the number are of interest here."""
        job = self.jobs.get(name)
        if job is None:
            return Put.UNKNOWN
        latest = job.outline_version or 1
        if (latest, job.change) == (base + 1, change):
            return Put.REPEATED
        if not self.changeable(job):
            return Put.CLOSED
        if latest != base:
            return Put.CHANGED
        if latest >= MOST_VERSIONS:
            return Put.FULL
        if job.state is JobState.COMPLETED and job.result_by is None:
            return Put.EXPIRED
        job.artifact.setdefault(f"outline:{base}", "as it was")
        job.artifact[f"outline:{base + 1}"] = change
        job.outline_version, job.change = base + 1, change
        if job.state is JobState.AWAITING_REVIEW:
            job.fence += 1
            self.tell(job, 0, "outline_changed", base + 1)
        return Put.OK

    def changeable(self, job: Job) -> bool:
        """Whether its outline waits for a person, or is what it made."""
        ended = (job.kind, job.state) == (JobKind.OUTLINE, JobState.COMPLETED)
        return ended or job.state is JobState.AWAITING_REVIEW

    def to_writing(self, job: Job, reason: str) -> None:
        """From those who plan to those who write."""
        job.phase = JobKind.DOCUMENT
        self.enqueue(job)
        self.queue_without_owner(job, reason)
