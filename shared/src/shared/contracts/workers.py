"""The workers as a fleet: what each says of itself, and what it can be told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.states import JobKind


class Order(StrEnum):
    """What a worker is told to do."""

    WORK = ""
    """Take jobs, as it does from its start."""
    DRAIN = "drain"
    """Take nothing new and stay, until it is told to work again."""
    SHUTDOWN = "shutdown"
    """Drain, then end."""
    RESTART = "restart"
    """Drain, then end with the status that asks to be started again."""


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """An order, and when it was given by the clock of Redis: a worker follows the newest it has heard of."""

    order: Order = Order.WORK
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker, as its last heartbeat told."""

    id: str
    kind: JobKind
    host: str
    version: str
    started_at: datetime
    heartbeat_at: datetime
    slots: int
    """Jobs it takes at once."""
    running: tuple[str, ...]
    """Ids of the jobs it holds."""
    draining: bool
    """It takes nothing new."""
