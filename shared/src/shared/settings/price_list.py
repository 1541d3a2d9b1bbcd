"""Published prices of models behind the endpoints of known providers; the only importer of genai-prices."""

from functools import lru_cache

from genai_prices import Usage, calc_price

from shared.contracts.prices import Price

_OPENAI = "https://api.openai.com/v1"
_SAMPLE_TOKENS = 1_000
"""Few enough for the lowest tier, where a long prompt costs more for each token."""
_MILLION = 1_000_000


@lru_cache(maxsize=256)
def published_price(model: str, base_url: str | None) -> Price | None:
    """Of a model at an endpoint (None: OpenAI's own), as the installed release knows it; asks no network.

    The endpoint counts and not the name alone: the same model costs nothing on a machine of one's own.
    """
    sample = Usage(input_tokens=_SAMPLE_TOKENS, output_tokens=_SAMPLE_TOKENS)
    try:
        found = calc_price(sample, model, provider_api_url=base_url or _OPENAI)
    except LookupError:
        return None
    scale = _MILLION / _SAMPLE_TOKENS
    return Price(prompt=float(found.input_price) * scale, completion=float(found.output_price) * scale)
