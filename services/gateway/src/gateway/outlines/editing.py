"""Changing a job's outline: a compare-and-set of its version."""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request

from gateway.dependencies import ServicesDep, read_body
from gateway.http.errors import invalid
from gateway.http.problems import ProblemError, ValidationFailedError
from gateway.outlines.problems import OutlineExpiredError, OutlineNotEditableError, TooManyVersionsError
from gateway.outlines.versions import again, editable, gone, outline_changed, outline_of, planned
from gateway.parts.admission import Admission
from gateway.parts.stored_outlines import StoredOutlines, latest_version
from shared.contracts.events import OutlineChanged
from shared.contracts.jobs import Job
from shared.contracts.outline_edits import EditError, OutlinePatch, apply
from shared.contracts.outline_versions import OutlineVersion, difference
from shared.contracts.states import JobState, Review
from shared.lifecycle.clock import Clock
from shared.redis.outlines import MOST_BYTES, MOST_VERSIONS, OutlineChange, Put
from shared.redis.store import Store

log = structlog.get_logger()

WHICHEVER_TRIES = 5
"""Of a change to whichever version is the latest, while others change it too."""
_OPERATION = re.compile(r"^(/operations/\d+)/[a-z_]+")


@dataclass(frozen=True, slots=True)
class Changed:
    """The outline after a change; ``replayed`` where the same request had made it before."""

    version: OutlineVersion
    replayed: bool = False


async def read_patch(request: Request) -> OutlinePatch:
    """The body of a change; raises ProblemError 400, 415 or 422."""
    try:
        return await read_body(request, OutlinePatch)
    except ValidationFailedError as problem:
        # Pydantic names the kind of an operation in the place of a fault, as if it were a field.
        faults = [{**fault, "pointer": _OPERATION.sub(r"\1", fault["pointer"])} for fault in problem.errors]
        detail = _OPERATION.sub(r"\1", problem.detail)
        raise ValidationFailedError(detail, errors=faults) from problem


class Editor:
    """Changes outlines."""

    def __init__(self, store: Store, outlines: StoredOutlines, admission: Admission, clock: Clock) -> None:
        self._store = store
        self._outlines = outlines
        self._admission = admission
        self._clock = clock

    async def change(self, job: Job, patch: OutlinePatch, named: frozenset[int] | None) -> Changed:
        """Carry out a change of one of the versions named, or, where ``named`` is None, of whichever is the latest.

        Raises ProblemError 404, 409, 410, 412, 422 or 503.
        """
        for _ in range(WHICHEVER_TRIES if named is None else 1):
            if not editable(job) and not _may_be_made(job, named):
                raise _not_editable(job)
            done = await self._change_once(job, patch, _base(job, named))
            if done is not None:
                return done
            job = await again(self._store.jobs, job)
        raise outline_changed(job)

    async def _change_once(self, job: Job, patch: OutlinePatch, base: int) -> Changed | None:
        """The change, or None where there is a later version."""
        before = await outline_of(self._outlines, job, base)
        after = self._edited(before, patch)
        if after.outline == before.outline:
            return Changed(before) if base == latest_version(job) else None
        made = _change(before, after, patch)
        self._admission.check(len(made.before) + len(made.after))
        answer = await self._store.outlines.put(job.ref, made)
        match answer:
            case Put.OK:
                log.info("outline_changed", version=after.version, operations=len(patch.operations))
                return Changed(after)
            case Put.REPEATED:
                return Changed(
                    await outline_of(self._outlines, await again(self._store.jobs, job), after.version), replayed=True
                )
            case Put.CHANGED:
                return None
            case _:
                raise await self._refused(job, answer)

    def _edited(self, before: OutlineVersion, patch: OutlinePatch) -> OutlineVersion:
        version = before.version + 1
        try:
            outline = apply(before.outline, patch.operations, version)
        except EditError as error:
            place = "/operations" if error.position is None else f"/operations/{error.position}/{error.field}"
            fault = {"pointer": place, "message": error.message}
            raise invalid([fault]) from error
        return OutlineVersion(
            version=version,
            author=patch.author,
            created_at=self._clock.now(),
            message=patch.message,
            outline=outline,
            diff=difference(before.outline, outline),
        )

    async def _refused(self, job: Job, answer: Put) -> ProblemError:
        match answer:
            case Put.FULL:
                detail = (
                    f"{MOST_VERSIONS} versions of {MOST_BYTES >> 20} MiB in all are kept and none is dropped; "
                    "send the outline with a new document job."
                )
                return TooManyVersionsError(detail)
            case Put.EXPIRED:
                return OutlineExpiredError()
            case Put.CLOSED:
                return _not_editable(await again(self._store.jobs, job))
            case _:
                return gone(job)


async def editor(service: ServicesDep) -> Editor:
    """The editor, for a route."""
    return Editor(service.store, service.outlines, service.admission, service.clock)


EditorDep = Annotated[Editor, Depends(editor)]


def _may_be_made(job: Job, named: frozenset[int] | None) -> bool:
    """Whether the change may be the one that led to the latest version, sent again since its answer was lost."""
    return named is not None and job.outline_version is not None and latest_version(job) - 1 in named


def _base(job: Job, named: frozenset[int] | None) -> int:
    """The version to change. The one before the latest is let through: the change may be what led to the latest."""
    latest = latest_version(job)
    if named is None or latest in named:
        return latest
    if latest - 1 in named:
        return latest - 1
    raise outline_changed(job, named)


def _change(before: OutlineVersion, after: OutlineVersion, patch: OutlinePatch) -> OutlineChange:
    event = OutlineChanged(version=after.version, author=after.author)
    return OutlineChange(
        base=before.version,
        before=before.model_dump_json().encode(),
        after=after.model_dump_json().encode(),
        digest=hashlib.sha256(patch.model_dump_json().encode()).hexdigest(),
        event=event.model_dump_json(exclude_unset=True).encode(),
    )


def _not_editable(job: Job) -> ProblemError:
    match job.state:
        case JobState.COMPLETED:
            what = "the document is written: write one section again, or send the changed outline with a new job"
        case JobState.CANCELLED | JobState.FAILED if job.review is Review.WANTED:
            what = f"the job is {job.state}: after a retry it waits for you again"
        case JobState.CANCELLED | JobState.FAILED:
            what = f"the job is {job.state}: send the changed outline with a new document job"
        case _ if planned(job):
            what = f"the job is {job.state} with this outline: cancel it and send the changed one with a new job"
        case _:
            what = f"the job is {job.state} and has none yet: follow its events"
    return OutlineNotEditableError(f"The outline cannot be changed, since {what}.")
