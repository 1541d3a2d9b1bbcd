"""Answers already paid for are not asked again."""

import json
from collections.abc import Callable

from shared.llm.dialect import Dialect
from shared.llm.ports import (
    Answer,
    AnswerStore,
    ChatRequest,
    Meter,
    Model,
    ResponseFormat,
    TextSink,
    request_hash,
)


class StoredAnswers:
    """A model that remembers: each request is asked and paid for once.

    A stored answer reaches the sink in one write and counts no usage again. An answer is saved the
    moment it arrives, before anything is done with it, so that a crash afterwards costs nothing.
    """

    def __init__(self, model: Model, store: AnswerStore) -> None:
        self._model = model
        self._store = store

    @property
    def dialect(self) -> Dialect:
        return self._model.dialect

    async def complete(
        self,
        request: ChatRequest,
        *,
        response_format: ResponseFormat | None = None,
        sink: TextSink | None = None,
        meter: Meter | None = None,
        keep: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """As ``Model.complete``; raises what the model and the store raise."""
        key = request_hash(request, extra=_format_name(response_format))
        stored = await self._store.load(key)
        if stored is not None:
            if sink is not None and stored.text:
                sink.write(stored.text)
            return stored
        answer = await self._model.complete(request, response_format=response_format, sink=sink, meter=meter, keep=keep)
        if keep is None or keep(answer):
            await self._store.save(key, answer)
        return answer


def _format_name(response_format: ResponseFormat | None) -> str:
    if response_format is None or isinstance(response_format, str):
        return response_format or ""
    return json.dumps(response_format.model_json_schema(), sort_keys=True)
