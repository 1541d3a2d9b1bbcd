"""One attempt of an outline job, or of planning a document."""

from dataclasses import dataclass
from typing import Any

from outline_worker.pipeline.state import RESULT, OutlineContext
from outline_worker.ports import Gatherer
from shared.checkpoints import RedisSaver, run_graph
from shared.contracts.commands import OutlinePayload
from shared.contracts.document import OutlineResult
from shared.contracts.outline_versions import OutlineVersion, latest_of, outline_field
from shared.contracts.plan import PLANNING_PERCENT
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.llm import ArtifactAnswers, Budget, BudgetedModel, ChatClient, StoredAnswers
from shared.settings import ModelSettings
from shared.streams import HandOver, Session


@dataclass(frozen=True, slots=True)
class OutlineHandler:
    """Runs the graph and returns what it stored."""

    graph: Any
    saver: RedisSaver
    model: ChatClient
    settings: ModelSettings
    gatherer: Gatherer
    clock: Clock

    async def __call__(self, session: Session) -> bytes | HandOver:
        """The outline result, or the outline for those who write the document. Raises what the pipeline raises."""
        if session.claim.makes is JobKind.OUTLINE:
            return await self._planned(session, 1.0)
        # A job that was cancelled while it waited for a person is planned already, and perhaps changed since.
        version = latest_of(await session.stored_fields())
        if version is not None:
            stored = await session.require(outline_field(version))
            return _hand_over(OutlineVersion.model_validate_json(stored))
        made = OutlineResult.model_validate_json(await self._planned(session, PLANNING_PERCENT / 100))
        return _hand_over(
            OutlineVersion(version=1, author=None, created_at=self.clock.now(), outline=made.outline.with_ids())
        )

    async def _planned(self, session: Session, share: float) -> bytes:
        command = OutlinePayload.model_validate_json(await session.payload())
        budget = Budget.of(session.claim, self.model.price(command.model))
        answers = ArtifactAnswers(session.load, session.store, session.check)
        context = OutlineContext(
            ref=session.claim.ref,
            command=command,
            model=StoredAnswers(BudgetedModel(self.model, budget), answers),
            budget=budget,
            desk=session,
            gatherer=self.gatherer,
            context_tokens=self.settings.model_context_tokens,
            answer_tokens=self.settings.answer_tokens,
            share=share,
        )
        await run_graph(self.graph, self.saver, session.claim, {}, context)
        return await session.require(RESULT)


def _hand_over(planned: OutlineVersion) -> HandOver:
    shown = planned.outline.model_dump_json().encode()
    return HandOver(planned.version, planned.model_dump_json().encode(), shown)
