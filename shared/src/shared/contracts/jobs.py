"""A job on its way: as a request describes it, as its record holds it, and as a worker claims it.

Records are hashes of strings. ``JobSpec.record`` writes the fields that a request decides, scripts write the others,
and ``Job`` and ``Claim`` read them, all by name. Workers of the version before read the same records: a field never
changes its name or meaning, and one that is new may be missing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Self

from shared.contracts.errors import JobError
from shared.contracts.ids import START, EventId, JobRef
from shared.contracts.states import Band, JobKind, JobState, Review
from shared.contracts.usage import Usage


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the current run has come. ``percent`` never falls within a run."""

    percent: float = 0.0
    step: str = ""
    message: str = ""
    expected_at: datetime | None = None
    """When the job will be done, as estimated with the last progress."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a job goes back to; empty where it stands for itself."""

    parent: str = ""
    """The job whose document it changes."""
    root: str = ""
    """The first document of that line."""
    section: str = ""
    """The section it writes again."""
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long Redis keeps what is left of a settled job, in seconds."""

    result_seconds: int = 3_600
    record_seconds: int = 86_400
    failed_seconds: int = 604_800


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A validated request for a job, ready to be accepted."""

    ref: JobRef
    kind: JobKind
    digest: str
    """Tells whether two requests ask for the same."""
    payload: bytes
    request_id: str
    priority: int
    max_attempts: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    not_before: datetime | None = None
    soft_limit_seconds: float | None = None
    hard_limit_seconds: float | None = None
    """Limits of the time that workers spend on the run; None leaves them to the worker."""
    phase: JobKind | None = None
    """The kind of the workers that take it first; None means those of its own kind."""
    review: bool = False
    """Whether it waits for a person's approval once it is planned."""
    origin: Origin = field(default_factory=Origin)
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    retention: Retention = field(default_factory=Retention)
    work: Mapping[str, bytes] = field(default_factory=dict)
    """Stored work that the job begins with, by field."""

    @property
    def band(self) -> Band:
        return Band.of(self.priority)

    def record(self) -> dict[str, str | int | float]:
        """The fields of the record that the request decides; what it leaves open is left out."""
        given: dict[str, str | int | float | None] = {
            "soft_limit": _milliseconds(self.soft_limit_seconds),
            "hard_limit": _milliseconds(self.hard_limit_seconds),
            "review": Review.WANTED if self.review else None,
            "parent": self.origin.parent or None,
            "root": self.origin.root or None,
            "section": self.origin.section or None,
            "batch": self.origin.batch or None,
            "max_tokens": self.max_tokens,
            "max_cost": self.max_cost_usd,
        }
        return {
            "kind": self.kind,
            "phase": self.phase or self.kind,
            "band": self.band,
            "priority": self.priority,
            "max_attempts": self.max_attempts,
            "request_id": self.request_id,
            "metadata": json.dumps(self.metadata, ensure_ascii=False) if self.metadata else "{}",
            "result_ttl": self.retention.result_seconds,
            "record_ttl": self.retention.record_seconds,
            "failed_ttl": self.retention.failed_seconds,
            **{name: value for name, value in given.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Job:
    """One job's record: the truth about it, as read at one moment."""

    ref: JobRef
    kind: JobKind
    phase: JobKind
    """Which workers have it: a document that is made from a prompt is planned by those of outlines first."""
    band: Band
    state: JobState
    entry: str
    """Its entry in the request stream; empty where it has none."""
    run: int
    run_fence: int
    """The fence at which the current run began: events before it belong to earlier runs."""
    fence: int
    attempt: int
    max_attempts: int
    priority: int
    digest: str
    request_id: str
    metadata: dict[str, str]
    progress: Progress
    usage: Usage
    error: JobError | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    result_expires_at: datetime | None
    worker: str | None
    trimmed: EventId
    """The last event the journal no longer holds; START where it holds all."""
    outline_version: int | None
    """The latest that is stored; None where there is none, or nobody changed it."""
    review: Review | None
    """Whether a person has a say before it is written; None where nobody asked for that."""
    origin: Origin

    @classmethod
    def from_record(cls, ref: JobRef, record: Mapping[str, str]) -> Self:
        """The job of a record. Raises KeyError where the hash is none of ours."""
        created_at = instant(record["created_at"])
        if created_at is None:
            msg = f"job {ref} has no time of creation"
            raise ValueError(msg)
        return cls(
            ref=ref,
            kind=JobKind(record["kind"]),
            phase=JobKind(record.get("phase") or record["kind"]),
            band=Band(record["band"]),
            entry=record["entry"],
            state=JobState(record["state"]),
            run=int(record["run"]),
            run_fence=int(record["run_fence"]),
            fence=int(record["fence"]),
            attempt=int(record["attempt"]),
            max_attempts=int(record["max_attempts"]),
            priority=int(record["priority"]),
            digest=record["digest"],
            request_id=record["request_id"],
            metadata=json.loads(record["metadata"]),
            progress=_progress(record),
            usage=_usage(record),
            error=JobError.model_validate_json(record["error"]) if record["error"] else None,
            created_at=created_at,
            queued_at=instant(record["queued_at"]),
            started_at=instant(record["started_at"]),
            finished_at=instant(record["finished_at"]),
            not_before=instant(record["not_before"]),
            result_expires_at=instant(record.get("result_expires_at", "")),
            worker=record["worker"] or None,
            trimmed=EventId.parse(record["trimmed"]) or START,
            outline_version=int(version) if (version := record.get("outline_version")) else None,
            review=Review(review) if (review := record.get("review")) else None,
            origin=Origin(*(record.get(name, "") for name in ("parent", "root", "section", "batch"))),
        )

    @property
    def duration_seconds(self) -> float | None:
        """From the first start of the run to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job, given by the fetch script to one worker under one fence."""

    FIELDS: ClassVar = (
        "kind", "band", "max_attempts", "run", "request_id", "soft_limit", "hard_limit", "prompt_tokens",
        "completion_tokens", "cost_usd", "max_tokens", "max_cost",
    )  # fmt: skip
    """Fields of the record that a claim is made of, beside those that fetch changes or adds."""
    ref: JobRef
    kind: JobKind
    band: Band
    fence: int
    attempt: int
    max_attempts: int
    run: int
    request_id: str
    waited_seconds: float
    """From becoming runnable to this claim."""
    worked_seconds: float
    """What earlier attempts of this run took; waiting between them does not count."""
    soft_limit_seconds: float | None
    hard_limit_seconds: float | None
    """Of the run's working time; None where the request leaves it to the worker."""
    makes: JobKind
    """What the job comes to in the end; ``kind`` is what its workers make now."""
    spent: Usage = field(default_factory=Usage)
    """By earlier attempts, runs and workers."""
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    on_probation: bool = False
    """Its last attempt, after its workers died in the others: it may be what killed them."""

    @classmethod
    def from_record(cls, ref: JobRef, kind: JobKind, record: Mapping[str, str]) -> Self:
        """The claim that workers of a kind are given: FIELDS of the record, and what fetch changes or adds."""
        return cls(
            ref=ref,
            kind=kind,
            band=Band(record["band"]),
            fence=int(record["fence"]),
            attempt=int(record["attempt"]),
            max_attempts=int(record["max_attempts"]),
            run=int(record["run"]),
            request_id=record["request_id"],
            waited_seconds=int(record["waited"]) / 1000,
            worked_seconds=int(record["worked"]) / 1000,
            soft_limit_seconds=_seconds(record["soft_limit"]),
            hard_limit_seconds=_seconds(record["hard_limit"]),
            makes=JobKind(record["kind"]),
            spent=Usage(
                prompt_tokens=int(record["prompt_tokens"] or 0),
                completion_tokens=int(record["completion_tokens"] or 0),
                cost_usd=float(record["cost_usd"]) if record["cost_usd"] else None,
            ),
            max_tokens=int(tokens) if (tokens := record["max_tokens"]) else None,
            max_cost_usd=float(cost) if (cost := record["max_cost"]) else None,
            on_probation=record["probation"] == "1",
        )


def instant(ms: str) -> datetime | None:
    """Milliseconds since the epoch as a UTC time; None where the field is empty."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC) if ms else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1000))


def _seconds(ms: str) -> float | None:
    return int(ms) / 1000 if ms else None


def _progress(record: Mapping[str, str]) -> Progress:
    return Progress(
        percent=float(record["percent"]),
        step=record["step"],
        message=record["message"],
        expected_at=instant(record["eta"]),
    )


def _usage(record: Mapping[str, str]) -> Usage:
    cost = record.get("cost_usd")
    return Usage(
        llm_calls=int(record.get("llm_calls", 0)),
        prompt_tokens=int(record.get("prompt_tokens", 0)),
        completion_tokens=int(record.get("completion_tokens", 0)),
        cost_usd=float(cost) if cost else None,
        estimated=record.get("estimated") == "1",
    )
