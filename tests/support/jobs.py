"""Jobs for tests of the Redis layer."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.contracts.ids import JobRef
from shared.contracts.jobs import JobSpec
from shared.contracts.states import JobKind

_PLAIN = JobSpec(
    ref=JobRef("job"),
    kind=JobKind.OUTLINE,
    digest="digest",
    priority=5,
    max_attempts=3,
    request_id="request",
    payload=b"{}",
)


def submission(job_id: str, *, not_before_ms: int | None = None, **changes: Any) -> JobSpec:
    """A job that may start at once, unless the changes say otherwise. Times in ms may take the place of seconds."""
    given = {
        name.removesuffix("_ms") + "_seconds" if name.endswith("_ms") else name: value / 1000
        if name.endswith("_ms")
        else value
        for name, value in changes.items()
    }
    due = None if not_before_ms is None else datetime.fromtimestamp(not_before_ms / 1000, UTC)
    return replace(_PLAIN, ref=JobRef(job_id), not_before=due, **given)
