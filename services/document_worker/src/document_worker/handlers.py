"""One attempt of a document job."""

from dataclasses import dataclass
from typing import Any

from document_worker.pipeline.pace import Pace
from document_worker.pipeline.state import RESULT, DocumentContext
from document_worker.ports import Embedder, Gatherer, ReferenceFormatter
from shared.checkpoints import RedisSaver, run_graph
from shared.contracts.commands import DocumentPayload
from shared.contracts.outline_versions import OutlineVersion, latest_of, outline_field
from shared.contracts.plan import section_of
from shared.lifecycle.clock import Clock
from shared.llm import ArtifactAnswers, Budget, BudgetedModel, ChatClient, StoredAnswers
from shared.settings import ModelSettings
from shared.streams import Session


@dataclass(frozen=True, slots=True)
class DocumentHandler:
    """Runs the graph and returns what it stored."""

    graph: Any
    saver: RedisSaver
    model: ChatClient
    settings: ModelSettings
    clock: Clock
    gatherer: Gatherer
    embedder: Embedder
    formatter: ReferenceFormatter
    judge: bool = False

    async def __call__(self, session: Session) -> bytes:
        """The document result. Raises what the pipeline raises."""
        payload = DocumentPayload.model_validate_json(await session.payload())
        stored = await session.stored_fields()
        version = latest_of(stored)
        if version is not None:
            payload = await _planned(session, payload, version)
        budget = Budget.of(session.claim, self.model.price(payload.model))
        answers = ArtifactAnswers(session.load, session.store, session.check)
        context = DocumentContext(
            ref=session.claim.ref,
            fence=session.claim.fence,
            payload=payload,
            model=StoredAnswers(BudgetedModel(self.model, budget), answers),
            budget=budget,
            desk=session,
            context_tokens=self.settings.model_context_tokens,
            answer_tokens=self.settings.answer_tokens,
            pace=Pace(self.clock),
            gatherer=self.gatherer,
            embedder=self.embedder,
            formatter=self.formatter,
            planned=version is not None,
            judge=self.judge,
            finished={section for name in stored if (section := section_of(name)) is not None},
        )
        await run_graph(self.graph, self.saver, session.claim, {}, context)
        return await session.require(RESULT)


async def _planned(session: Session, payload: DocumentPayload, version: int) -> DocumentPayload:
    """The request with the outline that the job made. Its lengths hold, whoever set them: they come from the request,
    or from a person since.
    """
    stored = OutlineVersion.model_validate_json(await session.require(outline_field(version)))
    return payload.model_copy(update={"outline": stored.outline, "target_words": None})
