"""Workers, queues and dead letters as the API shows them."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field

from shared.contracts.states import JobKind
from shared.contracts.workers import WorkerRecord


class Instruction(StrEnum):
    """What a worker can be told."""

    DRAIN = "drain"
    RESUME = "resume"
    SHUTDOWN = "shutdown"
    RESTART = "restart"


class WorkerView(BaseModel):
    """A worker, as its last heartbeat told."""

    worker_id: str
    kind: JobKind
    host: str
    version: str
    started_at: datetime
    heartbeat_at: datetime
    slots: int = Field(description="Jobs it takes at once")
    running: list[str] = Field(description="Ids of the jobs it holds")
    draining: bool = Field(description="It takes nothing new")


class WorkerList(BaseModel):
    """The workers that live."""

    items: list[WorkerView]


class Instructed(BaseModel):
    """Who was told what."""

    instruction: Instruction
    workers: list[str] = Field(description="Ids of the workers that were told")


class QueueView(BaseModel):
    """Whether workers may take jobs of a kind."""

    kind: JobKind
    paused: bool


class Requeued(BaseModel):
    """What became of dead letters."""

    requeued: int


class Purged(BaseModel):
    """What became of dead letters."""

    purged: int


class Ready(BaseModel):
    """The gateway can serve."""

    status: Literal["ok"] = "ok"


def worker_view(worker: WorkerRecord) -> WorkerView:
    return WorkerView(
        worker_id=worker.id,
        kind=worker.kind,
        host=worker.host,
        version=worker.version,
        started_at=worker.started_at,
        heartbeat_at=worker.heartbeat_at,
        slots=worker.slots,
        running=list(worker.running),
        draining=worker.draining,
    )
