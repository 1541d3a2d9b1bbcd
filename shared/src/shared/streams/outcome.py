"""How an attempt ended: a closed set of values, each settled in one way."""

from dataclasses import dataclass

from shared.contracts.errors import JobError


@dataclass(frozen=True, slots=True)
class Done:
    """The handler returned its result (JSON object without usage)."""

    result: bytes


@dataclass(frozen=True, slots=True)
class HandOver:
    """The handler planned a document that others write."""

    version: int
    stored: bytes
    """That version of the outline as it is kept (JSON)."""
    outline: bytes
    """The outline alone (JSON)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The attempt failed for a reason that may pass; after the last attempt the job is a dead letter."""

    error: JobError
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """Another attempt would end the same way."""

    error: JobError


@dataclass(frozen=True, slots=True)
class Release:
    """Stopped from outside while the lease was held: given back, or cancelled where that was asked for."""


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Somebody else owns the job, or may: nothing may be written."""


Outcome = Done | HandOver | Retry | Fail | Release | LeaseLost
