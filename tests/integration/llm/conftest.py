"""A scripted endpoint over real HTTP and clients of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.llm import ChatClient
from tests.support.llm import InstantClock, Observed, model_settings
from tests.support.scripted_model import ScriptedModel


@pytest.fixture
def endpoint() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
async def client(endpoint: ScriptedModel, clock: InstantClock, observed: Observed) -> AsyncIterator[ChatClient]:
    async with ChatClient(model_settings(endpoint.base_url), clock, observer=observed) as client:
        yield client


@pytest.fixture
async def impatient(endpoint: ScriptedModel, clock: InstantClock) -> AsyncIterator[ChatClient]:
    """Takes a tenth of a second of silence in an answer for its end."""
    settings = model_settings(endpoint.base_url, idle_seconds=0.1, connect_seconds=0.4)
    async with ChatClient(settings, clock) as client:
        yield client
