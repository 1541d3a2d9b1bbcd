"""A job's outline for its readers, and the word that lets it be written."""

import re

import structlog

from gateway.http.problems import JobNotFoundError, ProblemError
from gateway.outlines.problems import (
    NotAwaitingReviewError,
    OutlineChangedError,
    OutlineExpiredError,
    OutlineNotFoundError,
    OutlineNotReadyError,
    VersionNotFoundError,
)
from gateway.parts.stored_outlines import StoredOutlines, latest_version
from shared.contracts.jobs import Job
from shared.contracts.outline_versions import OutlineVersion, VersionEntry
from shared.contracts.states import JobKind, JobState, Review
from shared.redis.jobs import Jobs
from shared.redis.outlines import Approved
from shared.redis.store import Store

log = structlog.get_logger()

OUTLINE_PROBLEMS = (OutlineNotFoundError, OutlineNotReadyError, OutlineExpiredError)
"""What ``outline_of`` the latest version and ``history_of`` raise."""
_TAG = re.compile(r'"([1-9]\d{0,8})"\Z', re.ASCII)


def etag(version: int) -> str:
    return f'"{version}"'


def named_versions(if_match: str | None) -> frozenset[int] | None:
    """The versions that ``If-Match`` names, None for whichever there is; tags that are none of ours match nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    return frozenset(int(match[1]) for tag in if_match.split(",") if (match := _TAG.match(tag.strip())))


def editable(job: Job) -> bool:
    """Whether the outline is for people to change."""
    made = job.kind is JobKind.OUTLINE and job.state is JobState.COMPLETED
    return made or job.state is JobState.AWAITING_REVIEW


async def outline_of(outlines: StoredOutlines, job: Job, version: int | None = None) -> OutlineVersion:
    """A version of the job's outline, the latest by default; raises ProblemError 404, 409 or 410."""
    _refuse_unplanned(job)
    latest = latest_version(job)
    if version is not None and version > latest:
        raise VersionNotFoundError(f"The outline has the versions 1 to {latest}.")
    found = await outlines.version(job, version or latest)
    if found is None:
        raise OutlineExpiredError
    return found


async def history_of(outlines: StoredOutlines, job: Job) -> list[VersionEntry]:
    """All versions of the job's outline, the first one first; raises ProblemError as ``outline_of``."""
    _refuse_unplanned(job)
    entries = await outlines.history(job)
    if not entries:
        raise OutlineExpiredError
    return entries


def _refuse_unplanned(job: Job) -> None:
    if job.origin.section:
        detail = f"Job {job.ref.job_id} writes one section of {job.origin.parent} again and has no outline of its own."
        raise OutlineNotFoundError(detail)
    if not planned(job):
        waits = f"Job {job.ref.job_id} is {job.state} and has no outline"
        detail = f"{waits}." if job.state.terminal else f"{waits} yet; follow its events, then ask again."
        raise OutlineNotReadyError(detail)


def planned(job: Job) -> bool:
    if job.kind is JobKind.OUTLINE:
        return job.state is JobState.COMPLETED
    return job.phase is JobKind.DOCUMENT or job.outline_version is not None


async def approve(store: Store, job: Job, named: frozenset[int] | None) -> Approved:
    """Let the document be written from one of the versions named, or from whichever is the latest.

    Raises ProblemError 404, 409 or 412.
    """
    seen = None if named is None else _seen(job, named)
    answer = await store.outlines.approve(job.ref, seen)
    log.info("job_approve", answer=answer, version=seen)
    match answer:
        case Approved.APPROVED | Approved.ALREADY:
            return answer
        case Approved.CHANGED:
            raise outline_changed(await again(store.jobs, job))
        case Approved.UNKNOWN:
            raise gone(job)
        case _:
            detail = f"The job is {answer}; only one that waits for review can be approved."
            raise NotAwaitingReviewError(detail)


def _seen(job: Job, named: frozenset[int]) -> int:
    """Of the versions named the one that is the latest; after an approval what it was given to."""
    latest = latest_version(job)
    if latest not in named and (job.state is JobState.AWAITING_REVIEW or job.review is Review.APPROVED):
        raise outline_changed(job, named)
    return latest


async def again(jobs: Jobs, job: Job) -> Job:
    """The job as it is by now."""
    current = await jobs.get(job.ref)
    if current is None:
        raise gone(job)
    return current


def gone(job: Job) -> ProblemError:
    return JobNotFoundError(f"No job {job.ref.job_id}, or its record has expired.")


def outline_changed(job: Job, named: frozenset[int] | None = None) -> ProblemError:
    """Somebody was faster, or the client names no version at all: with what it needs to go on."""
    latest = latest_version(job)
    detail = (
        f"The outline is in version {latest} by now. This request has changed nothing: read that "
        f"version and what is new in it, and send your operations again with its ETag if they still fit."
    )
    if named is not None and not named:
        detail = f"If-Match names no version; the latest is {etag(latest)}, with the quotes and without W/."
    return OutlineChangedError(detail, headers={"ETag": etag(latest)}, extra={"version": latest})
