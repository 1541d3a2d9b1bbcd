"""What the gateway is told."""

from pydantic import Field

from shared.settings.base import EnvironmentSettings


class GatewaySettings(EnvironmentSettings):
    """Ports and times of the gateway."""

    port: int = Field(default=8000, ge=0, le=65_535, validation_alias="PORT", description="Public HTTP port.")
    metrics_port: int = Field(default=9100, ge=0, le=65_535, description="Internal port: metrics and probes.")
    grace_seconds: float = Field(default=30, ge=0, description="After SIGTERM: how long open requests may go on.")
    heartbeat_seconds: float = Field(default=10, gt=0, description="Silence on an event stream before a comment.")
    slow_client_seconds: float = Field(default=30, gt=0, description="How long a client may leave an event unread.")
    sample_seconds: float = Field(default=5, gt=0, description="Between two measurements of the queues.")
