"""What a job is expected to take, before it is run."""

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.states import JobKind


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(_Frozen):
    """From where nothing has to be mended to where everything has to be once."""

    low: int
    high: int


class CostBounds(_Frozen):
    """US dollars."""

    low: float
    high: float


class Estimate(_Frozen):
    """Of one job, from its request alone; nothing was run."""

    kind: JobKind
    sections: Bounds = Field(description="That are written; of an outline: that it plans")
    calls: Bounds = Field(description="Of the model, continuations and repairs included")
    prompt_tokens: Bounds
    completion_tokens: Bounds
    total_tokens: Bounds = Field(description="What `max_tokens_total` limits")
    cost_usd: CostBounds | None = Field(description="null where the model's price is unknown")
    model: str | None = Field(description="null where the request names none and the gateway is told of none")
    basis: list[str] = Field(description="What was assumed")
