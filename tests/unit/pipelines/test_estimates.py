"""What was estimated for ten documents holds what they used."""

import pytest

from tests.support.estimated import MODELS, WISHES, estimated, made

_SHORT = {"en-300"}
"""Planning is most of the work, and whether it is mended is most of the doubt."""
RUNS = [(name, MODELS[number % len(MODELS)]) for number, name in enumerate(WISHES)]
RUNS += [("en-outline-file", model) for model in MODELS if ("en-outline-file", model) not in RUNS]


@pytest.mark.parametrize(("name", "model"), RUNS)
async def test_a_document_takes_what_was_estimated(name: str, model: str) -> None:
    told = estimated(WISHES[name])
    used, sections = await made(WISHES[name], model)
    assert told.sections.low <= sections <= told.sections.high
    assert told.calls.low <= used.llm_calls <= told.calls.high
    assert told.prompt_tokens.low <= used.prompt_tokens <= told.prompt_tokens.high
    assert told.completion_tokens.low <= used.completion_tokens <= told.completion_tokens.high


@pytest.mark.parametrize("name", WISHES)
def test_an_estimate_says_something(name: str) -> None:
    tokens = estimated(WISHES[name]).total_tokens
    assert tokens.high <= tokens.low * (6 if name in _SHORT else 4)
