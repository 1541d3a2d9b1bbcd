"""What a model costs: the operator's word, the published price of a known endpoint, or nothing."""

import json

import pytest
from pydantic import ValidationError

from shared.contracts.prices import Price, priced
from shared.contracts.usage import Usage
from shared.settings import PriceSettings

OWN = {"own-model": {"prompt": 0.5, "completion": 2}}
OPENAI = "https://api.openai.com/v1"


@pytest.fixture
def prices(monkeypatch: pytest.MonkeyPatch) -> PriceSettings:
    monkeypatch.setenv("DRAFTLINE_MODEL_PRICES", json.dumps({**OWN, "gpt-4o-mini": {"prompt": 9, "completion": 9}}))
    return PriceSettings()


def test_a_usage_has_a_cost_where_the_price_is_known() -> None:
    usage = Usage(llm_calls=1, prompt_tokens=1_000_000, completion_tokens=500_000, estimated=True)
    assert priced(usage, Price(prompt=0.5, completion=2)) == usage.model_copy(update={"cost_usd": 1.5})
    assert priced(usage, None).cost_usd is None


def test_the_operators_price_counts_before_the_published_one(prices: PriceSettings) -> None:
    assert prices.price("own-model", "http://127.0.0.1:1/v1") == Price(prompt=0.5, completion=2)
    assert prices.price("gpt-4o-mini", OPENAI) == Price(prompt=9, completion=9)


def test_published_prices_go_with_the_endpoint(prices: PriceSettings) -> None:
    found = prices.price("gpt-4.1-mini", None)
    assert found is not None
    assert 0 < found.prompt < found.completion
    assert prices.price("gpt-4.1-mini", OPENAI) == found
    # The same name on a machine of one's own is no bill of OpenAI's.
    assert prices.price("gpt-4.1-mini", "http://127.0.0.1:1/v1") is None


@pytest.mark.parametrize("model", ["", "no-such-model", "x" * 10_000, "模型"])
def test_unknown_models_have_no_price(prices: PriceSettings, model: str) -> None:
    assert prices.price(model, None) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("gpt-4: 3", "must be JSON such as"),
        ("[]", "valid dictionary"),
        ('{"m": {"prompt": 1}}', "m.completion: Field required"),
        ('{"m": {"prompt": -1, "completion": 1}}', "m.prompt: Input should be greater than or equal to 0"),
        ('{"m": {"prompt": 1, "completion": NaN}}', "m.completion: Input should be a finite number"),
        ('{"m": {"prompt": 1, "completion": 1, "cached": 1}}', "m.cached: Extra inputs are not permitted"),
    ],
)
def test_a_bad_table_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("DRAFTLINE_MODEL_PRICES", value)
    with pytest.raises(ValidationError) as refused:
        PriceSettings()
    (fault,) = refused.value.errors()
    assert told in f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}"
