"""What the pipelines know of a model: requests, answers and the ports around them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel

from shared.contracts.prices import Price
from shared.contracts.usage import Usage
from shared.llm.dialect import Dialect

Role: TypeAlias = Literal["system", "user", "assistant"]
FinishReason: TypeAlias = Literal["stop", "length"]
ResponseFormat: TypeAlias = type[BaseModel] | Literal["json_object"]
"""A class asks for an answer in its JSON schema, ``json_object`` for any JSON object."""
Meter: TypeAlias = Callable[[Usage], None]
"""Counts what one HTTP request has used."""
PriceOf: TypeAlias = Callable[[str], Price | None]
"""The price of a model by its name; None where it is unknown."""


def unpriced(_: str) -> Price | None:
    """As where no price is known."""
    return None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation shown to the model."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of the model; ``max_tokens`` bounds the answer, thinking included."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.3
    model: str | None = None
    """Name of the model; None: the one in the settings."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model wrote, without its thinking. ``length`` means it was cut at ``max_tokens``."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    """Of the HTTP request that brought this answer; failed ones before it went to the meter only."""


def request_hash(request: ChatRequest, extra: str = "") -> str:
    """Name a request by its content: SHA-256 in hex over canonical JSON.

    ``extra`` tells apart what the request itself does not say, such as the response format.
    """
    canonical = json.dumps(
        {"request": asdict(request), "extra": extra},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


class TextSink(Protocol):
    """Receives the text of an answer while it is written."""

    def write(self, text: str) -> None:
        """Take the next piece; never empty."""
        ...

    def restart(self) -> None:
        """Forget what was written so far: the answer begins again."""
        ...


class CallObserver(Protocol):
    """Told about every HTTP request to the model, for metrics."""

    def observed(self, outcome: str, seconds: float, usage: Usage) -> None:
        """``outcome`` is ``ok``, ``cancelled`` or the code of the error."""
        ...


class Model(Protocol):
    """Something that answers chat requests."""

    @property
    def dialect(self) -> Dialect:
        """What is known of the endpoint; shared by all who ask it."""
        ...

    async def complete(
        self,
        request: ChatRequest,
        *,
        response_format: ResponseFormat | None = None,
        sink: TextSink | None = None,
        meter: Meter | None = None,
        keep: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """Ask for an answer, repeating what fails for a moment.

        The text reaches ``sink`` as it arrives and equals the answer's; after an error, what the
        sink holds is worth nothing. ``meter`` is called exactly once for every HTTP request that
        may have reached the endpoint, however it ended. An answer that ``keep`` rejects is not
        stored for later.

        Raises the errors of ``shared.llm.errors`` whose names begin with ``Model``.
        """
        ...


class AnswerStore(Protocol):
    """Keeps answers that were paid for, by the hash of their request."""

    async def load(self, key: str) -> Answer | None:
        """The answer under this key, if one was saved."""
        ...

    async def save(self, key: str, answer: Answer) -> None:
        """Keep the answer; a later one under the same key replaces it."""
        ...
