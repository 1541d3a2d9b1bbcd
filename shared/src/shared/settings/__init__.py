"""The only readers of the environment: small classes, one a concern."""

from shared.settings.model import ModelSettings
from shared.settings.redis import RedisSettings, RetentionSettings
from shared.settings.service import ObservabilitySettings, WorkerSettings

__all__ = [
    "ModelSettings",
    "ObservabilitySettings",
    "RedisSettings",
    "RetentionSettings",
    "WorkerSettings",
]
