"""What two sections say is said once in the document."""

import asyncio
from typing import Any

import pytest

from shared.contracts.events import Section
from shared.llm import Answer, ChatRequest
from shared.llm.errors import ModelUnavailableError
from tests.unit.pipelines.desk import PaperDesk
from tests.unit.pipelines.told import FILLER, Told, write

OWN = {
    "Honey": [
        "Nectar is carried home in a second stomach and handed from tongue to tongue.",
        "Enzymes split its sugars while the water goes.",
        "Wings fan the cells through the night until what is left no longer ferments.",
        "A thin lid of wax then seals each cell for the months without flowers.",
    ],
    "Queens": [
        "She leaves once for a flight among drones and never needs another.",
        "Eggs follow by the hundred from March on.",
        "Her scent tells every worker that the colony has a mother and should stay together.",
        "When it fades, cells as large as acorns are drawn and new rulers grow in them.",
    ],
    "Drones": [
        "Males have no sting and gather no pollen at all.",
        "Large eyes help them to find a mate high above the trees.",
        "Late summer ends their stay, since guards push them out at the door.",
        "Few mourn the loss, for stores have to last over the cold.",
    ],
}


def _with_shared(prompt: str, shared: str) -> str:
    own = OWN[prompt.partition("arrow: ")[2].partition("\n")[0]]
    return " ".join([own[0], shared, *own[1:]])


SHARED = "All of the hives in the valley were counted by the district office in the early spring."


async def test_what_two_sections_say_is_put_in_other_words_in_the_second() -> None:
    reworded = "The district office went through the valley when winter ended and noted how many hives there were."

    def answer(prompt: str, _n: int) -> str:
        if "Other sections of the document say already" in prompt:
            return prompt.partition("The paragraph:\n")[2].partition("\n\n")[0].replace(SHARED, reworded)
        return _with_shared(prompt, SHARED)

    model, desk = Told(answer), PaperDesk()
    result = await write(model, "Honey", "Queens", desk=desk, words=75)
    assert len(model.asked) == 3
    assert SHARED in model.asked[2]
    assert result.document.markdown.count(SHARED) == result.document.markdown.count(reworded) == 1
    assert result.document.markdown.index(SHARED) < result.document.markdown.index(reworded)
    assert result.quality.repetition.share == 0.0
    assert desk.shown("s2") == desk.stored["text:s2"].decode()
    announced = [event.revision for event in desk.events if isinstance(event, Section) and event.section_id == "s2"]
    assert announced == sorted(set(announced))


@pytest.mark.parametrize(
    "around",
    [
        "The text before it ends so:\n{}",
        "The paragraph I was given goes on with the one before it.\n\n{}",
    ],
)
async def test_an_answer_that_speaks_of_the_task_is_not_taken_for_the_paragraph(around: str) -> None:
    def answer(prompt: str, _n: int) -> str:
        if "Other sections of the document say already" in prompt:
            paragraph = prompt.partition("The paragraph:\n")[2].partition("\n\n")[0]
            return around.format(paragraph.replace(SHARED, "The district office noted how many hives there were."))
        return _with_shared(prompt, SHARED)

    result = await write(Told(answer), "Honey", "Queens", words=75)
    assert result.document.markdown.count(SHARED) == 1
    assert around[:20] not in result.document.markdown


async def test_what_the_model_says_again_and_again_is_left_out() -> None:
    model = Told(lambda prompt, _n: _with_shared(prompt, SHARED) if "arrow: " in prompt else SHARED)
    result = await write(model, "Honey", "Queens", "Drones", words=75)
    assert result.document.markdown.count(SHARED) == 1
    assert result.quality.repetition.share == 0.0


async def test_introduction_and_conclusion_do_not_say_the_same() -> None:
    def answer(prompt: str, _n: int) -> str:
        if "The document as it stands" not in prompt:
            return " ".join(OWN["Honey"])
        return " ".join([SHARED, *OWN["Queens" if "introduction" in prompt else "Drones"]])

    result = await write(Told(answer), "Introduction", "Honey", "Conclusion", words=60)
    assert result.document.markdown.count(SHARED) == 1
    assert result.quality.repetition.share == 0.0


async def test_a_model_with_one_text_only_is_not_asked_again() -> None:
    model = Told(lambda _prompt, _n: FILLER)
    result = await write(model, "Honey", "Queens", "Drones")
    assert len(model.asked) == 3
    assert result.quality.repetition.share > 0.5
    assert result.quality.score.parts["repetition"] == 0.0


async def test_a_model_that_fails_while_smoothing_costs_nothing_that_is_written() -> None:
    def answer(prompt: str, _n: int) -> str:
        if "arrow: " not in prompt:
            raise ModelUnavailableError("away")
        return _with_shared(prompt, SHARED)

    result = await write(Told(answer), "Honey", "Queens", words=75)
    assert result.document.markdown.count(SHARED) == 1


async def test_a_smoothing_that_hangs_is_not_waited_for() -> None:
    class Hanging(Told):
        async def complete(self, request: ChatRequest, **more: Any) -> Answer:
            answer = await super().complete(request, **more)
            if "arrow: " not in request.messages[-1].content or "so far" in request.messages[-1].content:
                await asyncio.sleep(60)
            return answer

    model, desk = (
        Hanging(lambda prompt, _n: _with_shared(prompt, SHARED) if "arrow: " in prompt else ""),
        PaperDesk(text_seconds=0.3),
    )
    result = await write(model, "Honey", "Queens", desk=desk, words=75)
    assert result.document.markdown.count(SHARED) == 1
    assert desk.shown("s2") == desk.stored["text:s2"].decode()


async def test_nothing_is_smoothed_when_the_time_is_short() -> None:
    desk = PaperDesk()

    def answer(prompt: str, n: int) -> str:
        if n == 2:
            desk.soft_seconds = 0.0
        return _with_shared(prompt, SHARED)

    model = Told(answer)
    result = await write(model, "Honey", "Queens", desk=desk, words=75)
    assert len(model.asked) == 2
    assert result.document.markdown.count(SHARED) == 1
