"""What those who run the service look at and decide: statistics, workers, queues."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Query

from gateway.dependencies import ServicesDep, prepared
from gateway.http.problems import ValidationFailedError
from gateway.http.views import API, problems
from gateway.operators.problems import WorkerNotFoundError
from gateway.operators.statistics import Statistics, survey
from gateway.operators.views import Instructed, Instruction, QueueView, WorkerList, worker_view
from shared.contracts.states import JobKind
from shared.contracts.workers import Order
from shared.redis.workers import Workers

log = structlog.get_logger()

router = APIRouter(prefix=API, tags=["operators"], dependencies=[Depends(prepared)])


@router.get("/stats", responses=problems())
async def get_stats(service: ServicesDep) -> Statistics:
    """Where jobs stand now, by kind and band, what ended in the last hour, and who works."""
    return await survey(service.store, service.clock.now())


@router.get("/workers", responses=problems(ValidationFailedError))
async def list_workers(service: ServicesDep, kind: Annotated[JobKind | None, Query()] = None) -> WorkerList:
    """The workers that live, oldest first."""
    workers = await service.store.workers.living()
    return WorkerList(items=[worker_view(worker) for worker in workers if kind in {None, worker.kind}])


@router.post("/workers/{instruction}", status_code=202, responses=problems(ValidationFailedError))
async def instruct_workers(
    instruction: Instruction, service: ServicesDep, kind: Annotated[JobKind, Query(description="Whose workers")]
) -> Instructed:
    """Tell all workers of a kind; see the call for one worker."""
    return await _instruct(service.store.workers, kind, instruction)


@router.post(
    "/workers/{worker_id}/{instruction}",
    status_code=202,
    responses=problems(ValidationFailedError, WorkerNotFoundError),
)
async def instruct_worker(
    worker_id: Annotated[str, Path(max_length=300)], instruction: Instruction, service: ServicesDep
) -> Instructed:
    """`drain`: take nothing new and stay; `resume`: take jobs again; `shutdown`: drain and end; `restart`: drain and
    end with a status that asks to be started again. Ending gives running jobs the worker's grace time, then hands them
    to others.
    """
    for worker in await service.store.workers.living():
        if worker.id == worker_id:
            told = await _instruct(service.store.workers, worker.kind, instruction, worker_id)
            if told.workers:
                return told
    raise WorkerNotFoundError(f"No worker of this id lives; GET {API}/workers lists them.")


@router.post("/queues/{kind}/pause", responses=problems(ValidationFailedError))
async def pause_queue(kind: JobKind, service: ServicesDep) -> QueueView:
    """Let no worker take jobs of a kind. What runs goes on; submitting goes on too."""
    await service.store.queues.pause(kind)
    log.info("queue_paused", kind=kind)
    return QueueView(kind=kind, paused=True)


@router.post("/queues/{kind}/resume", responses=problems(ValidationFailedError))
async def resume_queue(kind: JobKind, service: ServicesDep) -> QueueView:
    """Let workers take jobs of a kind again."""
    await service.store.queues.resume(kind)
    log.info("queue_resumed", kind=kind)
    return QueueView(kind=kind, paused=False)


async def _instruct(workers: Workers, kind: JobKind, instruction: Instruction, worker_id: str = "") -> Instructed:
    order = Order.WORK if instruction is Instruction.RESUME else Order(instruction)
    told = await workers.instruct(kind, order, worker_id)
    log.info("workers_instructed", kind=kind, instruction=instruction, workers=told)
    return Instructed(instruction=instruction, workers=told)
