"""Each way an endpoint misbehaves, over real HTTP, and the error it becomes."""

import socket
import traceback

import pytest

from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from shared.contracts.usage import Usage
from shared.llm import ChatClient
from tests.support.llm import KEY, InstantClock, Observed, chat, model_settings
from tests.support.scripted_model import (
    Reply,
    ScriptedModel,
    always,
    broken_events,
    context_exceeded,
    cut,
    failure,
    garbage,
    hang,
    obedient,
    sequence,
)

REFUSED_USAGE = Usage(llm_calls=1)
LLAMA_CPP_CONTEXT = failure(400, "the request exceeds it", kind="exceed_context_size_error", code=400)
ECHOING = f"Incorrect API key provided: {KEY}"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (failure(500), "model_unavailable"),
        (failure(502), "model_unavailable"),
        (failure(409), "model_unavailable"),
        (failure(425), "model_unavailable"),
        (failure(429), "model_rate_limited"),
        (failure(408), "model_timeout"),
        (failure(504), "model_timeout"),
        (garbage(), "model_stream_broken"),
        (broken_events(), "model_stream_broken"),
        (Reply(raw=b"data: [1, 2]\n\n"), "model_stream_broken"),
        (Reply(raw=b'data: {"choices": "none"}\n\n'), "model_stream_broken"),
        (Reply(raw=b"data: \xff\xfe\n\n"), "model_stream_broken"),
        (cut(), "model_stream_broken"),
        (Reply(text="Ends without a reason.", finish_reason=None), "model_stream_broken"),
        (Reply(text=""), "model_empty_answer"),
        (Reply(text="<think>All of it", finish_reason="length"), "model_empty_answer"),
        (Reply(text="Begun", stream_error={"message": "overloaded"}), "model_unavailable"),
        (Reply(text="Begun", stream_error={"message": "busy", "code": 429}), "model_rate_limited"),
        (Reply(text="Begun", stream_error={"message": "", "type": "rate_limit_exceeded"}), "model_rate_limited"),
    ],
)
async def test_what_may_pass(
    endpoint: ScriptedModel, client: ChatClient, observed: Observed, reply: Reply, code: str
) -> None:
    endpoint.script = always(reply)
    counted: list[Usage] = []
    with pytest.raises(TransientError) as raised:
        await client.complete(chat("Hello"), meter=counted.append)
    tries = 2 if code == "model_timeout" else 4
    assert (raised.value.code, observed.outcomes) == (code, [code] * tries)
    assert len(counted) == len(endpoint.calls) == tries


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (failure(400), "model_request_refused"),
        (failure(422), "model_request_refused"),
        (failure(501), "model_request_refused"),
        (failure(401), "model_auth_failed"),
        (failure(403), "model_auth_failed"),
        (failure(404), "model_not_found"),
        (failure(402), "model_quota_exhausted"),
        (failure(429, code="insufficient_quota"), "model_quota_exhausted"),
        (context_exceeded(), "model_context_exceeded"),
        (LLAMA_CPP_CONTEXT, "model_context_exceeded"),
        (failure(500, "the request exceeds the available context size"), "model_context_exceeded"),
        (Reply(stream_error={"message": "", "type": "exceed_context_size_error"}), "model_context_exceeded"),
        (Reply(text="Begun", finish_reason="content_filter"), "model_content_filtered"),
    ],
)
async def test_what_will_not_pass(endpoint: ScriptedModel, client: ChatClient, reply: Reply, code: str) -> None:
    endpoint.script = always(reply)
    counted: list[Usage] = []
    with pytest.raises(PermanentError) as raised:
        await client.complete(chat("Hello"), meter=counted.append)
    assert raised.value.code == code
    assert len(counted) == len(endpoint.calls) == 1


async def test_a_refusal_costs_no_tokens(endpoint: ScriptedModel, client: ChatClient) -> None:
    endpoint.script = sequence(failure(500), then=obedient)
    counted: list[Usage] = []
    answer = await client.complete(chat("Hello"), meter=counted.append)
    assert counted == [REFUSED_USAGE, answer.usage]


async def test_a_broken_answer_counts_what_was_received(endpoint: ScriptedModel, client: ChatClient) -> None:
    endpoint.script = sequence(cut(after_chunks=2), then=obedient)
    counted: list[Usage] = []
    await client.complete(chat("Hello"), meter=counted.append)
    assert counted[0] == Usage(llm_calls=1, prompt_tokens=6, completion_tokens=4, estimated=True)


async def test_retry_after_in_seconds(endpoint: ScriptedModel, client: ChatClient, clock: InstantClock) -> None:
    endpoint.script = sequence(failure(429, retry_after="2"), failure(503, retry_after="3"), then=obedient)
    assert (await client.complete(chat("Hello"))).text
    assert [int(seconds) for seconds in clock.slept] == [2, 3]


async def test_retry_after_as_a_date(endpoint: ScriptedModel, client: ChatClient, clock: InstantClock) -> None:
    endpoint.script = sequence(failure(429, retry_after="Wed, 31 Jan 2024 12:00:05 GMT"), then=obedient)
    assert (await client.complete(chat("Hello"))).text
    assert 5 <= clock.slept[0] <= 5.5


async def test_a_long_retry_after_is_for_the_queue(
    endpoint: ScriptedModel, client: ChatClient, clock: InstantClock
) -> None:
    endpoint.script = always(failure(429, retry_after="90"))
    with pytest.raises(TransientError) as raised:
        await client.complete(chat("Hello"))
    assert (raised.value.retry_after_seconds, clock.slept, len(endpoint.calls)) == (90.0, [], 1)


@pytest.mark.parametrize("after_chunks", [0, 2])
async def test_silence_ends(endpoint: ScriptedModel, impatient: ChatClient, after_chunks: int) -> None:
    endpoint.script = always(hang(after_chunks=after_chunks))
    counted: list[Usage] = []
    with pytest.raises(TransientError) as raised:
        await impatient.complete(chat("Hello"), meter=counted.append)
    assert raised.value.code == "model_timeout"
    assert [usage.estimated for usage in counted] == [True, True]


async def test_a_slow_answer_is_not_silence(endpoint: ScriptedModel, clock: InstantClock) -> None:
    endpoint.script = always(Reply(text="Slow but steady", chunk_characters=2, chunk_seconds=0.1))
    settings = model_settings(endpoint.base_url, idle_seconds=0.5, connect_seconds=0.2)
    async with ChatClient(settings, clock) as client:
        assert (await client.complete(chat("Hello"))).text == "Slow but steady"
    assert len(endpoint.calls) == 1


async def test_nobody_listens(clock: InstantClock, observed: Observed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"
    counted: list[Usage] = []
    async with ChatClient(model_settings(url), clock, observer=observed) as client:
        with pytest.raises(TransientError, match="OPENAI_BASE_URL") as raised:
            await client.complete(chat("Hello"), meter=counted.append)
    assert (raised.value.code, counted, observed.usages) == ("model_unavailable", [], [Usage()] * 4)


@pytest.mark.parametrize(
    "reply",
    [
        failure(401, ECHOING),
        failure(400, ECHOING),
        failure(404, ECHOING),
        failure(422, ECHOING, headers={"x-echo": KEY}),
        failure(500, ECHOING),
        failure(429, ECHOING, retry_after="60"),
        Reply(stream_error={"message": ECHOING, "code": 400}),
        Reply(raw=ECHOING.encode()),
        Reply(status=400, error={"detail": [{"msg": ECHOING, "loc": ["header", KEY]}]}),
    ],
)
async def test_the_key_is_in_no_error(endpoint: ScriptedModel, client: ChatClient, reply: Reply) -> None:
    endpoint.script = always(reply)
    with pytest.raises(DraftlineError) as raised:
        await client.complete(chat("Hello"))
    told = "".join(traceback.format_exception(raised.value)) + str(raised.value.to_job_error())
    assert KEY not in told
    assert raised.value.__cause__ is None


def test_a_key_that_no_header_can_carry(clock: InstantClock) -> None:
    with pytest.raises(ValueError, match="OPENAI_API_KEY") as raised:
        ChatClient(model_settings("http://127.0.0.1:9/v1", key=f"{KEY}…"), clock)
    assert KEY not in str(raised.value)
