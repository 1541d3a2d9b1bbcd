"""Changing an outline that is there, and letting it be written: one typed function for each script."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.ids import JobRef
from shared.redis.commands import Approve, PutOutline
from shared.redis.runner import ScriptRunner

MOST_VERSIONS = 200
MOST_BYTES = 16 * 1024 * 1024
"""Of all versions that people make of one outline: each is kept whole."""


class Put(StrEnum):
    """Answer of put_outline."""

    OK = "ok"
    REPEATED = "repeated"
    CHANGED = "changed"
    FULL = "full"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CLOSED = "closed"


class Approved(StrEnum):
    """Answer of approve: done, or why not; a state is that of a job that waits for nobody."""

    APPROVED = "approved"
    ALREADY = "already"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OutlineChange:
    """From one version of an outline to the next."""

    base: int
    """The version that is changed."""
    before: bytes
    """That version as it is stored (JSON); stored where it is not yet."""
    after: bytes
    """The new one, the same way."""
    digest: str
    """Tells this change from others of the same version."""
    event: bytes
    """Data of the event (JSON)."""


class Outlines:
    """Commands on outlines; all may be repeated. Raise UnconfirmedError as ``Jobs.submit`` does."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner

    async def put(self, ref: JobRef, change: OutlineChange) -> Put:
        """Store the next version, unless somebody else made one meanwhile."""
        command = PutOutline(
            id=str(ref),
            base=change.base,
            changed=change.after,
            unchanged=change.before,
            digest=change.digest,
            event=change.event,
            most_versions=MOST_VERSIONS,
            most_bytes=MOST_BYTES,
        )
        return Put(await self._runner.asked(ref, command))

    async def approve(self, ref: JobRef, version: int | None) -> Approved:
        """Let a planned document be written: what was seen, or whichever is the latest."""
        return Approved(await self._runner.asked(ref, Approve(id=str(ref), seen=version)))
