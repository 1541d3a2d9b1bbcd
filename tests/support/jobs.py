"""Jobs for tests of the Redis layer."""

from dataclasses import replace
from typing import Any

from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.redis.scripts import Submission

_PLAIN = Submission(
    ref=JobRef("job"),
    kind=JobKind.OUTLINE,
    digest="digest",
    priority=5,
    max_attempts=3,
    request_id="request",
    metadata="{}",
    payload=b"{}",
    delay_ms=0,
    not_before_ms=0,
    result_ttl_seconds=3_600,
    record_ttl_seconds=86_400,
    failed_ttl_seconds=604_800,
)


def submission(job_id: str, **changes: Any) -> Submission:
    """A job that may start at once, unless the changes say otherwise."""
    return replace(_PLAIN, ref=JobRef(job_id), **changes)
