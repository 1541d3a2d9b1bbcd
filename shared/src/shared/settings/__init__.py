"""The only readers of the environment: small classes, one a concern."""

from shared.settings.embeddings import EmbeddingSettings
from shared.settings.model import ModelSettings
from shared.settings.prices import PriceSettings
from shared.settings.redis import RedisSettings, RetentionSettings
from shared.settings.sandbox import SandboxSettings
from shared.settings.search import SearchSettings
from shared.settings.service import ObservabilitySettings, WorkerSettings

__all__ = [
    "EmbeddingSettings",
    "ModelSettings",
    "ObservabilitySettings",
    "PriceSettings",
    "RedisSettings",
    "RetentionSettings",
    "SandboxSettings",
    "SearchSettings",
    "WorkerSettings",
]
