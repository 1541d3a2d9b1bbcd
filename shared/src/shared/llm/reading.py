"""Reads a streamed chat completion: text, why it ended, what it used."""

from pydantic import BaseModel

from shared.contracts.errors import DraftlineError
from shared.contracts.prices import Price, priced
from shared.contracts.text import encodable
from shared.contracts.tokens import estimate_tokens
from shared.contracts.usage import Usage
from shared.llm.errors import ModelContentFilteredError, ModelEmptyAnswerError, ModelStreamBrokenError
from shared.llm.ports import Answer, ChatRequest, FinishReason, TextSink
from shared.llm.thinking import Passed, ThinkFilter
from shared.llm.tokens import estimate_prompt_tokens

_CUT_OFF = frozenset({"length", "max_tokens", "model_length"})


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(BaseModel):
    """What we read of a chunk. Endpoints leave out or add fields freely; types must fit."""

    choices: list[_Choice] | None = None
    usage: _Tokens | None = None


class Draft:
    """The text of an answer so far, over all tries, kept equal to what the sink holds."""

    def __init__(self, sink: TextSink | None) -> None:
        self._sink = sink
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add(self, passed: Passed) -> None:
        """Take what the filter let through."""
        if passed.retracted:
            self.restart()
        if passed.text:
            self._pieces.append(passed.text)
            if self._sink is not None:
                self._sink.write(passed.text)

    def restart(self) -> None:
        """Begin again, if there was a beginning."""
        if not self._pieces:
            return
        self._pieces.clear()
        if self._sink is not None:
            self._sink.restart()


class AnswerReader:
    """Takes the events of one HTTP answer, in order."""

    def __init__(self, draft: Draft, price: Price | None = None) -> None:
        self._draft = draft
        self._price = price
        self._filter = ThinkFilter()
        self._received: list[str] = []
        self._finish_reason: str | None = None
        self._refused = False
        self._reported: _Tokens | None = None

    def take(self, event: object) -> None:
        """Read one event; raises pydantic.ValidationError where it is no chunk."""
        chunk = _Chunk.model_validate(event)
        if chunk.usage is not None and chunk.usage.prompt_tokens is not None:
            self._reported = chunk.usage
        for choice in (chunk.choices or [])[:1]:
            self._finish_reason = choice.finish_reason or self._finish_reason
            if choice.delta is not None:
                self._take_delta(choice.delta)

    def _take_delta(self, delta: _Delta) -> None:
        self._refused = self._refused or bool(delta.refusal)
        self._received.extend(
            text for text in (delta.reasoning_content or delta.reasoning, delta.refusal, delta.content) if text
        )
        if delta.content:
            self._draft.add(self._filter.feed(delta.content))

    def finish(self, request: ChatRequest) -> Answer | DraftlineError:
        """The stream has ended: the answer, or what is wrong with it."""
        self._draft.add(self._filter.finish())
        if self._finish_reason is None:
            return ModelStreamBrokenError("The model's answer ended before it was complete.")
        text = encodable(self._draft.text)
        if self._finish_reason == "content_filter" or (self._refused and not text.strip()):
            return ModelContentFilteredError("The model's content filter refused to answer.")
        if not text.strip():
            return ModelEmptyAnswerError(_empty_message(self._finish_reason, request.max_tokens))
        finish_reason: FinishReason = "length" if self._finish_reason in _CUT_OFF else "stop"
        return Answer(text, finish_reason, self.usage(request))

    def usage(self, request: ChatRequest) -> Usage:
        """What the endpoint reported, else an estimate from the prompt and all that was received; with its cost where
        the price is known.
        """
        return priced(self._tokens(request), self._price)

    def _tokens(self, request: ChatRequest) -> Usage:
        if self._reported is not None:
            return Usage(
                llm_calls=1,
                prompt_tokens=max(self._reported.prompt_tokens or 0, 0),
                completion_tokens=max(self._reported.completion_tokens or 0, 0),
            )
        return Usage(
            llm_calls=1,
            prompt_tokens=estimate_prompt_tokens(request.messages),
            completion_tokens=estimate_tokens("".join(self._received)),
            estimated=True,
        )


def _empty_message(finish_reason: str, max_tokens: int) -> str:
    if finish_reason in _CUT_OFF:
        return f"The model used all {max_tokens} tokens for thinking. Choose a model that thinks less."
    return "The model gave an empty answer."
