"""What the gateway is told."""

from typing import Literal

from pydantic import Field

from shared.settings.base import EnvironmentSettings
from shared.settings.model import ModelSettings


class GatewaySettings(EnvironmentSettings):
    """Ports and times of the gateway."""

    port: int = Field(default=8000, ge=0, le=65_535, validation_alias="PORT", description="Public HTTP port.")
    listen_fd: int | None = Field(
        default=None,
        ge=3,
        description="File descriptor of a bound TCP socket that a supervisor hands down. The API is then served there, "
        "and address and PORT are not used.",
    )
    metrics_port: int = Field(default=9100, ge=0, le=65_535, description="Internal port: metrics and probes.")
    grace_seconds: float = Field(default=30, ge=0, description="After SIGTERM: how long open requests may go on.")
    heartbeat_seconds: float = Field(default=10, gt=0, description="Silence on an event stream before a comment.")
    slow_client_seconds: float = Field(default=30, gt=0, description="How long a client may leave an event unread.")
    sample_seconds: float = Field(default=5, gt=0, description="Between two measurements of the queues.")
    durability: Literal["local", "replicated"] = Field(
        default="local", description="`replicated`: a 202 means that a replica of Redis has the job, else 503."
    )
    replication_seconds: float = Field(
        default=1, gt=0, le=4, description="With `replicated`: how long a replica may take to confirm."
    )
    admission_memory_percent: float = Field(
        default=75, gt=0, le=100, description="Of Redis's `maxmemory`: where more is used, new jobs are refused."
    )


class WorkersModelSettings(ModelSettings):
    """The model of the workers, by the same variables: for estimates and limits. The gateway does without its name."""

    model: str = Field(validation_alias="OPENAI_MODEL", default="")
