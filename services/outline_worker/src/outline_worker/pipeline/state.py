"""What flows through the graph, and what its nodes are given."""

from dataclasses import dataclass, field
from typing import TypedDict

from outline_worker.pipeline.prompts import instructions
from outline_worker.pipeline.quoting import shortened
from outline_worker.ports import Desk, Gatherer, Model
from shared.contracts.commands import OutlinePayload
from shared.contracts.events import ProgressData
from shared.contracts.ids import JobRef
from shared.contracts.shape import DEFAULT_TARGET_WORDS, Shape, is_framed, shape_of
from shared.contracts.usage import Usage
from shared.language.leftovers import Told
from shared.llm import Budget

LEDGER = "ledger"
"""Stored work: the evidence."""
RESULT = "result"
"""Stored work: the finished outline."""


class OutlineState(TypedDict, total=False):
    """Checkpointed after each node: small values only, the evidence is stored work."""

    language: str
    brief: str
    """What kind of document it is, who reads it, and what for."""
    purpose: str
    questions: list[str]
    viewpoints: list[str]
    """Of each question: who asks it."""
    passages: int
    degradations: list[str]
    """Each a Degradation as JSON."""
    shown: list[str]
    """Names of the sources of which the model saw passages."""
    draft: str
    """OutlineDraft as JSON."""
    faults: list[str]
    """What the last draft did wrong."""
    repairs: int
    time_limited: bool
    """The soft time limit kept something from being done: no more is asked of the model."""
    left_out: list[str]
    """What was not done for want of budget."""


@dataclass(frozen=True, slots=True)
class OutlineContext:
    """What does not change during an attempt."""

    ref: JobRef
    command: OutlinePayload
    model: Model
    desk: Desk
    gatherer: Gatherer
    context_tokens: int
    answer_tokens: int
    """Most tokens of one answer."""
    share: float = 1.0
    """Of the whole job: planning is a part of making a document."""
    budget: Budget = field(default_factory=Budget)

    def spend(self, usage: Usage) -> None:
        """Count what a model request used."""
        self.budget.count(usage)
        self.desk.spend(usage)

    def check(self) -> None:
        self.desk.check()

    def progress(self, step: str, message: str, percent: float) -> None:
        self.desk.emit(ProgressData(step=step, message=message, percent=round(percent * self.share, 1)))

    @property
    def target_words(self) -> int:
        return self.command.target_words or DEFAULT_TARGET_WORDS

    @property
    def task_prompt(self) -> str:
        """The request as the model is shown it: as much of it as leaves room for the rest."""
        return shortened(self.command.task_prompt, self.context_tokens // 6)

    def told(self, language: str) -> Told:
        """What a planner is told; the whole request may be said again, however long."""
        return Told(language, instructions(language), (self.command.task_prompt,))

    def shape(self, language: str) -> Shape:
        """How many sections are asked for."""
        return shape_of(self.target_words, self.answer_tokens, framed=is_framed(language, self.target_words))
