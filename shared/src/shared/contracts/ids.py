"""Identifiers of tenants, jobs and events."""

import re
from dataclasses import dataclass
from typing import NamedTuple, Self

DEFAULT_TENANT = "default"
JOB_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
_EVENT_ID = re.compile(r"(\d{1,15})-(\d{1,15})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobRef:
    """A job's full name: keys and shards are chosen by ``<tenant>/<job_id>``."""

    job_id: str
    tenant: str = DEFAULT_TENANT

    def __str__(self) -> str:
        return f"{self.tenant}/{self.job_id}"

    @classmethod
    def parse(cls, scoped: str) -> Self:
        """Read ``<tenant>/<job_id>``; raises ValueError for anything else."""
        tenant, slash, job_id = scoped.partition("/")
        if not (tenant and slash and job_id):
            msg = f"not a scoped job id: {scoped!r}"
            raise ValueError(msg)
        return cls(job_id=job_id, tenant=tenant)


class EventId(NamedTuple):
    """Position in a job's journal: the writer's fence, then the writer's own count.

    Ids of one job strictly grow: a new owner has a higher fence, one owner counts upward.
    """

    fence: int
    seq: int

    def __str__(self) -> str:
        return f"{self.fence}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``<fence>-<seq>``, or None where the text is no such id."""
        match = _EVENT_ID.match(text)
        return cls(int(match[1]), int(match[2])) if match else None


START = EventId(0, 0)
"""Before the first event of any job."""
