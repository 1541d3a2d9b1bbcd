"""Structured output over real HTTP, on endpoints that know more or less about it."""

import pytest

from shared.contracts.errors import TransientError
from shared.contracts.outline import Outline
from shared.llm import ChatClient, StoredAnswers, complete_json
from tests.support.llm import AnswersInMemory, chat
from tests.support.scripted_model import Reply, ScriptedModel, always, failure, obedient, refusing, sequence

ASKED = chat("An outline about ships.", max_tokens=4_000)


async def test_by_schema(endpoint: ScriptedModel, client: ChatClient) -> None:
    assert len((await complete_json(client, ASKED, Outline)).leaves()) == 4
    sent = endpoint.bodies[0]["response_format"]
    assert sent == {
        "type": "json_schema",
        "json_schema": {"name": "Outline", "schema": Outline.model_json_schema(), "strict": False},
    }


@pytest.mark.parametrize("status", [400, 422, 501])
@pytest.mark.parametrize("refused", [["json_schema"], ["json_schema", "json_object"]])
async def test_the_ladder(endpoint: ScriptedModel, client: ChatClient, refused: list[str], status: int) -> None:
    endpoint.script = refusing(*refused, then=obedient, status=status)
    for _ in range(2):
        assert (await complete_json(client, ASKED, Outline)).nodes
    assert len(endpoint.calls) == len(refused) + 2


async def test_broken_json_is_repaired(endpoint: ScriptedModel, client: ChatClient) -> None:
    endpoint.script = sequence(Reply(text='{"title": "Ships", "nodes": ['), Reply(text="Sorry!"), then=obedient)
    assert (await complete_json(client, ASKED, Outline)).nodes
    assert len(endpoint.calls) == 3


async def test_an_endpoint_that_ignores_the_format(endpoint: ScriptedModel, client: ChatClient) -> None:
    endpoint.script = always(Reply(text="Ships are fine."))
    with pytest.raises(TransientError) as raised:
        await complete_json(client, ASKED, Outline)
    assert raised.value.code == "model_output_invalid"
    assert '"minItems": 1' in endpoint.bodies[1]["messages"][-1]["content"]


async def test_stored_answers_outlive_the_endpoint(endpoint: ScriptedModel, client: ChatClient) -> None:
    store = AnswersInMemory()
    first = await complete_json(StoredAnswers(client, store), ASKED, Outline)
    endpoint.script = always(failure(500))
    assert await complete_json(StoredAnswers(client, store), ASKED, Outline) == first
    assert len(endpoint.calls) == 1
