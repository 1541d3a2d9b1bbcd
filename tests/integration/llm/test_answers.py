"""Answers over real HTTP: streaming, thinking, usage, parameters, cancelling, concurrency."""

import asyncio
from dataclasses import replace

import pytest

from shared.contracts.errors import TransientError
from shared.contracts.prices import Price
from shared.contracts.usage import Usage
from shared.llm import ChatClient, ChatRequest, RetryPolicy, estimate_tokens
from tests.support.llm import KEY, InstantClock, Observed, WrittenText, chat, model_settings
from tests.support.scripted_model import (
    Asked,
    Reply,
    ScriptedModel,
    always,
    cut,
    delayed,
    failure,
    hang,
    obedient,
    sequence,
    until,
    until_calls,
)


async def test_the_answer_is_streamed(endpoint: ScriptedModel, client: ChatClient) -> None:
    sink, counted = WrittenText(), list[Usage]()
    answer = await client.complete(chat("Write 60 words."), sink=sink, meter=counted.append)
    assert len(answer.text.split()) == 60
    assert len(sink.pieces) > 5
    assert (sink.text, answer.finish_reason) == (answer.text, "stop")
    assert counted == [answer.usage]
    assert answer.usage == Usage(llm_calls=1, prompt_tokens=3, completion_tokens=len(answer.text) // 4)
    assert not endpoint.calls[0].disconnected


async def test_what_is_sent(endpoint: ScriptedModel, client: ChatClient) -> None:
    await client.complete(chat("Hello", system="Be brief.", max_tokens=99))
    call = endpoint.calls[0]
    assert call.authorization == f"Bearer {KEY}"
    assert call.body == {
        "model": "scripted",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 99,
        "temperature": 0.3,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_an_endpoint_without_a_key(endpoint: ScriptedModel, clock: InstantClock) -> None:
    async with ChatClient(model_settings(endpoint.base_url, key=""), clock) as client:
        assert (await client.complete(chat("Hello"))).text


async def test_the_request_may_name_its_model(endpoint: ScriptedModel, client: ChatClient) -> None:
    await client.complete(ChatRequest(chat("Hello").messages, 9, model="other"))
    assert endpoint.bodies[0]["model"] == "other"


async def test_a_cut_off_answer_says_so(client: ChatClient) -> None:
    assert (await client.complete(chat("Write 900 words.", max_tokens=20))).finish_reason == "length"


@pytest.mark.parametrize("characters", [1, 3, 1_000])
@pytest.mark.parametrize("opening", ["<think>", ""])
async def test_thinking_does_not_leak(
    endpoint: ScriptedModel, client: ChatClient, opening: str, characters: int
) -> None:
    text = f"{opening}\nSecret plans.\n</think>\n\nThe answer."
    endpoint.script = always(Reply(text=text, reasoning="More secrets.", chunk_characters=characters))
    sink = WrittenText()
    answer = await client.complete(chat("Hello"), sink=sink)
    assert (answer.text, sink.text) == ("The answer.", "The answer.")


async def test_usage_is_estimated_where_none_is_reported(endpoint: ScriptedModel, client: ChatClient) -> None:
    endpoint.script = always(Reply(text="Twelve chars", reasoning="Eightish", report_usage=False))
    counted: list[Usage] = []
    answer = await client.complete(chat("水利工程"), meter=counted.append)
    assert counted == [answer.usage]
    assert answer.usage == Usage(llm_calls=1, prompt_tokens=8, completion_tokens=5, estimated=True)


async def test_what_was_used_costs_where_the_price_is_known(endpoint: ScriptedModel, clock: InstantClock) -> None:
    endpoint.script = always(Reply(text="Twelve chars", usage=(1_000, 500)))
    counted: list[Usage] = []
    prices = {"scripted": Price(prompt=1, completion=2), "dear": Price(prompt=10, completion=20)}
    async with ChatClient(model_settings(endpoint.base_url), clock, price_of=prices.get) as client:
        answer = await client.complete(chat("Hello"), meter=counted.append)
        for model in ("dear", "unknown"):
            await client.complete(replace(chat("Hello"), model=model), meter=counted.append)
    assert [usage.cost_usd for usage in counted] == [0.002, 0.02, None]
    assert answer.usage == counted[0]


async def test_what_a_failed_answer_used_costs_too(endpoint: ScriptedModel, clock: InstantClock) -> None:
    endpoint.script = always(cut(after_chunks=3))
    counted: list[Usage] = []
    price = Price(prompt=1, completion=2)
    settings, once = model_settings(endpoint.base_url), RetryPolicy(tries=1)
    async with ChatClient(settings, clock, retry=once, price_of=lambda _: price) as client:
        with pytest.raises(TransientError):
            await client.complete(chat("Hello"), meter=counted.append)
    (usage,) = counted
    assert usage.completion_tokens > 0
    assert usage.cost_usd == price.cost(usage)


async def test_cancelling_closes_the_connection_and_counts(
    endpoint: ScriptedModel, client: ChatClient, observed: Observed
) -> None:
    endpoint.script = always(hang(after_chunks=3))
    sink, counted = WrittenText(), list[Usage]()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.complete(chat("Hello"), sink=sink, meter=counted.append))
        await until(lambda: len(sink.pieces) == 3)
        task.cancel()
    await until(lambda: endpoint.calls[0].disconnected, seconds=1)
    estimate = Usage(llm_calls=1, prompt_tokens=6, completion_tokens=estimate_tokens(sink.text), estimated=True)
    assert (counted, observed.outcomes) == ([estimate], ["cancelled"])


async def test_cancelling_before_the_first_byte(endpoint: ScriptedModel, client: ChatClient) -> None:
    endpoint.script = always(hang())
    counted: list[Usage] = []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.complete(chat("Hello"), meter=counted.append))
        await until_calls(endpoint, 1)
        task.cancel()
    await until(lambda: endpoint.calls[0].disconnected, seconds=1)
    assert counted == [Usage(llm_calls=1, prompt_tokens=6, estimated=True)]


async def test_cancelling_while_waiting_for_a_slot_counts_nothing(endpoint: ScriptedModel, clock: InstantClock) -> None:
    endpoint.script = always(hang())
    counted: list[Usage] = []
    async with (
        ChatClient(model_settings(endpoint.base_url, concurrency=1), clock) as client,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(client.complete(chat("First")))
        await until_calls(endpoint, 1)
        second = group.create_task(client.complete(chat("Second"), meter=counted.append))
        await asyncio.sleep(0)
        second.cancel()
        first.cancel()
    assert (counted, len(endpoint.calls)) == ([], 1)


async def test_at_most_so_many_at_once(endpoint: ScriptedModel, clock: InstantClock) -> None:
    endpoint.script = delayed(obedient, first_token_seconds=0.05, chunk_seconds=0)
    async with (
        ChatClient(model_settings(endpoint.base_url, concurrency=2), clock) as client,
        asyncio.TaskGroup() as group,
    ):
        for number in range(6):
            group.create_task(client.complete(chat(f"Question {number}")))
    spans = [(call.started_at, call.ended_at or 0.0) for call in endpoint.calls]
    assert max(sum(a <= start < b for a, b in spans) for start, _ in spans) == 2


async def test_a_waiting_repeat_holds_no_slot(endpoint: ScriptedModel) -> None:
    class Blocked(InstantClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    endpoint.script = sequence(failure(503), then=obedient)
    async with (
        ChatClient(model_settings(endpoint.base_url, concurrency=1), Blocked()) as client,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(client.complete(chat("First")))
        await until_calls(endpoint, 1)
        assert (await client.complete(chat("Second"))).text
        first.cancel()


async def test_a_repeat_starts_the_text_again(endpoint: ScriptedModel, client: ChatClient, observed: Observed) -> None:
    endpoint.script = sequence(cut(), then=obedient)
    sink, counted = WrittenText(), list[Usage]()
    answer = await client.complete(chat("Hello"), sink=sink, meter=counted.append)
    assert (sink.restarts, sink.text) == (1, answer.text)
    assert [usage.estimated for usage in counted] == [True, False]
    assert observed.outcomes == ["model_stream_broken", "ok"]


async def test_parameters_the_endpoint_does_not_know(endpoint: ScriptedModel, client: ChatClient) -> None:
    def choosy(asked: Asked) -> Reply:
        for name in ("max_tokens", "temperature", "stream_options"):
            if name in asked.body:
                return failure(400, f"Unsupported parameter: '{name}'", code="unsupported_parameter")
        return obedient(asked)

    endpoint.script = choosy
    answers = [await client.complete(chat(text)) for text in ("First", "Second")]
    assert [answer.usage.estimated for answer in answers] == [True, True]
    assert len(endpoint.calls) == 5
    assert endpoint.bodies[-1]["max_completion_tokens"] == 1_000


async def test_many_connections_are_reused(endpoint: ScriptedModel, client: ChatClient) -> None:
    texts = [(await client.complete(chat("Same question"))).text for _ in range(3)]
    assert len(set(texts)) == 1


async def test_keep_alive_comments_do_not_hide_silence(endpoint: ScriptedModel, impatient: ChatClient) -> None:
    endpoint.script = always(Reply(text="Slow", chunk_characters=1, comment_seconds=0.02, hang_after_chunks=2))
    with pytest.raises(TransientError) as raised:
        await impatient.complete(chat("Hello"))
    assert raised.value.code == "model_timeout"


async def test_halves_of_a_character_are_joined(endpoint: ScriptedModel, client: ChatClient) -> None:
    pieces = ["Bees \\ud83d", "\\udc1d and a lone \\ud83d."]
    deltas = [f'"delta":{{"content":"{piece}"}},"finish_reason":null' for piece in pieces]
    ends = [*deltas, '"delta":{},"finish_reason":"stop"']
    raw = "".join(f'data: {{"choices":[{{"index":0,{end}}}]}}\n\n' for end in ends) + "data: [DONE]\n\n"
    endpoint.script = always(Reply(raw=raw.encode()))
    answer = await client.complete(chat("hello"))
    assert answer.text.encode() == "Bees \N{HONEYBEE} and a lone \N{REPLACEMENT CHARACTER}.".encode()
