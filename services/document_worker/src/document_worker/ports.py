"""What the pipeline needs of the world around it: a model that answers, evidence, the desk of the job it works on, and
the time."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.commands import ReferenceStyleName
from shared.contracts.document import Source
from shared.gathering.ports import Gathered, Gatherer
from shared.lifecycle.clock import Clock
from shared.llm import Meter, Model, Vectors
from shared.streams import Desk

__all__ = ["Clock", "Desk", "Embedder", "Gathered", "Gatherer", "Model", "ReferenceFormatter"]


class Embedder(Protocol):
    """Tells what texts are near each other."""

    @property
    def configured(self) -> bool:
        """Whether it is set up at all."""
        ...

    async def vectors(self, texts: Sequence[str], meter: Meter | None = None) -> Vectors:
        """One vector a text, or why there are none; without a reason where none was asked for."""
        ...


class ReferenceFormatter(Protocol):
    """Writes the entries of a reference list."""

    async def format(self, sources: Sequence[Source], style: ReferenceStyleName) -> list[str]:
        """For each source one line of Markdown without its number."""
        ...
