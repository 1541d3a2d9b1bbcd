"""The names of requests, token estimates, the dialect and Retry-After."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm import Dialect, Message, estimate_tokens, request_hash
from shared.llm.failures import retry_after_seconds
from tests.support.llm import chat

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)


def test_the_hash_is_stable() -> None:
    # A change here makes every stored answer unfindable.
    assert request_hash(chat("Hello")) == "8f021d0654d781c78db9cb7078f389bc08b1778acd8484154f0e5843c69427a8"


def test_everything_that_matters_changes_the_hash() -> None:
    request = chat("Hello")
    variants = [
        chat("Hello!"),
        chat("Hello", system="Be brief."),
        replace(request, max_tokens=1),
        replace(request, temperature=0.9),
        replace(request, model="other"),
        replace(request, messages=(Message("assistant", "Hello"),)),
    ]
    hashes = {request_hash(request), request_hash(request, "json"), *map(request_hash, variants)}
    assert len(hashes) == len(variants) + 2


@given(st.text(), st.text())
def test_the_hash_depends_on_content_alone(text: str, extra: str) -> None:
    assert request_hash(chat(text), extra) == request_hash(chat(text), extra)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("abcd", 1), ("abcde", 2), ("水利工程", 4), ("水利 dam", 3)])
def test_token_estimates(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens(text: str, more: str) -> None:
    assert estimate_tokens(text) <= estimate_tokens(text + more) <= estimate_tokens(text) + estimate_tokens(more)


def test_a_large_file_of_any_bytes_is_counted_soon() -> None:
    text = bytes(range(256)).decode("latin-1") * 20_000
    begun = time.perf_counter()
    assert estimate_tokens(text) == len(text) // 4
    assert time.perf_counter() - begun < 1.0


def test_a_new_dialect_says_everything() -> None:
    assert Dialect().speak({"max_tokens": 9, "temperature": 0.3}) == {"max_tokens": 9, "temperature": 0.3}


def test_refused_parameters_are_left_out() -> None:
    dialect = Dialect()
    assert dialect.learn("Unsupported parameter: 'max_tokens' is not supported with this model.")
    assert dialect.learn("'temperature' does not support 0.3 with this model.")
    assert dialect.speak({"max_tokens": 9, "temperature": 0.3, "stream": True}) == {
        "max_completion_tokens": 9,
        "stream": True,
    }


@pytest.mark.parametrize(
    "refusal", ["max_tokens is too large: 9999", "This schema is not supported", "temperature must be below 2"]
)
def test_other_refusals_teach_nothing(refusal: str) -> None:
    assert not Dialect().learn(refusal)


def test_the_same_refusal_is_met_once() -> None:
    dialect = Dialect()
    assert dialect.learn("stream_options is not permitted")
    assert not dialect.learn("stream_options is not permitted")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, 86_400.0),
        ({"retry-after": "Wed, 31 Jan 2024 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Wed, 31 Jan 2024 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds
