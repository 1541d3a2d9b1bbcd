"""What a job may spend: held before a call, counted after it, never passed by more than an estimate is off."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.errors import PermanentError, TransientError
from shared.contracts.prices import Price
from shared.contracts.usage import Usage
from shared.llm import Answer, Budget, BudgetedModel, ChatRequest, Dialect, StoredAnswers
from shared.llm.budget import Limits
from shared.llm.errors import BudgetExceededError, ModelUnavailableError
from shared.llm.tokens import estimate_prompt_tokens
from tests.support.llm import AnsweringModel, AnswersInMemory, chat

PRICE = Price(prompt=1.0, completion=4.0)
CALLS = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1)), min_size=1, max_size=20)
"""Prompt tokens, tokens asked for, share of them that comes."""


def _used(prompt: int, completion: int, calls: int = 1) -> Usage:
    usage = Usage(llm_calls=calls, prompt_tokens=prompt, completion_tokens=completion)
    return usage.model_copy(update={"cost_usd": PRICE.cost(usage)})


def _total(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens


async def _call(budget: Budget, prompt: int, asked: int, share: float) -> bool:
    """One call, which gives way to others twice; whether there was room."""
    try:
        async with budget.reserved(prompt, asked) as allowed:
            assert 0 < allowed <= asked
            await asyncio.sleep(0)
            budget.count(_used(prompt, int(allowed * share)))
            await asyncio.sleep(0)
    except BudgetExceededError:
        return False
    return True


async def _side_by_side(budget: Budget, calls: list[tuple[int, int, float]]) -> list[bool]:
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(_call(budget, *call)) for call in calls]
    return [task.result() for task in tasks]


@given(CALLS, st.integers(1, 5_000), st.one_of(st.none(), st.floats(1e-6, 0.01)))
def test_calls_side_by_side_never_pass_the_limit_and_all_come_to_an_end(
    calls: list[tuple[int, int, float]], max_tokens: int, max_cost_usd: float | None
) -> None:
    budget = Budget(Limits(max_tokens, max_cost_usd), price=PRICE)
    asyncio.run(_side_by_side(budget, calls))
    assert _total(budget.spent) <= max_tokens
    assert (budget.spent.cost_usd or 0.0) <= (max_cost_usd or 1e9) + 1e-12


@given(CALLS)
def test_what_fits_altogether_is_made_altogether(calls: list[tuple[int, int, float]]) -> None:
    budget = Budget(Limits(max_tokens=sum(prompt + asked for prompt, asked, _ in calls)))
    assert all(asyncio.run(_side_by_side(budget, calls)))


async def test_a_call_waits_for_room_that_others_leave() -> None:
    budget, events = Budget(Limits(max_tokens=1_000)), []

    async def second() -> None:
        async with budget.reserved(300, 300) as allowed:
            events.append(allowed)

    async with asyncio.TaskGroup() as group, budget.reserved(300, 300):
        group.create_task(second())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert events == []
        budget.count(_used(300, 50))
    assert events == [300]


async def test_the_last_call_may_be_a_shorter_one() -> None:
    budget = Budget(Limits(max_tokens=1_000), _used(700, 0))
    async with budget.reserved(100, 400) as allowed:
        assert allowed == 200
    with pytest.raises(PermanentError, match=r"700 of max_tokens_total = 1,000.*partial=true"):
        async with budget.reserved(100, 900):
            pass


async def test_a_short_answer_is_asked_for_whole_or_not_at_all() -> None:
    budget = Budget(Limits(max_tokens=1_000), _used(939, 0))
    async with budget.reserved(10, 50) as allowed:
        assert allowed == 50
    with pytest.raises(PermanentError):
        async with budget.reserved(12, 50):
            pass


async def test_costs_bound_the_answer_by_its_own_price() -> None:
    # Left are 1,000 millionths of a dollar: 200 for the prompt, 800 for 200 tokens of the answer.
    budget = Budget(Limits(max_cost_usd=0.002), _used(1_000, 0), PRICE)
    async with budget.reserved(200, 500) as allowed:
        assert allowed in (199, 200)
    with pytest.raises(PermanentError, match=r"0\.0010 of max_cost_usd = 0\.002"):
        async with budget.reserved(200, 5_000):
            pass


async def test_costs_cannot_be_limited_where_nobody_knows_them() -> None:
    with pytest.raises(PermanentError, match="DRAFTLINE_MODEL_PRICES") as refused:
        async with Budget(Limits(max_cost_usd=5.0)).reserved(1, 1):
            pass
    assert refused.value.code == "price_unknown"


async def test_without_limits_nothing_waits() -> None:
    budget = Budget()
    async with budget.reserved(10**9, 10**9), budget.reserved(10**9, 10**9) as allowed:
        assert allowed == 10**9
    assert not budget.is_short(10**9)


async def test_a_cancelled_call_gives_its_room_back() -> None:
    budget = Budget(Limits(max_tokens=100))
    begun = asyncio.Event()

    async def endless() -> None:
        async with budget.reserved(50, 50):
            begun.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(endless())
        await begun.wait()
        waiting = group.create_task(_call(budget, 50, 50, 1.0))
        await asyncio.sleep(0)
        abandoned = group.create_task(_call(budget, 50, 50, 1.0))
        await asyncio.sleep(0)
        abandoned.cancel()
        first.cancel()
    assert waiting.result()
    assert _total(budget.spent) == 100


async def test_it_is_short_beyond_four_fifths_held_room_included() -> None:
    budget = Budget(Limits(max_tokens=1_000), _used(700, 100))
    assert not budget.is_short()
    assert budget.is_short(1)
    async with budget.reserved(1, 1):
        assert budget.is_short()
    assert not budget.is_short()
    budget.count(_used(1, 0))
    assert budget.is_short()
    costly = Budget(Limits(max_cost_usd=0.001), _used(0, 199), PRICE)
    assert (costly.is_short(), costly.is_short(10)) == (False, True)


@dataclass(slots=True)
class Charging:
    """A model that takes all the tokens it may have, and fails on demand."""

    dialect: Dialect = field(default_factory=Dialect)
    asked: list[int] = field(default_factory=list)
    fails: bool = False

    async def complete(self, request: ChatRequest, *, meter: Any = None, **_: Any) -> Answer:
        self.asked.append(request.max_tokens)
        await asyncio.sleep(0)
        usage = _used(estimate_prompt_tokens(request.messages), request.max_tokens)
        meter(usage)
        if self.fails:
            raise ModelUnavailableError("away")
        return Answer("text", "stop", usage)


async def test_a_model_asks_only_what_the_budget_bears() -> None:
    model, budget = Charging(), Budget(Limits(max_tokens=1_000))
    budgeted = BudgetedModel(model, budget)
    assert budgeted.dialect is model.dialect

    async def ask(number: int) -> None:
        with contextlib.suppress(PermanentError):
            await budgeted.complete(chat(f"Question {number:02}", max_tokens=293), meter=budget.count)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(ask(number))
    assert model.asked == [293, 293, 293, 93]
    assert _total(budget.spent) == 1_000


async def test_a_call_that_failed_is_counted_and_leaves_the_rest() -> None:
    model, budget = Charging(fails=True), Budget(Limits(max_tokens=1_000))
    with pytest.raises(TransientError):
        await BudgetedModel(model, budget).complete(chat("Question", max_tokens=400), meter=budget.count)
    model.fails = False
    await BudgetedModel(model, budget).complete(chat("Question", max_tokens=400), meter=budget.count)
    assert _total(budget.spent) == 812


async def test_an_answer_is_found_again_however_short_it_had_to_be() -> None:
    store, request = AnswersInMemory(), chat("Question", max_tokens=400)
    model, budget = AnsweringModel("the only answer"), Budget(Limits(max_tokens=300))
    answers = StoredAnswers(BudgetedModel(model, budget), store)
    first = await answers.complete(request, meter=budget.count)
    budget.count(_used(300, 0))
    assert await answers.complete(request, meter=budget.count) == first
    assert [asked.max_tokens for asked, _ in model.asked] == [294]
