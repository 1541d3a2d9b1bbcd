"""Dead letters: jobs that used up their attempts, kept for an operator to look at, begin again or forget."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Response

from gateway.dependencies import JobRefDep, RequestIdDep, ServicesDep, only_kind, prepared
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.problems import DurabilityUnconfirmedError, JobNotFoundError, ProblemError, ValidationFailedError
from gateway.http.routing import CursorDep, LimitDep
from gateway.http.views import API, JobList, JobView, problems
from gateway.operators.problems import DeadLetterNotFoundError
from gateway.operators.views import Purged, Requeued
from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.redis.lists import Lists

log = structlog.get_logger()

MOST_AT_ONCE = 10_000
router = APIRouter(prefix=f"{API}/dead-letters", tags=["operators"], dependencies=[Depends(prepared)])
KindDep = Annotated[
    JobKind | None,
    Query(
        description="Only those that workers of this kind had: documents that failed in planning are under `outline`"
    ),
]


@router.get("", responses=problems(ValidationFailedError))
async def list_dead_letters(
    service: ServicesDep, kind: KindDep = None, cursor: CursorDep = None, limit: LimitDep = 50
) -> JobList:
    """Dead letters by the time they failed, newest first; `error` says why."""
    page = await service.lists.dead_letters(_kinds(kind), read_cursor(cursor), limit)
    return JobList(items=await service.views.show_all(page.jobs), next_cursor=write_cursor(page.following))


@router.post(
    "/requeue", responses=problems(ValidationFailedError, DurabilityUnconfirmedError), dependencies=[Depends(only_kind)]
)
async def requeue_dead_letters(service: ServicesDep, request_id: RequestIdDep, kind: KindDep = None) -> Requeued:
    """Begin all dead letters again, the oldest first, at most 10,000 a call: a new run of each, from its checkpoint."""

    async def begin(ref: JobRef) -> bool:
        return await service.store.jobs.requeue(ref, request_id)

    done = await _for_each(service.store.lists, kind, begin)
    log.info("dead_letters_requeued", jobs=done)
    return Requeued(requeued=done)


@router.delete("", responses=problems(ValidationFailedError), dependencies=[Depends(only_kind)])
async def purge_dead_letters(service: ServicesDep, kind: KindDep = None) -> Purged:
    """Forget all dead letters with everything of their jobs, at most 10,000 a call."""
    done = await _for_each(service.store.lists, kind, service.store.jobs.purge)
    log.info("dead_letters_purged", jobs=done)
    return Purged(purged=done)


@router.post(
    "/{job_id}/requeue",
    status_code=202,
    responses=problems(JobNotFoundError, DeadLetterNotFoundError, DurabilityUnconfirmedError),
)
async def requeue_dead_letter(ref: JobRefDep, service: ServicesDep, request_id: RequestIdDep) -> JobView:
    """Begin a dead letter again: a new run, from its checkpoint, with its attempts counted afresh."""
    job = await service.store.jobs.get(ref)
    if job is None or not await service.store.jobs.requeue(ref, request_id):
        raise _not_found(ref)
    current = await service.store.jobs.get(ref)
    return await service.views.show(current or job)


@router.delete("/{job_id}", status_code=204, responses=problems(JobNotFoundError, DeadLetterNotFoundError))
async def purge_dead_letter(ref: JobRefDep, service: ServicesDep) -> Response:
    """Forget a dead letter with everything of its job."""
    job = await service.store.jobs.get(ref)
    if job is None or not await service.store.jobs.purge(ref):
        raise _not_found(ref)
    return Response(status_code=204)


def _kinds(kind: JobKind | None) -> list[JobKind]:
    return list(JobKind) if kind is None else [kind]


async def _for_each(lists: Lists, kind: JobKind | None, act: Callable[[JobRef], Awaitable[bool]]) -> int:
    letters = await lists.oldest_dead_letters(_kinds(kind), MOST_AT_ONCE)
    return sum([await act(place.ref) for place in letters])


def _not_found(ref: JobRef) -> ProblemError:
    return DeadLetterNotFoundError(f"{ref.job_id} is no dead letter; GET {API}/dead-letters lists them.")
