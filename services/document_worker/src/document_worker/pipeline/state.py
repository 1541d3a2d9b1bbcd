"""What flows through the graph, and what its nodes are given."""

import operator
from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from document_worker.pipeline.pace import Pace
from document_worker.ports import Desk, Embedder, Gatherer, Model, ReferenceFormatter
from shared.contracts.commands import DocumentPayload
from shared.contracts.errors import DraftlineError, WorkLostError
from shared.contracts.events import ProgressData
from shared.contracts.ids import JobRef
from shared.contracts.outline import Outline
from shared.contracts.plan import PLAN, PLANNING_PERCENT, Plan, text_field
from shared.contracts.usage import Usage
from shared.llm import Budget

FUSED = "fused"
RESULT = "result"


class DocumentState(TypedDict, total=False):
    """Checkpointed after each node: ids and counters only, texts and evidence are stored work."""

    sections: list[str]
    """Of the body; introduction and conclusion are written after them."""
    closings: list[str]
    done: Annotated[list[str], operator.add]
    ended_early: bool
    """The soft time limit came before all sections were written."""
    smoothed: bool
    """The sections were held against each other; introduction and conclusion can be written."""
    degradations: Annotated[list[dict[str, str]], operator.add]
    """Degradation as JSON objects."""
    left_out: Annotated[list[str], operator.add]
    """What was not done for want of budget."""


class SectionTask(TypedDict):
    """What one branch of the fan-out is sent."""

    section_id: str


@dataclass(frozen=True, slots=True)
class DocumentContext:
    """What does not change during an attempt, but for what is found out in it."""

    ref: JobRef
    fence: int
    payload: DocumentPayload
    model: Model
    desk: Desk
    context_tokens: int
    answer_tokens: int
    """Most tokens of one answer."""
    pace: Pace
    gatherer: Gatherer
    embedder: Embedder
    formatter: ReferenceFormatter
    planned: bool = False
    """Whether the job made its outline itself: it has gathered evidence and come a part of its way."""
    judge: bool = False
    """Whether the model is asked about sentences that seem doubtful."""
    finished: set[str] = field(default_factory=set)
    """Sections whose text is stored."""
    failures: dict[str, DraftlineError] = field(default_factory=dict)
    """Why sections failed in this attempt, by their ids."""
    known_plan: list[Plan] = field(default_factory=list)
    """The plan, once it was made or read."""
    budget: Budget = field(default_factory=Budget)
    without: set[str] = field(default_factory=set)
    """What was not done in this attempt for want of budget."""
    estimates: list[Usage] = field(default_factory=list)
    """What endpoints used in this attempt without reporting it."""
    revisions: dict[str, int] = field(default_factory=dict)
    """The last revision shown of each section's text in this attempt."""

    @property
    def doomed(self) -> bool:
        """Whether a section failed for good in this attempt, and the job with it."""
        return any(not error.retryable for error in self.failures.values())

    @property
    def outline(self) -> Outline:
        """What is to be written; raises WorkLostError where it is gone."""
        if self.payload.outline is None:
            raise WorkLostError("The job's outline is no longer in Redis; submit the job again.")
        return self.payload.outline

    async def plan(self) -> Plan:
        """The plan, one for all nodes of an attempt; raises WorkLostError where it is gone."""
        if not self.known_plan:
            stored = await self.desk.require(PLAN)
            # Sections ask side by side; the first to hear keeps it for all.
            if not self.known_plan:
                self.known_plan.append(Plan.model_validate_json(stored))
        return self.known_plan[0]

    async def texts(self, plan: Plan) -> dict[str, str]:
        """The finished texts of the body, by section."""
        body = [leaf.id for leaf in plan.leaves() if leaf.role == "body" and leaf.id in self.finished]
        return {name: (await self.desk.require(text_field(name))).decode() for name in body}

    def spend(self, usage: Usage) -> None:
        """Count what a model request used."""
        if usage.estimated:
            self.estimates.append(usage)
        self.budget.count(usage)
        self.desk.spend(usage)

    def goes_without(self, what: str) -> bool:
        """Whether the budget is too short for what a document can do without; its quality will say so."""
        short = self.budget.is_short()
        if short:
            self.without.add(what)
        return short

    def check(self) -> None:
        self.desk.check()

    def progress(
        self, step: str, message: str, percent: float, section_id: str | None = None, eta_seconds: float | None = None
    ) -> None:
        begun = PLANNING_PERCENT if self.planned else 0.0
        self.desk.emit(
            ProgressData(
                step=step,
                message=message,
                percent=round(begun + percent * (1 - begun / 100), 1),
                eta_seconds=None if eta_seconds is None else round(eta_seconds, 1),
                section_id=section_id,
            )
        )
