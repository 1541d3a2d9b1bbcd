"""What each script does to the queues and answers: one method a script, in the order of docs/state-machine.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.jobs import Claim
from shared.contracts.states import TERMINAL_STATES, Band, JobKind, JobState
from shared.contracts.usage import Usage
from shared.redis.operations import Standing
from shared.redis.scripts import Cancelled, Owned, Retried, Settled, Submitted
from tests.support.machine.queues import LEASE_MS, Job, Queues


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
class Model(Queues):
    """The scripts, without Redis."""

    def submit(self, new: Job, delay_ms: int) -> Submitted:
        """Accept a job once; with a delay it is scheduled."""
        if known := self.jobs.get(new.id):
            return Submitted.REPLAYED if known.digest == new.digest else Submitted.CONFLICT
        self.jobs[new.id] = new
        self.expired.discard(new.id)
        new.fence = new.run_fence = self.fences.pop(new.id, 0) + 1
        for band in Band:
            self.dead[new.kind, band].discard(new.id)
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
        due = sorted((at, name) for name, at in self.delayed.items() if at <= self.now and self.jobs[name].kind is kind)
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
            (at, name) for name, at in self.leases.items() if at <= self.now and self.jobs[name].kind is kind
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
        elif job.kind not in self.paused:
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

    def reconcile(self, kind: JobKind, worker: str, answered: int) -> int:
        """Give back what fetches after the answered one claimed: their replies were lost."""
        leased = [self.jobs[name] for _, name in sorted((at, name) for name, at in self.leases.items())]
        lost = [
            job
            for job in leased
            if (job.kind, job.state, job.worker) == (kind, JobState.RUNNING, worker) and job.fetch > answered
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

    def standing(self, kind: JobKind, band: Band) -> Standing:
        """How many jobs of a band stand where."""
        found = [job.state for job in self.of(kind) if job.band is band]
        waiting, running, scheduled = JobState.QUEUED, JobState.RUNNING, JobState.SCHEDULED
        return Standing(found.count(waiting), found.count(running), found.count(scheduled), len(self.dead[kind, band]))

    def _heard(self, job: Job) -> Owned:
        return Owned.CANCEL if job.cancel else Owned.OK

    def _spend(self, held: Held, usage: Usage | None) -> Job:
        job = held.job
        job.usage += usage or Usage()
        return job

    def _cancel_by_owner(self, job: Job, held: Held) -> Settled:
        self.settle(job, JobState.CANCELLED, held.seq)
        return Settled.CANCELLED


def _add(places: dict[str, int], name: str, at: int) -> bool:
    """Whether the job did not stand there yet."""
    added = name not in places
    places.setdefault(name, at)
    return added


def _asked_before(job: Job, request_id: str) -> bool:
    return job.run > 1 and job.request_id == request_id
