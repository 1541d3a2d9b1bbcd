"""Vectors of texts from an OpenAI-compatible endpoint, or the reason why there are none."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from openai import APIError
from pydantic import ValidationError

from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from shared.contracts.prices import priced
from shared.contracts.text import encodable
from shared.contracts.tokens import estimate_tokens
from shared.contracts.usage import Usage
from shared.lifecycle.clock import Clock
from shared.llm.connection import connect, header_key
from shared.llm.errors import (
    EmbeddingsMalformedError,
    ModelAuthFailedError,
    ModelContextExceededError,
    ModelNotFoundError,
    ModelQuotaExhaustedError,
    ModelRateLimitedError,
    ModelRequestRefusedError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from shared.llm.failures import MALFORMED, translate
from shared.llm.ports import CallObserver, Meter, PriceOf, unpriced
from shared.llm.retry import RetryPolicy, repeat
from shared.llm.vectors import EmbeddingAnswer, Vector
from shared.settings.embeddings import EmbeddingSettings

_REQUESTS_AT_ONCE = 4
_BATCH_TEXTS = 64
_BATCH_CHARACTERS = 50_000
_TEXT_CHARACTERS = 8_000
_FEWEST_CHARACTERS = 250
_CONNECT_SECONDS = 10.0
_PROBED_AGAIN_SECONDS = 60.0
_PROBE = "Draftline"
_REASONS: dict[type[DraftlineError], str] = {
    EmbeddingsMalformedError: "does not answer with one vector per text; check DRAFTLINE_EMBEDDINGS_BASE_URL",
    ModelAuthFailedError: "denies access; check DRAFTLINE_EMBEDDINGS_API_KEY",
    ModelContextExceededError: "takes no texts of this length",
    ModelNotFoundError: "is not there, or has no such model; check DRAFTLINE_EMBEDDINGS_MODEL and _BASE_URL",
    ModelQuotaExhaustedError: "says that the account has no credit left",
    ModelRateLimitedError: "limits the rate of requests",
    ModelRequestRefusedError: "refuses the request; check that DRAFTLINE_EMBEDDINGS_MODEL is an embedding model",
    ModelStreamBrokenError: "broke the connection",
    ModelTimeoutError: "takes too long to answer; raise DRAFTLINE_EMBEDDINGS_TIMEOUT_SECONDS if it is only slow",
    ModelUnavailableError: "cannot be reached or fails; its own log says why",
}
_UNSET = "No embedding model is set; DRAFTLINE_EMBEDDINGS_MODEL names one."


@dataclass(frozen=True, slots=True)
class EmbedderState:
    """What is known of the endpoint: the length of its vectors, or why there are none."""

    dimension: int | None
    reason: str = ""

    @property
    def ready(self) -> bool:
        return self.dimension is not None


@dataclass(frozen=True, slots=True)
class Vectors:
    """One vector of unit length a text, or None and the reason; no reason where none was asked for."""

    vectors: list[Vector] | None
    reason: str = ""


class Embedder:
    """An embedding model; one per process. Raises ValueError for a key that no HTTP header can carry."""

    def __init__(
        self,
        settings: EmbeddingSettings,
        clock: Clock,
        *,
        observer: CallObserver | None = None,
        price_of: PriceOf = unpriced,
        retry: RetryPolicy | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._price_of = price_of
        self._retry = retry or RetryPolicy()
        self._chance = chance
        self._slots = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        self._probing = asyncio.Lock()
        self._state: EmbedderState | None = None
        self._probe_again_at: float | None = None
        self._longest = _TEXT_CHARACTERS
        self._key = header_key(settings.embeddings_api_key, "DRAFTLINE_EMBEDDINGS_API_KEY")
        self._openai = connect(
            settings.embeddings_base_url, self._key, connections=_REQUESTS_AT_ONCE, connect_seconds=_CONNECT_SECONDS
        )

    @property
    def configured(self) -> bool:
        """Whether a model is set."""
        return bool(self._settings.embeddings_model)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._openai.close()

    async def vectors(self, texts: Sequence[str], meter: Meter | None = None) -> Vectors:
        """The vectors, or why there are none: for callers that can do without."""
        if not self.configured:
            return Vectors(None)
        state = await self.probe(meter)
        if not state.ready:
            return Vectors(None, state.reason)
        try:
            return Vectors(await self.embed(texts, meter))
        except (TransientError, PermanentError) as error:
            return Vectors(None, error.message)

    async def probe(self, meter: Meter | None = None) -> EmbedderState:
        """Whether there are embeddings, by one request in the life of the process.

        After a failure that may pass, by another one a minute later.
        """
        if not self.configured:
            return EmbedderState(None, _UNSET)
        async with self._probing:
            due = self._probe_again_at is not None and self._clock.monotonic() >= self._probe_again_at
            if self._state is None or due:
                self._state = await self._probed(meter)
            return self._state

    async def _probed(self, meter: Meter | None) -> EmbedderState:
        self._probe_again_at = None
        try:
            found = await self._exchange([_PROBE], meter)
        except PermanentError as error:
            return EmbedderState(None, error.message)
        except TransientError as error:
            self._probe_again_at = self._clock.monotonic() + _PROBED_AGAIN_SECONDS
            return EmbedderState(None, error.message)
        return EmbedderState(len(found[0]))

    async def embed(self, texts: Sequence[str], meter: Meter | None = None) -> list[Vector]:
        """One vector of unit length for each text, repeating what fails for a moment.

        Texts of more than 8,000 characters are embedded by their beginning. ``meter`` is called once for every request
        that may have reached the endpoint. Raises the errors that ``_REASONS`` lists.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._batch(batch, meter)) for batch in _batches(texts)]
        except BaseExceptionGroup as failed:
            # The others were cancelled for the first, or failed of the same.
            raise failed.exceptions[0] from None
        found = [vector for task in tasks for vector in task.result()]
        lengths = {len(vector) for vector in found}
        if found and self._state is not None and self._state.dimension is not None:
            lengths.add(self._state.dimension)
        if len(lengths) > 1:
            raise _error(EmbeddingsMalformedError)
        return found

    async def _batch(self, texts: Sequence[str], meter: Meter | None) -> list[Vector]:
        async def attempt() -> list[Vector]:
            while True:
                longest = self._longest
                try:
                    return await self._exchange([_input(text, longest) for text in texts], meter)
                except ModelContextExceededError:
                    # Many embedding models read 512 tokens only.
                    if longest <= _FEWEST_CHARACTERS:
                        raise
                    self._longest = min(self._longest, longest // 2)

        return await repeat(attempt, policy=self._retry, clock=self._clock, chance=self._chance, restart=lambda: None)

    async def _exchange(self, inputs: list[str], meter: Meter | None) -> list[Vector]:
        """One HTTP request and its answer, counted however it ends."""
        async with self._slots:
            started = self._clock.monotonic()
            outcome, usage = "cancelled", _estimated(inputs)
            try:
                result, usage = await self._read(inputs)
                outcome = result.code if isinstance(result, DraftlineError) else "ok"
            finally:
                usage = priced(usage, self._price_of(self._settings.embeddings_model))
                if meter is not None and usage.llm_calls:
                    meter(usage)
                if self._observer is not None:
                    self._observer.observed(outcome, self._clock.monotonic() - started, usage)
        if isinstance(result, DraftlineError):
            raise result
        return result

    async def _read(self, inputs: list[str]) -> tuple[list[Vector] | DraftlineError, Usage]:
        body = {"model": self._settings.embeddings_model, "input": inputs, "encoding_format": "float"}
        estimate = _estimated(inputs)
        try:
            async with asyncio.timeout(self._settings.embeddings_timeout_seconds):
                # Not embeddings.create: it builds its answer without checking it.
                raw = await self._openai.post("/embeddings", body=body, cast_to=object)
            answer = EmbeddingAnswer.model_validate(raw)
        except TimeoutError:
            return _error(ModelTimeoutError), estimate
        except (ValidationError, *MALFORMED):
            return _error(EmbeddingsMalformedError), estimate
        except APIError as error:
            failure = translate(error, key=self._key, now=self._clock.now())
            spent = estimate if failure.reached == "begun" else Usage(llm_calls=int(failure.reached == "refused"))
            return _reworded(failure.error), spent
        reported = answer.prompt_tokens
        usage = estimate if reported is None else Usage(llm_calls=1, prompt_tokens=reported)
        return answer.vectors(len(inputs)) or _error(EmbeddingsMalformedError), usage


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    room = _BATCH_CHARACTERS
    for text in texts:
        taken = min(len(text), _TEXT_CHARACTERS)
        if batch and (len(batch) == _BATCH_TEXTS or taken > room):
            yield batch
            batch, room = [], _BATCH_CHARACTERS
        batch.append(text)
        room -= taken
    if batch:
        yield batch


def _input(text: str, longest: int) -> str:
    """What is sent of a text; endpoints refuse the empty string."""
    return encodable(text[:longest]).strip() or "."


def _estimated(inputs: Sequence[str]) -> Usage:
    return Usage(llm_calls=1, prompt_tokens=sum(map(estimate_tokens, inputs)), estimated=True)


def _reworded(error: DraftlineError) -> DraftlineError:
    """The same, said of this endpoint and its variables."""
    if isinstance(error, TransientError):
        return type(error)(_message(type(error)), error.retry_after_seconds)
    return _error(type(error))


def _error(kind: type[DraftlineError]) -> DraftlineError:
    return kind(_message(kind))


def _message(kind: type[DraftlineError]) -> str:
    return f"The embeddings endpoint {_REASONS[kind]}."
