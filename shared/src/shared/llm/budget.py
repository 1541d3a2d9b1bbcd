"""What a job may spend, kept by its one owner: held before each call, counted after it.

Calls are made side by side, so looking at what is spent would not do: each would find room for itself. So each holds
room for its prompt and for the longest answer it asks for, and gives it back once it is known what it used.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from shared.contracts.jobs import Claim
from shared.contracts.prices import Price
from shared.contracts.tokens import estimate_tokens
from shared.contracts.usage import Usage
from shared.llm.dialect import Dialect
from shared.llm.errors import BudgetExceededError, PriceUnknownError
from shared.llm.ports import Answer, ChatRequest, Meter, Model, ResponseFormat, TextSink
from shared.llm.tokens import estimate_prompt_tokens

SOFT_SHARE = 0.8
"""Of a limit: beyond it a job does without what it can do without."""
_LEAST_TOKENS = 64
_LEAST_SHARE = 0.25
"""Of the answer asked for: a shorter one is of no use."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a whole job, over all its attempts and workers; None where there is none."""

    max_tokens: int | None = None
    max_cost_usd: float | None = None


NO_LIMITS = Limits()
NOTHING = Usage()


class Budget:
    """The account of one attempt. ``spent`` is what the job used before it, ``price`` that of the model it asks."""

    def __init__(self, limits: Limits = NO_LIMITS, spent: Usage = NOTHING, price: Price | None = None) -> None:
        self.spent = spent
        """Until now, earlier attempts included."""
        self._limits = limits
        self._price = price
        self._held = NOTHING
        self._under_way = 0
        self._settled = asyncio.Event()

    @classmethod
    def of(cls, claim: Claim, price: Price | None) -> "Budget":
        """Of an attempt, for a model of that price."""
        return cls(Limits(claim.max_tokens, claim.max_cost_usd), claim.spent, price)

    def count(self, usage: Usage) -> None:
        """Count what a request used."""
        self.spent += usage

    def is_short(self, more_tokens: int = 0) -> bool:
        """Whether more than four fifths of a limit are spent or held, or would be with so many more tokens."""
        return not self._bears(Usage(prompt_tokens=more_tokens), SOFT_SHARE)

    @asynccontextmanager
    async def reserved(self, prompt_tokens: int, answer_tokens: int) -> AsyncIterator[int]:
        """Hold room for a call while the block runs; gives the most tokens its answer may have, at most as asked.

        Waits where calls under way may yet leave room. Raises BudgetExceededError where there is none left for an
        answer of use, and PriceUnknownError where costs are limited and the model's are not known.
        """
        asked = Usage(prompt_tokens=prompt_tokens, completion_tokens=answer_tokens)
        while not self._bears(asked):
            if not self._under_way:
                asked = self._lowered(asked)
                break
            self._settled.clear()
            await self._settled.wait()
        self._hold(asked, 1)
        try:
            yield asked.completion_tokens
        finally:
            self._hold(asked, -1)
            self._settled.set()

    def _hold(self, asked: Usage, sign: int) -> None:
        self._under_way += sign
        self._held = Usage(
            prompt_tokens=self._held.prompt_tokens + sign * asked.prompt_tokens,
            completion_tokens=self._held.completion_tokens + sign * asked.completion_tokens,
        )

    def _bears(self, more: Usage, share: float = 1.0) -> bool:
        """Whether with so much more no limit's share is passed."""
        promised, limits = self._held + more, self._limits
        if limits.max_tokens is not None and _tokens(self.spent) + _tokens(promised) > share * limits.max_tokens:
            return False
        return limits.max_cost_usd is None or self._cost_with(promised) <= share * limits.max_cost_usd

    def _cost_with(self, promised: Usage) -> float:
        return (self.spent.cost_usd or 0.0) + self._known_price().cost(promised)

    def _known_price(self) -> Price:
        if self._price is None:
            message = "max_cost_usd needs a model whose price is known: set DRAFTLINE_MODEL_PRICES, or limit tokens."
            raise PriceUnknownError(message)
        return self._price

    def _lowered(self, asked: Usage) -> Usage:
        """As much of the answer as there is room for while nothing is under way."""
        room = float(asked.completion_tokens)
        if self._limits.max_tokens is not None:
            room = min(room, self._limits.max_tokens - _tokens(self.spent) - asked.prompt_tokens)
        if self._limits.max_cost_usd is not None:
            left = self._limits.max_cost_usd - self._cost_with(Usage(prompt_tokens=asked.prompt_tokens))
            each = self._known_price().cost(Usage(completion_tokens=1))
            room = min(room, left / each) if each else (room if left >= 0 else -1.0)
        least = min(asked.completion_tokens, max(_LEAST_TOKENS, _LEAST_SHARE * asked.completion_tokens))
        if room < least:
            raise self._exceeded()
        return asked.model_copy(update={"completion_tokens": int(room)})

    def _exceeded(self) -> BudgetExceededError:
        limits = []
        if self._limits.max_tokens is not None:
            limits.append(f"{_tokens(self.spent):,} of max_tokens_total = {self._limits.max_tokens:,}")
        if self._limits.max_cost_usd is not None:
            limits.append(f"{self.spent.cost_usd or 0.0:.4f} of max_cost_usd = {self._limits.max_cost_usd:g}")
        return BudgetExceededError(
            f"The next call would pass the job's limit; spent are {' and '.join(limits)}. What is finished can be read "
            "with ?partial=true.",
        )


class BudgetedModel:
    """A model that is asked only what the budget bears. What it used has to reach the budget through the meter."""

    def __init__(self, model: Model, budget: Budget) -> None:
        self._model = model
        self._budget = budget

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
        """As ``Model.complete``, with a shorter answer where the budget's end is near; raises what
        ``Budget.reserved`` raises, too.
        """
        prompt_tokens = estimate_prompt_tokens(request.messages) + _schema_tokens(response_format)
        async with self._budget.reserved(prompt_tokens, request.max_tokens) as answer_tokens:
            return await self._model.complete(
                replace(request, max_tokens=answer_tokens),
                response_format=response_format,
                sink=sink,
                meter=meter,
                keep=keep,
            )


def _schema_tokens(response_format: ResponseFormat | None) -> int:
    """Endpoints show the schema to the model, and count it."""
    if response_format is None or isinstance(response_format, str):
        return 0
    return estimate_tokens(json.dumps(response_format.model_json_schema()))


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens
