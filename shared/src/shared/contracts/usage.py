"""What a job has spent on models."""

from pydantic import BaseModel, ConfigDict, Field


class Usage(BaseModel):
    """Sums over all model calls of a job, over all its attempts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    llm_calls: int = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    cost_usd: float | None = Field(default=None, ge=0, description="null where the model's price is unknown")
    estimated: bool = Field(default=False, description="true if any part is our estimate, not the endpoint's report")

    def __add__(self, other: "Usage") -> "Usage":
        costs = [usage.cost_usd for usage in (self, other) if usage.cost_usd is not None]
        return Usage(
            llm_calls=self.llm_calls + other.llm_calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost_usd=sum(costs) if costs else None,
            estimated=self.estimated or other.estimated,
        )
