"""What a pipeline needs beside a model and a desk, without child processes and without a network."""

from collections.abc import Sequence
from typing import Any

from document_worker.pipeline.pace import Pace
from document_worker.pipeline.state import DocumentContext
from document_worker.ports import Desk, Model
from shared.contracts.commands import ContextFile, DocumentPayload, ReferenceStyleName
from shared.contracts.document import Source
from shared.contracts.ids import JobRef
from shared.contracts.outline import Research
from shared.evidence.assembly import plain
from shared.evidence.ledger import Ledger, build_ledger
from shared.evidence.parts import Part, ReadFile
from shared.gathering.gathering import Gathered, guarded
from shared.language.text import detect_language
from shared.lifecycle.clock import SystemClock
from shared.llm import Vectors


class TextGatherer:
    """Reads files that are text."""

    async def gather(
        self, job: str, files: Sequence[ContextFile], queries: Sequence[str], research: Research
    ) -> Gathered:
        if research == "none":
            return Gathered(Ledger(sources=[], passages=[], unreadable=[]))
        return Gathered(build_ledger(job, [guarded(_read(file)) for file in files]))


class NoEmbedder:
    """As where none is set up."""

    configured = False

    async def vectors(self, texts: Sequence[str], meter: Any = None) -> Vectors:
        return Vectors(None, "")


class PlainFormatter:
    """Entries that are the sources' names."""

    async def format(self, sources: Sequence[Source], style: ReferenceStyleName) -> list[str]:
        return [plain(source.name) for source in sources]


def document_context(
    model: Model, desk: Desk, payload: DocumentPayload, *, fence: int = 2, **more: Any
) -> DocumentContext:
    """The context of one attempt."""
    settings: dict[str, Any] = {
        "context_tokens": 4_096,
        "answer_tokens": 1_365,
        "pace": Pace(SystemClock()),
        "gatherer": TextGatherer(),
        "embedder": NoEmbedder(),
        "formatter": PlainFormatter(),
        **more,
    }
    return DocumentContext(ref=JobRef("job"), fence=fence, payload=payload, model=model, desk=desk, **settings)


def _read(file: ContextFile) -> ReadFile:
    text = file.content().decode()
    return ReadFile(file.name, "text/plain", (Part(text),), language=detect_language(text))
