"""What models cost, as far as it is known."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import from_json
from pydantic_settings import NoDecode

from shared.contracts.prices import Price
from shared.settings.base import EnvironmentSettings
from shared.settings.price_list import published_price


def _decoded(value: object) -> object:
    """JSON text as what it says. Not left to pydantic-settings, whose own error hides where the fault is."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError as error:
        msg = f'must be JSON such as {{"own-model": {{"prompt": 0.4, "completion": 1.6}}}}: {error}'
        raise ValueError(msg) from error


class PriceSettings(EnvironmentSettings):
    """Prices that count before the published ones."""

    model_prices: Annotated[dict[str, Price], NoDecode, BeforeValidator(_decoded)] = Field(
        default={},
        description="JSON: by name of a model, US dollars for a million tokens, such as "
        '{"own-model": {"prompt": 0.4, "completion": 1.6}}. Others: the published prices of known endpoints.',
    )

    def price(self, model: str, base_url: str | None) -> Price | None:
        """Of a model at an endpoint (None: OpenAI's own): the operator's, else the published one; None where neither is
        known.
        """
        return self.model_prices.get(model) or published_price(model, base_url)
