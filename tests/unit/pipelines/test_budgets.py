"""A short budget: what a pipeline can do without is left out and told, what it cannot is written until the limit."""

from collections.abc import Sequence
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from outline_worker.pipeline.graph import build_graph
from outline_worker.pipeline.state import RESULT, OutlineContext
from shared.contracts.commands import ContextFile, OutlinePayload
from shared.contracts.document import Degradation, OutlineResult
from shared.contracts.errors import PermanentError
from shared.contracts.ids import JobRef
from shared.contracts.plan import section_of
from shared.contracts.usage import Usage
from shared.llm import Answer, Budget, BudgetedModel, ChatRequest, Vectors
from shared.llm.budget import Limits
from shared.llm.tokens import estimate_prompt_tokens
from tests.support.llm import AnsweringModel
from tests.unit.pipelines.desk import PaperDesk
from tests.unit.pipelines.test_outline_graph import ANALYSIS, BETTER, FAULTY, FILES, FOREIGN, SOUND, Shelf
from tests.unit.pipelines.test_smoothing import OWN, SHARED
from tests.unit.pipelines.told import FILLER, Told, write

LIMIT = 100_000
TITLES = ("Honey", "Queens", "Drones", "Hives", "Wax", "Swarms")


def _short() -> Budget:
    """More than four fifths are spent."""
    return Budget(Limits(max_tokens=LIMIT), Usage(prompt_tokens=LIMIT * 81 // 100))


class Dear(Told):
    """Uses all the tokens that it may."""

    async def complete(self, request: ChatRequest, **options: Any) -> Answer:
        usage = Usage(
            llm_calls=1, prompt_tokens=estimate_prompt_tokens(request.messages), completion_tokens=request.max_tokens
        )
        self._answer = lambda _prompt, _n: Answer(FILLER, "stop", usage)
        return await super().complete(request, **options)


def _dear() -> Dear:
    return Dear(lambda _prompt, _n: FILLER)


def _total(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens


async def _write(model: Told, budget: Budget, *titles: str, **more: Any) -> Any:
    budgeted: Any = BudgetedModel(model, budget)
    return await write(budgeted, *titles, budget=budget, **more)


def _left_out(degradations: Sequence[Degradation]) -> str:
    """The message of the one degradation there is."""
    (found,) = [each for each in degradations if each.code == "budget_limited"]
    return found.message


async def test_sections_are_written_but_not_mended() -> None:
    model = Told(lambda _prompt, _n: "Honey comes from nectar that bees carry home on every warm day.")
    result = await _write(model, _short(), *TITLES, words=70)
    assert len(model.asked) == len(TITLES)
    assert [section.repaired for section in result.quality.sections] == [[]] * len(TITLES)
    assert _left_out(result.quality.degradations) == "The budget ran short, so these were left out: mending sections."


async def test_what_sections_repeat_is_left_out_without_asking() -> None:
    def answer(prompt: str, _n: int) -> str:
        return " ".join([*OWN[prompt.partition("arrow: ")[2].partition("\n")[0]], SHARED])

    model = Told(answer)
    result = await _write(model, _short(), "Honey", "Queens", words=60)
    assert len(model.asked) == 2
    assert result.document.markdown.count(SHARED) == 1
    assert "rewording what sections repeat" in _left_out(result.quality.degradations)


async def test_search_words_are_not_translated() -> None:
    model = Told(lambda _prompt, _n: FILLER)
    files = [ContextFile(name="bees.txt", text="蜜蜂在夏天采集花蜜并把它酿成蜂蜜。" * 20)]
    result = await _write(model, _short(), "Honey", context_files=files)
    assert len(model.asked) == 1
    assert "search words in the language of the sources" in _left_out(result.quality.degradations)


async def test_the_judge_is_not_asked() -> None:
    text = "A strong hive in the Linden Valley gave 41 kilograms of honey to the keeper, who was content."
    files = [ContextFile(name="hive.txt", text=text)]

    def answer(prompt: str, _n: int) -> str:
        key = prompt.partition("[@")[2].partition("]")[0]
        return (
            f"The strong hive of the Linden Valley was praised by strangers who travelled far for its honey [@{key}]."
        )

    result = await _write(Told(answer), _short(), "Honey", words=20, context_files=files, judge=True)
    assert result.quality.claims.judge == "offline"
    assert result.quality.claims.weak == 1
    assert "a second opinion on doubtful sentences" in _left_out(result.quality.degradations)


class CountingEmbedder:
    configured = True

    def __init__(self) -> None:
        self.asked = 0

    async def vectors(self, texts: Sequence[str], meter: Any = None) -> Vectors:
        self.asked += 1
        return Vectors(None, "It has no vectors.")


@pytest.mark.parametrize(("tokens", "asked"), [(1_000, 0), (1_000_000, 1)])
async def test_passages_are_not_embedded_for_more_than_the_budget_bears(tokens: int, asked: int) -> None:
    embedder, files = CountingEmbedder(), [ContextFile(name="bees.txt", text=FILLER * 30)]
    budget = Budget(Limits(max_tokens=tokens + 2_000), Usage(prompt_tokens=1_000))
    result = await _write(Told(lambda _prompt, _n: FILLER), budget, "Honey", context_files=files, embedder=embedder)
    assert embedder.asked == asked
    found = "ranking passages by their meaning" in "".join(each.message for each in result.quality.degradations)
    assert found is (asked == 0)


async def test_nothing_is_left_out_where_nothing_was_to_do() -> None:
    result = await _write(Told(lambda _prompt, _n: FILLER), _short(), "Honey", "Queens", words=55)
    assert [each.code for each in result.quality.degradations if each.code == "budget_limited"] == []


async def test_the_limit_ends_the_document_and_what_is_finished_stays() -> None:
    model, desk, budget = _dear(), PaperDesk(), Budget(Limits(max_tokens=1_300))
    with pytest.raises(PermanentError, match=r"max_tokens_total = 1,300.*partial=true") as failed:
        await _write(model, budget, *TITLES, desk=desk)
    assert failed.value.code == "budget_exceeded"
    finished = [name for field in desk.stored if (name := section_of(field)) is not None]
    assert 0 < len(finished) < len(TITLES)
    assert _total(budget.spent) <= 1_300
    assert budget.spent == desk.spent
    # A retry has the same limit, and begins with what was spent.
    again = _dear()
    with pytest.raises(PermanentError):
        await _write(again, Budget(Limits(max_tokens=1_300), budget.spent), *TITLES, desk=desk, finished=set(finished))
    assert again.asked == []


async def test_a_draft_that_cannot_be_mended_any_more_stands() -> None:
    """Less than four fifths are spent, but the repair asks for more than the rest."""
    short = "Honey comes from nectar that bees carry home on every warm day."
    model = Told(lambda _prompt, _n: Answer(short, "stop", Usage(llm_calls=1, prompt_tokens=310)))
    result = await _write(model, Budget(Limits(max_tokens=400)), "Honey", words=70)
    assert (len(model.asked), short in result.document.markdown) == (1, True)
    assert "mending sections" in _left_out(result.quality.degradations)


async def _plan(budget: Budget, *answers: str, **wishes: Any) -> tuple[OutlineResult, int]:
    """The outline, and how often the model was asked."""
    model, desk = AnsweringModel(*answers), PaperDesk()
    command = OutlinePayload(**({"task_prompt": "How bees make honey", "context_files": FILES} | wishes))
    context = OutlineContext(
        JobRef("job"), command, BudgetedModel(model, budget), desk, Shelf(), 32_768, 8_192, budget=budget
    )
    thread = {"configurable": {"thread_id": "default/job"}}
    await build_graph(InMemorySaver()).ainvoke({}, thread, context=context, durability="sync")
    assert _total(desk.spent) == 15 * len(model.asked)
    return OutlineResult.model_validate_json(desk.stored[RESULT]), len(model.asked)


async def test_an_outline_is_not_refined() -> None:
    result, asked = await _plan(_short(), ANALYSIS, SOUND, BETTER)
    assert asked == 2
    assert _left_out(result.quality.degradations).endswith(": refining the outline by the evidence.")
    assert not result.quality.time_limited


async def test_an_outline_is_mended_only_where_nothing_could_be_built_on_it() -> None:
    result, asked = await _plan(_short(), ANALYSIS, FAULTY, SOUND, context_files=[])
    assert asked == 2
    assert _left_out(result.quality.degradations).endswith(": mending the outline.")
    result, asked = await _plan(_short(), ANALYSIS, FOREIGN, SOUND, context_files=[])
    assert asked == 3
    assert not result.quality.degradations


class AlmostSpent(Budget):
    """With one of its calls it comes to just below four fifths, and the next asks for more than the rest."""

    def __init__(self, dear: int) -> None:
        super().__init__(Limits(max_tokens=3_400))
        self._dear, self._calls = dear, 0

    def count(self, usage: Usage) -> None:
        self._calls += 1
        super().count(usage + Usage(prompt_tokens=2_650) if self._calls == self._dear else usage)


@pytest.mark.parametrize(
    ("answers", "wishes", "left_out"),
    [
        ((ANALYSIS, SOUND), {}, "refining the outline by the evidence"),
        ((ANALYSIS, FAULTY), {"context_files": []}, "mending the outline"),
    ],
)
async def test_an_outline_that_cannot_be_bettered_any_more_stands(
    answers: tuple[str, ...], wishes: dict[str, Any], left_out: str
) -> None:
    result, asked = await _plan(AlmostSpent(len(answers)), *answers, **wishes)
    assert asked == len(answers)
    assert _left_out(result.quality.degradations).endswith(f": {left_out}.")


async def test_an_outline_of_no_use_fails_at_the_limit() -> None:
    with pytest.raises(PermanentError) as failed:
        await _plan(AlmostSpent(2), ANALYSIS, FOREIGN, context_files=[])
    assert failed.value.code == "budget_exceeded"
