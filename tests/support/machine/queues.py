"""Where jobs stand: the data of the model, and the steps its commands share."""

import re
from collections import Counter
from dataclasses import dataclass, field

from shared.contracts.states import TERMINAL_STATES, Band, JobKind, JobState, Review
from shared.contracts.usage import Usage

HOUR_MS = 3_600_000
LEASE_MS = 10 * HOUR_MS
RESULT_TTL, RECORD_TTL, FAILED_TTL = 3_600, 86_400, 604_800
Event = tuple[str, str, object]
"""Id, type, and what is worth comparing of its data."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What a client asks for."""

    kind: JobKind
    planned: bool = False
    """A document from a prompt: outline workers plan it first."""
    review: bool = False
    """A person has a say in between."""

    @property
    def phase(self) -> JobKind:
        """The workers that take it first."""
        return JobKind.OUTLINE if self.planned else self.kind


OUTLINE, DOCUMENT = Sort(JobKind.OUTLINE), Sort(JobKind.DOCUMENT)
PLANNED = Sort(JobKind.DOCUMENT, planned=True)
REVIEWED = Sort(JobKind.DOCUMENT, planned=True, review=True)


@dataclass(eq=False, slots=True)
class Entry:
    """An entry of a request stream, equal to itself only."""

    job: str
    delivered: bool = False
    """It was read by a fetch since the consumer group was made, and is pending."""


@dataclass(eq=False, slots=True)
class Job:
    """A job as the record, the journal and the stored work tell of it."""

    id: str
    sort: Sort
    band: Band
    max_attempts: int
    digest: str
    request_id: str
    state: JobState
    phase: JobKind = field(init=False)
    review: Review | None = field(init=False)
    outline_version: int | None = None
    change: str = ""
    """The last change of its outline, as its author named it."""
    run: int = 1
    run_fence: int = 1
    fence: int = 1
    settled_fence: int | None = None
    attempt: int = 0
    cancel: bool = False
    entry: Entry | None = None
    due: int = 0
    worker: str = ""
    fetch: int = 0
    claimed_at: int = 0
    worked: int = 0
    """What the attempts of this run took, but for the present one, ms."""
    percent: float = 0.0
    usage: Usage = field(default_factory=Usage)
    error: str = ""
    journal: list[Event] = field(default_factory=list)
    artifact: dict[str, str] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    writes: dict[str, str] = field(default_factory=dict)
    result_by: int | None = None
    """The fence whose result is stored."""
    payload: bool = True
    damaged: bool = False
    """A key of its queue was taken away by hand, and no sweep came by yet."""

    def __post_init__(self) -> None:
        self.phase = self.sort.phase
        self.review = Review.WANTED if self.sort.review else None

    @property
    def kind(self) -> JobKind:
        """What it makes."""
        return self.sort.kind

    @property
    def planning(self) -> bool:
        """Whether those who have it now hand it over to others."""
        return self.phase is not self.kind

    @property
    def queue(self) -> tuple[JobKind, Band]:
        """Where it waits, and where it is buried."""
        return self.phase, self.band

    @property
    def last_seq(self) -> int:
        """The number of the newest event under the present fence."""
        fence, seq = re.findall(r"\d+", self.journal[-1][0])
        return int(seq) if int(fence) == self.fence else 0

    def ttls(self) -> dict[str, int]:
        """Of each key of the job, by family; -1 where it has none."""
        families = {
            "job": True,
            "events": True,
            "payload": self.payload,
            "artifact": bool(self.artifact),
            "checkpoint:heads": bool(self.heads),
            "checkpoint:writes": bool(self.writes),
            "job_result": self.result_by is not None,
        }
        record = {JobState.FAILED: FAILED_TTL}.get(self.state, RECORD_TTL)
        work = RESULT_TTL if self.state is JobState.COMPLETED else record
        live = self.state not in TERMINAL_STATES
        return {
            family: -1 if live else record if family in {"job", "events"} else work
            for family, there in families.items()
            if there
        }


@dataclass(slots=True)
class Queues:
    """Everything that stands somewhere. Times are ms on a clock that only the machine moves."""

    now: int = 1
    jobs: dict[str, Job] = field(default_factory=dict)
    """By id, oldest first."""
    fences: dict[str, int] = field(default_factory=dict)
    """The fences of purged jobs, above which a new job of the same id begins."""
    expired: set[str] = field(default_factory=set)
    """Ids that index and dead may still name although the record is gone."""
    streams: dict[tuple[JobKind, Band], list[Entry]] = field(
        default_factory=lambda: {(kind, band): [] for kind in JobKind for band in Band}
    )
    leases: dict[str, int] = field(default_factory=dict)
    delayed: dict[str, int] = field(default_factory=dict)
    dead: dict[tuple[JobKind, Band], set[str]] = field(
        default_factory=lambda: {(kind, band): set() for kind in JobKind for band in Band}
    )
    paused: set[JobKind] = field(default_factory=set)
    feed: list[tuple[str, Event]] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    """How many runs ended how."""

    def of(self, kind: JobKind, *states: JobState) -> list[Job]:
        """The jobs that the workers of a kind have now, oldest first, in some states if any are named."""
        return [job for job in self.jobs.values() if job.phase is kind and (not states or job.state in states)]

    def sound(self, kind: JobKind) -> bool:
        """Whether every entry of the kind's streams was made by a script, and none was taken away."""
        entries = [entry for band in Band for entry in self.streams[kind, band]]
        own = [job.entry for job in self.of(kind)]
        return all(entry in own for entry in entries) and not any(job.damaged for job in self.of(kind))

    def buried(self, job: Job) -> bool:
        """Whether the job is a dead letter."""
        return job.state is JobState.FAILED and job.id in self.dead[job.queue]

    def stands(self, job: Job) -> bool:
        """Whether the job's entry is in its stream."""
        return job.entry in self.streams[job.queue]

    def tell(self, job: Job, seq: int, kind: str, detail: object = None) -> None:
        """Write an event under the present fence."""
        event = (f"{job.fence}-{seq}", kind, detail)
        job.journal.append(event)
        self.feed.append((job.id, event))

    def enqueue(self, job: Job) -> None:
        """A new entry at the end of the job's stream."""
        job.entry = Entry(job.id)
        self.streams[job.queue].append(job.entry)

    def leave(self, job: Job) -> None:
        """Out of the stream, the lease and the schedule."""
        if job.entry is not None and self.stands(job):
            self.streams[job.queue].remove(job.entry)
        job.entry = None
        job.damaged = False
        self.leases.pop(job.id, None)
        self.delayed.pop(job.id, None)

    def queue_without_owner(self, job: Job, reason: str) -> None:
        """The job waits for a worker, under a fence that nobody holds."""
        job.fence += 1
        job.state = JobState.QUEUED
        self.tell(job, 0, "queued", reason)

    def give_back(self, job: Job) -> None:
        """Unharmed: the attempt does not count, the entry stays, the lease ends now."""
        job.attempt -= 1
        job.worker = ""
        self.count_work(job, self.now)
        self.leases[job.id] = self.now
        self.queue_without_owner(job, "released")

    def count_work(self, job: Job, until: int) -> None:
        """The present attempt took until then, or no time if the clock was set back."""
        job.worked += max(0, until - job.claimed_at)

    def settle(self, job: Job, state: JobState, seq: int, detail: object = None) -> None:
        """The end of a run."""
        self.leave(job)
        job.state = state
        job.settled_fence = job.fence
        job.cancel = False
        self.ended[f"{job.phase}:{job.band}:{state}"] += 1
        self.tell(job, seq, state, detail)

    def settle_failed(self, job: Job, seq: int, error: str, *, bury: bool) -> None:
        """The end of a run by an error; out of attempts it is a dead letter."""
        job.error = error
        if bury:
            self.dead[job.queue].add(job.id)
        self.settle(job, JobState.FAILED, seq, error)

    def run_again(self, job: Job, request_id: str) -> None:
        """A new run, from what is stored."""
        self.dead[job.queue].discard(job.id)
        job.run += 1
        job.run_fence = job.fence + 1
        job.settled_fence, job.attempt, job.worked, job.percent, job.worker, job.error = None, 0, 0, 0.0, "", ""
        job.request_id = request_id
        self.enqueue(job)
        self.queue_without_owner(job, "retried")
