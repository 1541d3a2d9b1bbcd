"""What the nodes leave for each other as stored work."""

from pydantic import BaseModel, ConfigDict

from shared.contracts.document import SectionQuality
from shared.retrieval import Passage


class _Stored(BaseModel):
    # Fields of a newer worker are passed over: during an upgrade both work on the same jobs.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Evidence(_Stored):
    """The passages of one section: what its writer sees, and all it may cite."""

    passages: list[Passage]


class WrittenSection(_Stored):
    """What is known about a finished section; its text is stored by itself."""

    quality: SectionQuality
