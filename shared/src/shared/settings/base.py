"""Base of the settings classes."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class EnvironmentSettings(BaseSettings):
    """Reads variables named ``DRAFTLINE_<FIELD>``, or the alias a field gives."""

    model_config = SettingsConfigDict(
        env_prefix="DRAFTLINE_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )
