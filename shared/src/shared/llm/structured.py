"""Answers as pydantic objects, whatever way of asking for JSON the endpoint knows."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from shared.llm.dialect import Rung
from shared.llm.errors import ModelOutputInvalidError, ModelRequestRefusedError
from shared.llm.extraction import json_candidates
from shared.llm.ports import Answer, ChatRequest, Message, Meter, Model, ResponseFormat

T = TypeVar("T", bound=BaseModel)

_LADDER: tuple[Rung, ...] = ("json_schema", "json_object", "none")
_REPAIRS = 2
_LONGEST_SHOWN = 12_000
_MOST_ERRORS = 10


@dataclass(frozen=True, slots=True)
class _Invalid:
    """What is wrong with an answer, in words the model can act on."""

    complaint: str


async def complete_json(model: Model, request: ChatRequest, schema: type[T], *, meter: Meter | None = None) -> T:
    """Ask for an object of ``schema``, down the ladder json_schema, json_object, schema in the prompt.

    An answer that does not fit is shown to the model with what is wrong, at most twice. Raises
    ModelOutputInvalidError if it still does not fit, and what ``Model.complete`` raises.
    """
    asking = _Asking(model, schema, meter)
    turns = request.messages
    for repair in range(_REPAIRS + 1):
        # The last answer is stored only if it fits: else each attempt of the job would find the same
        # unfit answers and never ask again.
        keep = asking.fits if repair == _REPAIRS else None
        answer = await asking.ask(replace(request, messages=turns), keep)
        parsed = _parse(answer, schema)
        if not isinstance(parsed, _Invalid):
            return parsed
        shown = Message("assistant", answer.text[:_LONGEST_SHOWN])
        turns = (*turns, shown, Message("user", asking.correction(parsed)))
    message = f"The model did not give a valid {schema.__name__}, even after {_REPAIRS} corrections."
    raise ModelOutputInvalidError(message)


class _Asking(Generic[T]):
    """Asks in the strictest way that the endpoint accepts, and remembers which that is."""

    def __init__(self, model: Model, schema: type[T], meter: Meter | None) -> None:
        self._model = model
        self._schema = schema
        self._meter = meter

    def fits(self, answer: Answer) -> bool:
        return not isinstance(_parse(answer, self._schema), _Invalid)

    def correction(self, invalid: _Invalid) -> str:
        """What to tell the model; with the schema where it may never have seen it.

        Some endpoints accept a response format and ignore it.
        """
        if self._model.dialect.rung != "json_schema":
            return invalid.complaint
        return f"{invalid.complaint}\n\n{_instruction(self._schema)}"

    async def ask(self, request: ChatRequest, keep: Callable[[Answer], bool] | None) -> Answer:
        """Raises what the endpoint says to the last rung."""
        *upper, last = _LADDER[_LADDER.index(self._model.dialect.rung) :]
        for rung in upper:
            with suppress(ModelRequestRefusedError):
                return await self._ask_at(rung, request, keep)
        return await self._ask_at(last, request, keep)

    async def _ask_at(self, rung: Rung, request: ChatRequest, keep: Callable[[Answer], bool] | None) -> Answer:
        response_format: ResponseFormat | None = None
        if rung == "json_schema":
            response_format = self._schema
        else:
            request = _with_schema(request, self._schema)
            response_format = "json_object" if rung == "json_object" else None
        answer = await self._model.complete(request, response_format=response_format, meter=self._meter, keep=keep)
        # Only now is it certain that the rung above was refused, and not the request.
        self._model.dialect.rung = rung
        return answer


def _with_schema(request: ChatRequest, schema: type[BaseModel]) -> ChatRequest:
    """The request with the schema at the end of its first user message.

    Not in a system message: some chat templates allow none, or no second one.
    """
    instruction = _instruction(schema)
    position = next((i for i, message in enumerate(request.messages) if message.role == "user"), None)
    if position is None:
        return replace(request, messages=(*request.messages, Message("user", instruction)))
    first = request.messages[position]
    extended = replace(first, content=f"{first.content}\n\n{instruction}")
    return replace(request, messages=(*request.messages[:position], extended, *request.messages[position + 1 :]))


def _instruction(schema: type[BaseModel]) -> str:
    described = json.dumps(schema.model_json_schema(), ensure_ascii=False)
    return f"Answer with one JSON object that fits this JSON schema, and with nothing else:\n```json\n{described}\n```"


def _parse(answer: Answer, schema: type[T]) -> T | _Invalid:
    """The first candidate that fits, else what is wrong with the likeliest one."""
    invalid: _Invalid | None = None
    for candidate in json_candidates(answer.text):
        try:
            return schema.model_validate_json(candidate)
        except ValidationError as error:
            invalid = invalid or _Invalid(_complaint(error))
    if invalid is not None:
        return invalid
    if answer.finish_reason == "length":
        return _Invalid("Your answer was cut off at the length limit. Give the whole JSON object, but shorter.")
    return _Invalid("Your answer holds no valid JSON object. Answer with the JSON object and nothing else.")


def _complaint(error: ValidationError) -> str:
    lines = [
        f"- {'.'.join(map(str, detail['loc'])) or 'the object'}: {detail['msg']}"
        for detail in error.errors(include_url=False, include_input=False)[:_MOST_ERRORS]
    ]
    listed = "\n".join(lines)
    return (
        f"Your JSON object does not fit the schema:\n{listed}\nAnswer with the corrected JSON object and nothing else."
    )
