"""What the outline worker is told beyond what every worker is."""

from pydantic import Field

from shared.settings.base import EnvironmentSettings


class OutlineWorkerSettings(EnvironmentSettings):
    """The worker's internal port."""

    metrics_port: int = Field(default=9101, ge=0, le=65_535, description="Internal port: metrics and probes.")
