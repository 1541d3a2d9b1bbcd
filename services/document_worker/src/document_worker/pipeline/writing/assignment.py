"""What the writing of one section rests on."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from document_worker.pipeline.checks.claims import Weights
from document_worker.pipeline.checks.repetition import Gram
from document_worker.pipeline.prompts.instructions import instructions
from document_worker.pipeline.state import DocumentContext
from document_worker.pipeline.surroundings import Surroundings
from shared.contracts.plan import Plan, PlannedSection
from shared.evidence import Passage
from shared.language.leftovers import Told


@dataclass(frozen=True)
class Assignment:
    """One section of one document, for one attempt."""

    context: DocumentContext
    plan: Plan
    planned: PlannedSection
    evidence: list[Passage]
    addresses: Collection[str] = ()
    """Addresses of its sources: all that the text may link to."""
    digest: str = ""
    """For an introduction or a conclusion: the document it belongs to."""
    said: AbstractSet[Gram] = frozenset()
    """What the rest of the document says already, where that is known."""
    surroundings: Surroundings | None = None
    """Where the section is written again."""

    @cached_property
    def spans(self) -> dict[str, str]:
        """The passages by their keys."""
        return {passage.key: passage.text for passage in self.evidence}

    @cached_property
    def weights(self) -> Weights:
        return Weights(self.spans.values())

    @cached_property
    def told(self) -> Told:
        """What the writer was told; what the request, the plan and the evidence say may be said again."""
        plan = self.plan
        planned = [f"{section.title}\n{section.summary}\n{section.instruction}" for section in plan.sections]
        wanted = (plan.task_prompt, plan.title, *planned, *self.spans.values())
        return Told(plan.language, instructions(plan.language), wanted)

    @property
    def contents_tokens(self) -> int:
        """How much of a prompt the table of contents may take."""
        return self.context.context_tokens // 10
