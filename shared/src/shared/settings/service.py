"""What every service and every worker is told."""

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.settings.base import EnvironmentSettings


class ObservabilitySettings(EnvironmentSettings):
    """Logs and the internal port."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    host: str = Field(
        default="127.0.0.1",
        description="Address all ports bind to, of IPv4 or IPv6. `::` takes both; containers set 0.0.0.0.",
    )
    metrics_fd: int | None = Field(
        default=None,
        ge=3,
        description="File descriptor of a bound TCP socket that a supervisor hands down. The internal port is then "
        "served there, and address and DRAFTLINE_METRICS_PORT are not used.",
    )


class WorkerSettings(EnvironmentSettings):
    """How a worker takes jobs and lets go of them. Times in seconds."""

    concurrency: int = Field(default=100, ge=1, le=10_000, description="Jobs at once in one worker process.")
    lease_seconds: float = Field(
        default=30,
        ge=0.5,
        le=3_600,
        description="How long a worker may be silent before another takes its jobs.",
    )
    grace_seconds: float = Field(
        default=30,
        ge=0,
        description="After SIGTERM: how long running jobs may go on before they are released.",
    )
    backoff_base_seconds: float = Field(default=2, gt=0, description="Wait before the second attempt; then doubling.")
    backoff_cap_seconds: float = Field(default=300, gt=0, description="Longest wait between two attempts.")
    poll_seconds: float = Field(default=2, gt=0, description="Longest wait between two looks at the queue.")
    soft_time_limit_seconds: float = Field(
        default=1500, gt=0, description="Work on a job after which it finishes with what it has."
    )
    hard_time_limit_seconds: float = Field(default=1_800, gt=0, description="Work on a job after which it fails.")

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if self.soft_time_limit_seconds > self.hard_time_limit_seconds:
            msg = "DRAFTLINE_SOFT_TIME_LIMIT_SECONDS must not be above DRAFTLINE_HARD_TIME_LIMIT_SECONDS"
            raise ValueError(msg)
        return self
