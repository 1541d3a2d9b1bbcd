"""What the scripts that name no fence do to the queues and answer, one method a script."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.states import TERMINAL_STATES, Band, JobKind, JobState
from shared.redis.jobs import Cancelled, Retried, Submitted
from shared.redis.queues import Counts
from tests.support.machine.owners import Owners
from tests.support.machine.queues import LEASE_MS, Job


@dataclass(slots=True)
class Model(Owners):
    """The scripts, without Redis."""

    def submit(self, new: Job, delay_ms: int) -> Submitted:
        """Accept a job once; with a delay it is scheduled."""
        if known := self.jobs.get(new.id):
            return Submitted.REPLAYED if known.digest == new.digest else Submitted.CONFLICT
        self.jobs[new.id] = new
        self.expired.discard(new.id)
        new.fence = new.run_fence = self.fences.pop(new.id, 0) + 1
        for dead in self.dead.values():
            dead.discard(new.id)
        if delay_ms > 0:
            new.state = JobState.SCHEDULED
            new.due = self.delayed[new.id] = self.now + delay_ms
            self.tell(new, 0, "scheduled")
        else:
            self.enqueue(new)
            self.tell(new, 0, "queued", "submitted")
        return Submitted.CREATED

    def promote(self, kind: JobKind) -> int:
        """Queue what is due."""
        due = sorted(
            (at, name) for name, at in self.delayed.items() if at <= self.now and self.jobs[name].phase is kind
        )
        for _, name in due:
            del self.delayed[name]
            self.enqueue(self.jobs[name])
            self.queue_without_owner(self.jobs[name], "due")
        return len(due)

    def fetch(
        self, kind: JobKind, worker: str, number: int, count: int, bands: Sequence[Band], *, suspects: bool
    ) -> list[Job]:
        """Claim: first the jobs whose lease has ended, then new entries, band by band."""
        paused, claims = kind in self.paused, list[Job]()
        ended = sorted(
            (at, name) for name, at in self.leases.items() if at <= self.now and self.jobs[name].phase is kind
        )
        for _, name in ended:
            if len(claims) >= count and not paused:
                break
            suspect = self._suspect(self.jobs[name])
            took = self._take(self.jobs[name], worker, number) if suspects or not suspect else []
            suspects = suspects and not (took and suspect)
            claims += took
        for stream in [] if paused else [self.streams[kind, band] for band in bands]:
            while fresh := [entry for entry in stream if not entry.delivered][: count - len(claims)]:
                for entry in fresh:
                    entry.delivered = True
                    job = self.jobs.get(entry.job)
                    if job is None or job.entry is not entry:
                        stream.remove(entry)
                    elif job.state is JobState.QUEUED:
                        claims += self._take(job, worker, number)
        return claims

    def _suspect(self, job: Job) -> bool:
        """Whether it is in its last attempt after workers died with it."""
        ends = job.cancel or job.attempt >= job.max_attempts
        return job.state is JobState.RUNNING and 0 < job.attempt == job.max_attempts - 1 and not ends

    def _take(self, job: Job, worker: str, number: int) -> list[Job]:
        """Settle what may not run any more, and claim what may."""
        if job.cancel:
            job.fence += 1
            self.settle(job, JobState.CANCELLED, 0)
        elif job.attempt >= job.max_attempts:
            job.fence += 1
            self.settle_failed(job, 0, "worker_lost", bury=True)
        elif job.phase not in self.paused:
            self._claim(job, worker, number)
            return [job]
        return []

    def _claim(self, job: Job, worker: str, number: int) -> None:
        if job.state is JobState.RUNNING:
            self.count_work(job, min(self.now, self.leases[job.id]))
        job.claimed_at = self.now
        job.fence += 1
        job.attempt += 1
        job.state, job.worker, job.fetch = JobState.RUNNING, worker, number
        self.leases[job.id] = self.now + LEASE_MS
        self.tell(job, 0, "started", (job.attempt, worker))

    def reconcile(self, kind: JobKind, worker: str, answered: int) -> int:
        """Give back what fetches after the answered one claimed: their replies were lost."""
        leased = [self.jobs[name] for _, name in sorted((at, name) for name, at in self.leases.items())]
        lost = [
            job
            for job in leased
            if (job.phase, job.state, job.worker) == (kind, JobState.RUNNING, worker) and job.fetch > answered
        ]
        for job in lost:
            self.give_back(job)
        return len(lost)

    def cancel(self, name: str) -> Cancelled:
        """A waiting job ends at once; the owner of a running one is asked to end it."""
        job = self.jobs.get(name)
        if job is None:
            return Cancelled.UNKNOWN
        if job.state in TERMINAL_STATES:
            return Cancelled(job.state)
        if job.state is JobState.RUNNING:
            job.cancel = True
            return Cancelled.ASKED
        job.fence += 1
        self.settle(job, JobState.CANCELLED, 0)
        return Cancelled.CANCELLED

    def retry(self, name: str, request_id: str) -> Retried:
        """A new run of a job that failed or was cancelled."""
        job = self.jobs.get(name)
        if job is None:
            return Retried.UNKNOWN
        if job.state not in {JobState.FAILED, JobState.CANCELLED}:
            return Retried.RETRIED if _asked_before(job, request_id) else Retried(job.state)
        self.run_again(job, request_id)
        return Retried.RETRIED

    def requeue(self, name: str, request_id: str) -> bool:
        """A new run of a dead letter."""
        job = self.jobs.get(name)
        if job is None or not self.buried(job):
            return job is not None and job.state not in TERMINAL_STATES and _asked_before(job, request_id)
        self.run_again(job, request_id)
        return True

    def purge(self, name: str) -> bool:
        """Forget a dead letter but for its fence."""
        job = self.jobs.get(name)
        if job is None or not self.buried(job):
            return False
        self.dead[job.queue].discard(name)
        self.fences[name] = self.jobs.pop(name).fence
        return True

    def expire(self, job: Job) -> None:
        """The record of a settled job reached its TTL, and all else with it or before."""
        del self.jobs[job.id]
        self.expired.add(job.id)

    def expire_work(self, job: Job) -> None:
        """The result of a completed job reached its TTL, and all that was stored for it."""
        job.payload, job.result_by = False, None
        job.artifact, job.heads, job.writes = {}, {}, {}

    def sweep(self, kind: JobKind) -> int:
        """Forget what has expired, and put back what stands nowhere; returns how many places were taken again."""
        restored = 0
        for job in self.of(kind):
            job.damaged = False
            if job.state is JobState.SCHEDULED:
                restored += _add(self.delayed, job.id, job.due)
            elif job.entry is not None:
                if not self.stands(job):
                    self.enqueue(job)
                    restored += 1
                if job.state is JobState.RUNNING:
                    restored += _add(self.leases, job.id, self.now + LEASE_MS)
                elif job.entry.delivered:
                    restored += _add(self.leases, job.id, self.now)
        self.expired.clear()
        for band in Band:
            self.dead[kind, band] -= self.gone(kind, band)
        return restored

    def gone(self, kind: JobKind, band: Band) -> set[str]:
        """Of the dead letters those whose job has expired, though a new one may have its id."""
        return self.dead[kind, band] - {job.id for job in self.of(kind, JobState.FAILED)}

    def standing(self, kind: JobKind, band: Band) -> Counts:
        """How many jobs of a band stand where."""
        found = [job.state for job in self.of(kind) if job.band is band]
        states = (JobState.QUEUED, JobState.RUNNING, JobState.SCHEDULED, JobState.AWAITING_REVIEW)
        waiting, running, scheduled, awaiting = (found.count(state) for state in states)
        return Counts(waiting, running, scheduled, awaiting, len(self.dead[kind, band]))


def _add(places: dict[str, int], name: str, at: int) -> bool:
    """Whether the job did not stand there yet."""
    added = name not in places
    places.setdefault(name, at)
    return added


def _asked_before(job: Job, request_id: str) -> bool:
    return job.run > 1 and job.request_id == request_id
