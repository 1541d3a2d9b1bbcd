"""Which model writes."""

from pydantic import Field, SecretStr

from shared.settings.base import EnvironmentSettings


class ModelSettings(EnvironmentSettings):
    """An OpenAI-compatible endpoint."""

    api_key: SecretStr = Field(
        validation_alias="OPENAI_API_KEY",
        default=SecretStr(""),
        description="Key of the endpoint; may stay empty where it asks for none.",
    )
    base_url: str | None = Field(
        validation_alias="OPENAI_BASE_URL",
        default=None,
        description="Endpoint, ending in /v1. Unset: the openai client's own default.",
    )
    model: str = Field(
        validation_alias="OPENAI_MODEL",
        min_length=1,
        description="Name of the model. The local launcher starts a small one where all OPENAI_* are unset.",
    )
    model_context_tokens: int = Field(
        default=32_768, ge=2_048, description="Context window of the model, prompt and answer together."
    )
    model_max_output_tokens: int = Field(
        default=8_192, ge=256, description="Most tokens asked of the model at once; longer texts are gone on with."
    )
    model_concurrency: int = Field(default=64, ge=1, description="Model calls at once in one worker process.")
    model_connect_seconds: float = Field(default=10, gt=0, description="Longest wait for a connection.")
    model_idle_seconds: float = Field(default=120, gt=0, description="Longest silence in the middle of an answer.")

    @property
    def answer_tokens(self) -> int:
        """Most tokens of one answer: a third of the window at most, the rest is for what is asked."""
        return min(self.model_context_tokens // 3, self.model_max_output_tokens)
