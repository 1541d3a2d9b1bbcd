"""A desk without Redis."""

import dataclasses

from shared.contracts.errors import LeaseLostError
from shared.contracts.events import EventData
from shared.contracts.usage import Usage


@dataclasses.dataclass(slots=True)
class PaperDesk:
    """Keeps events, texts and stored work in memory."""

    events: list[EventData] = dataclasses.field(default_factory=list)
    texts: dict[str, dict[int, str]] = dataclasses.field(default_factory=dict)
    stored: dict[str, bytes] = dataclasses.field(default_factory=dict)
    spent: Usage = dataclasses.field(default_factory=Usage)
    lost: bool = False
    soft_seconds: float = 3_600.0
    text_seconds: float = 3_600.0

    def check(self) -> None:
        if self.lost:
            raise LeaseLostError

    def time_is_short(self) -> bool:
        return self.soft_seconds <= 0

    def soft_seconds_left(self) -> float:
        return self.soft_seconds

    def text_seconds_left(self) -> float:
        return self.text_seconds

    def emit(self, data: EventData) -> None:
        self.events.append(data)

    def text(self, section_id: str, revision: int, piece: str) -> None:
        revisions = self.texts.setdefault(section_id, {})
        revisions[revision] = revisions.get(revision, "") + piece

    def spend(self, usage: Usage) -> None:
        self.spent += usage

    async def load(self, field: str) -> bytes | None:
        return self.stored.get(field)

    async def require(self, field: str) -> bytes:
        return self.stored[field]

    async def store(self, field: str, value: bytes) -> None:
        self.stored[field] = value

    def shown(self, section_id: str) -> str:
        """What a reader sees at the end: the highest revision."""
        revisions = self.texts[section_id]
        return revisions[max(revisions)]
