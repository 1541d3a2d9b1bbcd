"""An answer is paid for once."""

import pytest

from shared.contracts.errors import TransientError
from shared.contracts.usage import Usage
from shared.llm import StoredAnswers
from shared.llm.errors import ModelUnavailableError
from tests.support.llm import AnsweringModel, AnswersInMemory, WrittenText, chat


async def test_the_second_time_nothing_is_asked_nor_counted() -> None:
    model, sink, counted = AnsweringModel("Once."), WrittenText(), list[Usage]()
    stored = StoredAnswers(model, AnswersInMemory())
    first = await stored.complete(chat("Hello"), meter=counted.append)
    second = await stored.complete(chat("Hello"), sink=sink, meter=counted.append)
    assert second == first
    assert (len(model.asked), len(counted), sink.pieces) == (1, 1, ["Once."])


async def test_another_format_is_another_question() -> None:
    model = AnsweringModel("text", "{}")
    stored = StoredAnswers(model, AnswersInMemory())
    await stored.complete(chat("Hello"))
    await stored.complete(chat("Hello"), response_format="json_object")
    assert len(model.asked) == 2


async def test_a_failure_is_not_stored() -> None:
    model = AnsweringModel(ModelUnavailableError("down"), "Here.")
    stored = StoredAnswers(model, AnswersInMemory())
    with pytest.raises(TransientError):
        await stored.complete(chat("Hello"))
    assert (await stored.complete(chat("Hello"))).text == "Here."


async def test_a_rejected_answer_is_returned_but_not_stored() -> None:
    model = AnsweringModel("bad", "good")
    stored = StoredAnswers(model, AnswersInMemory())
    texts = [(await stored.complete(chat("Hello"), keep=lambda answer: answer.text == "good")).text for _ in range(3)]
    assert texts == ["bad", "good", "good"]


def test_what_is_known_of_the_endpoint_is_shared() -> None:
    model = AnsweringModel()
    assert StoredAnswers(model, AnswersInMemory()).dialect is model.dialect
