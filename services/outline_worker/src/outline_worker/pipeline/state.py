"""What flows through the graph, and what its nodes are given."""

from dataclasses import dataclass
from typing import TypedDict

from outline_worker.ports import Desk, Model
from shared.contracts.commands import OutlinePayload
from shared.contracts.events import ProgressData
from shared.contracts.ids import JobRef

LEDGER = "ledger"
"""Stored work: the evidence."""
RESULT = "result"
"""Stored work: the finished outline."""


class OutlineState(TypedDict, total=False):
    """Checkpointed after each node: small values only, the evidence is stored work."""

    language: str
    brief: str
    """Who reads the document, and what for."""
    questions: list[str]
    passages: int
    draft: str
    """OutlineDraft as JSON."""
    faults: list[str]
    """What the last draft did wrong."""
    repairs: int
    time_limited: bool
    """The soft time limit has come: no more is asked of the model."""


@dataclass(frozen=True, slots=True)
class OutlineContext:
    """What does not change during an attempt."""

    ref: JobRef
    command: OutlinePayload
    model: Model
    desk: Desk
    context_tokens: int
    answer_tokens: int
    """Most tokens of one answer."""

    def check(self) -> None:
        self.desk.check()

    def progress(self, step: str, message: str, percent: float) -> None:
        self.desk.emit(ProgressData(step=step, message=message, percent=percent))

    @property
    def target_words(self) -> int:
        return self.command.target_words or DEFAULT_TARGET_WORDS


DEFAULT_TARGET_WORDS = 1_500
