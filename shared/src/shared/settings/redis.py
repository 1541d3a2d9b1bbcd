"""Where Redis is and how long things stay in it."""

from pydantic import Field, SecretStr, field_validator

from shared.settings.base import EnvironmentSettings


class RedisSettings(EnvironmentSettings):
    """The connection, and how the keys are spread."""

    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias="REDIS_URL",
        description="Redis 7.0 or newer, or Valkey. The local launcher starts a Valkey of its own where it is unset.",
    )
    shards: int = Field(
        default=1, ge=1, le=4096, description="Key groups jobs are spread over; fixed at the first start."
    )

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            msg = "REDIS_URL must begin with redis://, rediss:// or unix://"
            raise ValueError(msg)
        return value


class RetentionSettings(EnvironmentSettings):
    """How long a settled job's keys stay, in seconds. A job that is not settled has no expiry."""

    result_ttl_seconds: int = Field(default=3_600, ge=1, description="The result of a completed job.")
    record_ttl_seconds: int = Field(default=86_400, ge=1, description="Record and events of a settled job.")
    failed_ttl_seconds: int = Field(default=604_800, ge=1, description="Everything of a failed job.")
