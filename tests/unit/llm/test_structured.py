"""The ladder of response formats, repairs, and what is stored of them."""

from typing import Annotated

import pytest
from pydantic import BaseModel, StringConstraints

from shared.contracts.errors import PermanentError, TransientError
from shared.contracts.usage import Usage
from shared.llm import Answer, StoredAnswers, complete_json
from shared.llm.errors import ModelContextExceededError, ModelRequestRefusedError
from tests.support.llm import AnsweringModel, AnswersInMemory, chat


class Plan(BaseModel):
    """What the tests ask for."""

    title: Annotated[str, StringConstraints(max_length=20)]
    parts: list[str]


GOOD = '{"title": "Dams", "parts": ["one"]}'
REFUSED = ModelRequestRefusedError("response_format is unavailable")
PLAN = Plan(title="Dams", parts=["one"])


async def test_a_schema_is_asked_for_first() -> None:
    model = AnsweringModel(GOOD)
    assert await complete_json(model, chat("Plan"), Plan) == PLAN
    assert model.asked == [(chat("Plan"), Plan)]


async def test_it_steps_down_and_remembers() -> None:
    model = AnsweringModel(REFUSED, REFUSED, GOOD, GOOD)
    assert await complete_json(model, chat("Plan"), Plan) == PLAN
    assert await complete_json(model, chat("Again"), Plan) == PLAN
    assert [response_format for _, response_format in model.asked] == [Plan, "json_object", None, None]


async def test_below_the_first_rung_the_prompt_holds_the_schema() -> None:
    model = AnsweringModel(REFUSED, GOOD)
    await complete_json(model, chat("Plan", system="Be brief."), Plan)
    system, user = model.asked[1][0].messages
    assert system.content == "Be brief."
    assert user.content.startswith("Plan\n\n")
    assert '"maxLength": 20' in user.content


async def test_a_request_refused_on_every_rung_teaches_nothing() -> None:
    model = AnsweringModel(REFUSED, REFUSED, REFUSED)
    with pytest.raises(PermanentError, match="response_format"):
        await complete_json(model, chat("Plan"), Plan)
    assert model.dialect.rung == "json_schema"


async def test_a_prompt_that_is_too_long_is_no_refusal() -> None:
    model = AnsweringModel(ModelContextExceededError("too long"))
    with pytest.raises(PermanentError, match="too long"):
        await complete_json(model, chat("Plan"), Plan)
    assert len(model.asked) == 1


async def test_the_model_is_shown_what_is_wrong() -> None:
    bad = '{"title": "A title of more than twenty characters", "parts": ["one"]}'
    model = AnsweringModel(bad, GOOD)
    assert await complete_json(model, chat("Plan"), Plan) == PLAN
    _, shown, complaint = model.asked[1][0].messages
    assert (shown.role, shown.content) == ("assistant", bad)
    assert "- title: String should have at most 20 characters" in complaint.content
    assert '"maxLength": 20' in complaint.content


async def test_a_cut_off_answer_is_asked_to_be_shorter() -> None:
    model = AnsweringModel(Answer(GOOD[:-8], "length", Usage()), GOOD)
    assert await complete_json(model, chat("Plan"), Plan) == PLAN
    assert "cut off" in model.asked[1][0].messages[-1].content


async def test_the_candidate_that_fits_is_taken() -> None:
    model = AnsweringModel(f'Such as {{"title": "x"}}, so: {GOOD}')
    assert await complete_json(model, chat("Plan"), Plan) == PLAN


async def test_two_corrections_then_the_queue() -> None:
    model = AnsweringModel("no", "still no", "never")
    with pytest.raises(TransientError) as raised:
        await complete_json(model, chat("Plan"), Plan)
    assert raised.value.code == "model_output_invalid"
    assert [len(request.messages) for request, _ in model.asked] == [1, 3, 5]


async def test_every_call_is_counted() -> None:
    counted: list[Usage] = []
    await complete_json(AnsweringModel("no", GOOD), chat("Plan"), Plan, meter=counted.append)
    assert sum(counted, Usage()) == Usage(llm_calls=2, prompt_tokens=20, completion_tokens=10)


async def test_a_paid_correction_is_found_again() -> None:
    store = AnswersInMemory()
    assert await complete_json(StoredAnswers(AnsweringModel("no", GOOD), store), chat("Plan"), Plan) == PLAN
    assert await complete_json(StoredAnswers(AnsweringModel(), store), chat("Plan"), Plan) == PLAN


async def test_the_next_attempt_asks_again_after_unfit_answers() -> None:
    store = AnswersInMemory()
    with pytest.raises(TransientError):
        await complete_json(StoredAnswers(AnsweringModel("no", "no!", "no!!"), store), chat("Plan"), Plan)
    model = AnsweringModel(GOOD)
    assert await complete_json(StoredAnswers(model, store), chat("Plan"), Plan) == PLAN
    assert len(model.asked) == 1
