"""What a model costs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.usage import Usage

PerMillion = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_MILLION = 1_000_000


class Price(BaseModel):
    """US dollars for a million tokens each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: PerMillion
    completion: PerMillion

    def cost(self, usage: Usage) -> float:
        """US dollars for the tokens of ``usage``."""
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / _MILLION


def priced(usage: Usage, price: Price | None) -> Usage:
    """The same usage with its cost; without one where the price is unknown."""
    return usage if price is None else usage.model_copy(update={"cost_usd": price.cost(usage)})
