"""The record of a job, from hash fields to a value."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from shared.contracts.errors import JobError
from shared.contracts.ids import START, EventId, JobRef
from shared.contracts.jobs import Job, Origin, Progress
from shared.contracts.states import Band, JobKind, JobState, Review
from shared.contracts.usage import Usage


def instant(ms: str) -> datetime | None:
    """Milliseconds since the epoch as a UTC time; None where the field is empty."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC) if ms else None


def to_job(ref: JobRef, fields: Mapping[str, str]) -> Job:
    """The job of a record. Raises KeyError where the hash is none of ours."""
    created_at = instant(fields["created_at"])
    if created_at is None:
        msg = f"job {ref} has no time of creation"
        raise ValueError(msg)
    return Job(
        ref=ref,
        kind=JobKind(fields["kind"]),
        phase=JobKind(fields.get("phase") or fields["kind"]),
        band=Band(fields["band"]),
        entry=fields["entry"],
        state=JobState(fields["state"]),
        run=int(fields["run"]),
        run_fence=int(fields["run_fence"]),
        fence=int(fields["fence"]),
        attempt=int(fields["attempt"]),
        max_attempts=int(fields["max_attempts"]),
        priority=int(fields["priority"]),
        digest=fields["digest"],
        request_id=fields["request_id"],
        metadata=json.loads(fields["metadata"]),
        progress=_progress(fields),
        usage=_usage(fields),
        error=JobError.model_validate_json(fields["error"]) if fields["error"] else None,
        created_at=created_at,
        queued_at=instant(fields["queued_at"]),
        started_at=instant(fields["started_at"]),
        finished_at=instant(fields["finished_at"]),
        not_before=instant(fields["not_before"]),
        result_expires_at=instant(fields.get("result_expires_at", "")),
        worker=fields["worker"] or None,
        trimmed=EventId.parse(fields["trimmed"]) or START,
        outline_version=int(version) if (version := fields.get("outline_version")) else None,
        review=Review(review) if (review := fields.get("review")) else None,
        origin=Origin(*(fields.get(name, "") for name in ("parent", "root", "section", "batch"))),
    )


def _progress(fields: Mapping[str, str]) -> Progress:
    return Progress(
        percent=float(fields["percent"]),
        step=fields["step"],
        message=fields["message"],
        expected_at=instant(fields["eta"]),
    )


def _usage(fields: Mapping[str, str]) -> Usage:
    cost = fields.get("cost_usd")
    return Usage(
        llm_calls=int(fields.get("llm_calls", 0)),
        prompt_tokens=int(fields.get("prompt_tokens", 0)),
        completion_tokens=int(fields.get("completion_tokens", 0)),
        cost_usd=float(cost) if cost else None,
        estimated=fields.get("estimated") == "1",
    )
