"""Paid answers as pieces of the job's stored work."""

import json
from collections.abc import Awaitable, Callable

from shared.contracts.usage import Usage
from shared.llm.ports import Answer


class ArtifactAnswers:
    """An ``AnswerStore`` over two functions on named fields, such as those of a worker's session."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[bytes | None]],
        store: Callable[[str, bytes], Awaitable[None]],
        check: Callable[[], None],
    ) -> None:
        self._load = load
        self._store = store
        self._check = check

    async def load(self, key: str) -> Answer | None:
        """The answer, if it was paid for; raises LeaseLostError before a call that would be paid for in vain."""
        self._check()
        raw = await self._load(f"answer:{key}")
        if raw is None:
            return None
        fields = json.loads(raw)
        return Answer(fields["text"], fields["finish_reason"], Usage.model_validate(fields["usage"]))

    async def save(self, key: str, answer: Answer) -> None:
        fields = {"text": answer.text, "finish_reason": answer.finish_reason, "usage": answer.usage.model_dump()}
        await self._store(f"answer:{key}", json.dumps(fields, ensure_ascii=False).encode())
