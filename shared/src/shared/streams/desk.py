"""What a pipeline needs of the attempt it serves, so that its nodes can be tested without Redis."""

from typing import Protocol

from shared.contracts.events import EventData
from shared.contracts.usage import Usage


class Desk(Protocol):
    """One attempt of one job: its lease, its events, its stored work."""

    def check(self) -> None:
        """Raise LeaseLostError unless the job is still ours."""
        ...

    def time_is_short(self) -> bool:
        """Whether the soft time limit has come: begin nothing new, finish with what there is."""
        ...

    def soft_seconds_left(self) -> float:
        """Until the soft time limit."""
        ...

    def text_seconds_left(self) -> float:
        """Until texts that are being written have to end where they are; a while after the soft limit."""
        ...

    def emit(self, data: EventData) -> None:
        """Publish an event."""
        ...

    def text(self, section_id: str, revision: int, piece: str) -> None:
        """Publish a piece of a section's text."""
        ...

    def spend(self, usage: Usage) -> None:
        """Count what a model request used."""
        ...

    async def load(self, field: str) -> bytes | None:
        """A piece of stored work."""
        ...

    async def require(self, field: str) -> bytes:
        """A piece of stored work that must be there; raises WorkLostError where it is not."""
        ...

    async def store(self, field: str, value: bytes) -> None:
        """Keep a piece of work beyond this attempt."""
        ...
