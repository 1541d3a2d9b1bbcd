"""Fakes for the ports around a model, and clients of a scripted endpoint."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from shared.contracts.errors import DraftlineError
from shared.contracts.usage import Usage
from shared.llm import Answer, ChatRequest, Dialect, Message, Meter, ResponseFormat, TextSink
from shared.settings.model import ModelSettings

KEY = "sk-very-secret-0123456789"


class InstantClock:
    """Sleeping takes no time and is remembered; monotonic time is the sum of all sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2024, 1, 31, 12, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class WrittenText:
    """A sink that remembers what it holds and how often it began again."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.restarts = 0
        self.begun = asyncio.Event()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def write(self, text: str) -> None:
        assert text
        self.pieces.append(text)
        self.begun.set()

    def restart(self) -> None:
        self.pieces.clear()
        self.restarts += 1


class Observed:
    """Remembers the outcomes of the calls."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.usages: list[Usage] = []

    def observed(self, outcome: str, seconds: float, usage: Usage) -> None:
        assert seconds >= 0
        self.outcomes.append(outcome)
        self.usages.append(usage)


class AnswersInMemory:
    """An answer store for one test."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    async def load(self, key: str) -> Answer | None:
        return self.answers.get(key)

    async def save(self, key: str, answer: Answer) -> None:
        self.answers[key] = answer


class AnsweringModel:
    """A model that says what it is told to, one after the other; errors are raised."""

    def __init__(self, *answers: Answer | str | DraftlineError) -> None:
        self.dialect = Dialect()
        self.asked: list[tuple[ChatRequest, ResponseFormat | None]] = []
        self._answers = list(answers)

    async def complete(
        self,
        request: ChatRequest,
        *,
        response_format: ResponseFormat | None = None,
        sink: TextSink | None = None,
        meter: Meter | None = None,
        keep: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        self.asked.append((request, response_format))
        answer = self._answers.pop(0)
        if isinstance(answer, DraftlineError):
            raise answer
        if isinstance(answer, str):
            answer = Answer(answer, "stop", Usage(llm_calls=1, prompt_tokens=10, completion_tokens=5))
        if sink is not None:
            sink.write(answer.text)
        if meter is not None:
            meter(answer.usage)
        return answer


def chat(text: str, *, system: str | None = None, max_tokens: int = 1_000) -> ChatRequest:
    """A request with one user message."""
    before: Sequence[Message] = () if system is None else (Message("system", system),)
    return ChatRequest((*before, Message("user", text)), max_tokens)


def model_settings(
    base_url: str, *, key: str = KEY, concurrency: int = 16, idle_seconds: float = 5.0, connect_seconds: float = 2.0
) -> ModelSettings:
    """Settings for an endpoint, whatever the environment says."""
    return ModelSettings(
        api_key=SecretStr(key),
        base_url=base_url,
        model="scripted",
        model_concurrency=concurrency,
        model_connect_seconds=connect_seconds,
        model_idle_seconds=idle_seconds,
    )
