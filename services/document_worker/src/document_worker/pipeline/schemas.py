"""What the nodes leave for each other as stored work."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.document import SectionQuality, Verdict
from shared.evidence import Passage


class _Stored(BaseModel):
    # Fields of a newer worker are passed over: during an upgrade both work on the same jobs.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Evidence(_Stored):
    """The passages of one section: what its writer sees, and all it may cite."""

    passages: list[Passage]
    addresses: list[str] = []
    """Of their sources: all that the text may link to."""


class WrittenSection(_Stored):
    """What is known about a finished section; its text is stored by itself."""

    quality: SectionQuality
    flagged: list[str] = []
    """Sentences of the draft that lost a citation of something never given."""
    leftovers: int = 0
    """Of the quality; beside it, since workers of earlier versions refuse a quality with a field they do not know."""

    def stored(self) -> bytes:
        """As JSON that ``read`` and workers of earlier versions understand."""
        return self.model_dump_json(exclude={"quality": {"leftovers"}}).encode()

    @classmethod
    def read(cls, stored: bytes) -> Self:
        """What ``stored`` wrote, or an earlier version."""
        found = cls.model_validate_json(stored)
        quality = found.quality.model_copy(update={"leftovers": found.leftovers})
        return found.model_copy(update={"quality": quality})


class Keywords(BaseModel):
    """Search words in another language, one entry a section."""

    keywords: list[Annotated[str, Field(max_length=120)]]


class Opinion(BaseModel):
    """What the model holds of one cited sentence."""

    verdict: Verdict
    why: Annotated[str, Field(max_length=200)] = ""


class Judgement(BaseModel):
    """Opinions in the order of the sentences."""

    verdicts: list[Opinion]
