"""Where Redis is and how long things stay in it."""

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.contracts.jobs import Retention
from shared.settings.base import EnvironmentSettings

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:\[\]]+):\d{1,5}")


class RedisSettings(EnvironmentSettings):
    """The connection, and how the keys are spread."""

    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias="REDIS_URL",
        description="Redis 7.0 or newer, or Valkey. The local launcher starts a Valkey of its own where it is unset.",
    )
    redis_sentinels: str = Field(
        default="",
        description="Sentinels to ask for the master, host:port with commas between; REDIS_URL then gives user, "
        "password, database and whether TLS is used.",
    )
    redis_sentinel_master: str = Field(
        default="mymaster", min_length=1, description="The name the Sentinels know the master by."
    )
    redis_sentinel_password: SecretStr | None = Field(default=None, description="Password of the Sentinels.")
    redis_cluster: bool = Field(
        default=False, description="REDIS_URL names a node of a Cluster. Spread the jobs with DRAFTLINE_SHARDS."
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

    @field_validator("redis_sentinels")
    @classmethod
    def _check_addresses(cls, value: str) -> str:
        for address in filter(None, value.split(",")):
            if not _ADDRESS.fullmatch(address.strip()):
                msg = f"{address.strip()!r} is no host:port"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _check_topology(self) -> Self:
        if self.redis_cluster and self.redis_sentinels:
            msg = "DRAFTLINE_REDIS_CLUSTER and DRAFTLINE_REDIS_SENTINELS exclude each other"
            raise ValueError(msg)
        if self.redis_cluster and self.url.get_secret_value().startswith("unix://"):
            msg = "a Cluster is reached by redis:// or rediss://, not by unix://"
            raise ValueError(msg)
        if self.redis_cluster and urlsplit(self.url.get_secret_value()).path not in {"", "/", "/0"}:
            msg = "a Cluster has no databases: leave the number out of REDIS_URL"
            raise ValueError(msg)
        return self

    def sentinel_addresses(self) -> list[tuple[str, int]]:
        """Host and port of each Sentinel."""
        pairs = (address.strip().rpartition(":") for address in self.redis_sentinels.split(",") if address.strip())
        return [(host.strip("[]"), int(port)) for host, _, port in pairs]


class RetentionSettings(EnvironmentSettings):
    """How long a settled job's keys stay, in seconds. A job that is not settled has no expiry."""

    result_ttl_seconds: int = Field(default=3_600, ge=1, description="The result of a completed job.")
    record_ttl_seconds: int = Field(default=86_400, ge=1, description="Record and events of a settled job.")
    failed_ttl_seconds: int = Field(default=604_800, ge=1, description="Everything of a failed job.")

    @property
    def retention(self) -> Retention:
        return Retention(self.result_ttl_seconds, self.record_ttl_seconds, self.failed_ttl_seconds)
