"""Calls an OpenAI-compatible endpoint."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import asdict
from types import TracebackType
from typing import Self

from openai import APIError, AsyncStream
from pydantic import ValidationError

from shared.contracts.prices import Price
from shared.contracts.usage import Usage
from shared.lifecycle.clock import Clock
from shared.llm.connection import connect, header_key
from shared.llm.dialect import Dialect
from shared.llm.errors import ModelRequestRefusedError
from shared.llm.failures import MALFORMED, Failure, malformed, timed_out, translate
from shared.llm.ports import Answer, CallObserver, ChatRequest, Meter, PriceOf, ResponseFormat, TextSink, unpriced
from shared.llm.reading import AnswerReader, Draft
from shared.llm.retry import RetryPolicy, repeat
from shared.settings.model import ModelSettings


class ChatClient:
    """A model behind an OpenAI-compatible endpoint; one per process.

    At most ``model_concurrency`` requests are under way at once. Every answer is streamed, so that
    cancelling the task closes the connection and silence is noticed. Raises ValueError for a key
    that no HTTP header can carry.
    """

    def __init__(
        self,
        settings: ModelSettings,
        clock: Clock,
        *,
        observer: CallObserver | None = None,
        price_of: PriceOf = unpriced,
        retry: RetryPolicy | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.dialect = Dialect()
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._price_of = price_of
        self._retry = retry or RetryPolicy()
        self._chance = chance
        self._slots = asyncio.Semaphore(settings.model_concurrency)
        self._key = header_key(settings.api_key, "OPENAI_API_KEY")
        # Silence is bounded around the whole exchange instead: comments that keep the
        # connection alive would pass a read timeout.
        self._openai = connect(
            settings.base_url,
            self._key,
            connections=settings.model_concurrency,
            connect_seconds=settings.model_connect_seconds,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._openai.close()

    def price(self, model: str | None) -> Price | None:
        """Of a model by its name (None: the one in the settings); None where it is unknown."""
        return self._price_of(model or self._settings.model)

    async def complete(
        self,
        request: ChatRequest,
        *,
        response_format: ResponseFormat | None = None,
        sink: TextSink | None = None,
        meter: Meter | None = None,
        keep: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """As ``Model.complete``. Nothing is stored here, so ``keep`` is not asked."""
        draft = Draft(sink)
        body = self._body(request, response_format)

        async def attempt() -> Answer:
            while True:
                try:
                    return await self._exchange(request, body, draft, meter)
                except ModelRequestRefusedError as error:
                    if not self.dialect.learn(error.message):
                        raise

        return await repeat(attempt, policy=self._retry, clock=self._clock, chance=self._chance, restart=draft.restart)

    def _body(self, request: ChatRequest, response_format: ResponseFormat | None) -> dict[str, object]:
        body: dict[str, object] = {
            "model": request.model or self._settings.model,
            "messages": [asdict(message) for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if response_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif response_format is not None:
            # Not strict: OpenAI's strict mode refuses keywords such as maxLength.
            schema = {"name": response_format.__name__, "schema": response_format.model_json_schema(), "strict": False}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    async def _exchange(
        self, request: ChatRequest, body: dict[str, object], draft: Draft, meter: Meter | None
    ) -> Answer:
        """One HTTP request and its answer, counted however it ends."""
        async with self._slots:
            reader = AnswerReader(draft, self.price(request.model))
            started = self._clock.monotonic()
            outcome = "cancelled"
            used: Usage | None = None
            try:
                failure = await self._read(self.dialect.speak(body), reader)
                result = failure.error if failure is not None else reader.finish(request)
                outcome = "ok" if isinstance(result, Answer) else result.code
                used = _used(failure)
            finally:
                usage = reader.usage(request) if used is None else used
                if meter is not None and usage.llm_calls:
                    meter(usage)
                if self._observer is not None:
                    self._observer.observed(outcome, self._clock.monotonic() - started, usage)
        if isinstance(result, Answer):
            return result
        raise result

    async def _read(self, body: dict[str, object], reader: AnswerReader) -> Failure | None:
        """Send the request and read the stream to its end."""
        loop = asyncio.get_running_loop()
        idle_seconds = self._settings.model_idle_seconds
        try:
            async with asyncio.timeout(self._settings.model_connect_seconds + idle_seconds) as silence:
                # Not chat.completions.create: it builds its chunks without checking them.
                stream = await self._openai.post(
                    "/chat/completions",
                    body=body,
                    cast_to=object,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
                async with stream:
                    async for event in stream:
                        silence.reschedule(loop.time() + idle_seconds)
                        reader.take(event)
        except TimeoutError:
            return timed_out(idle_seconds)
        except (ValidationError, *MALFORMED):
            return malformed()
        except APIError as error:
            return translate(error, key=self._key, now=self._clock.now())
        return None


def _used(failure: Failure | None) -> Usage | None:
    """What is known to have been used; None: as far as the reader saw."""
    if failure is None or failure.reached == "begun":
        return None
    return Usage(llm_calls=1 if failure.reached == "refused" else 0)
