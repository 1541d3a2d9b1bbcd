"""Embeddings over real HTTP: what is asked, what is believed, and what is said where there are none."""

import asyncio
import math
import socket
from operator import mul

import pytest

from shared.contracts.errors import PermanentError, TransientError
from shared.contracts.prices import Price
from shared.contracts.usage import Usage
from shared.evidence.hybrid import HybridRanking
from shared.evidence.ledger import Passage
from shared.llm.embeddings import Embedder, Vectors
from shared.settings.embeddings import EmbeddingSettings
from tests.support.embeddings_server import (
    DIMENSION,
    EmbeddingsServer,
    Reply,
    backwards,
    component,
    fewer,
    hang,
    html,
    longer,
    other_lengths,
    refusal,
    without_usage,
)
from tests.support.llm import InstantClock, Observed
from tests.support.waiting import eventually


async def test_vectors_have_unit_length_in_the_order_of_the_texts() -> None:
    counted: list[Usage] = []
    with EmbeddingsServer(None, backwards()) as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            found = await embedder.vectors(["bees", "copper", "蜜蜂", " "], counted.append)
    assert found.vectors is not None
    assert [len(vector) for vector in found.vectors] == [DIMENSION] * 4
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-5) for vector in found.vectors)
    bees, copper, chinese, _ = found.vectors
    assert sum(map(mul, bees, chinese)) > 0.9 > sum(map(mul, bees, copper))
    assert counted == [Usage(llm_calls=1, prompt_tokens=3), Usage(llm_calls=1, prompt_tokens=12)]
    assert server.bodies[1]["input"] == ["bees", "copper", "蜜蜂", "."]
    assert server.bodies[1]["model"] == "meanings"
    assert server.keys[1] == "Bearer sk-embeddings"


async def test_embeddings_cost_what_their_own_model_does() -> None:
    counted: list[Usage] = []
    prices = {"meanings": Price(prompt=2, completion=0)}
    with EmbeddingsServer() as server:
        async with Embedder(server.settings(), InstantClock(), price_of=prices.get) as embedder:
            await embedder.embed(["bees", "copper"], counted.append)
    assert counted == [Usage(llm_calls=1, prompt_tokens=6, cost_usd=12e-6)]


async def test_many_texts_go_in_batches_four_at_once() -> None:
    texts = [f"text {number}" for number in range(300)] + ["x" * 9_000] * 7
    with EmbeddingsServer() as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            vectors = await embedder.embed(texts)
    assert len(vectors) == len(texts)
    assert all(len(body["input"]) <= 64 for body in server.bodies)
    assert all(sum(map(len, body["input"])) <= 50_000 for body in server.bodies)
    assert max(len(text) for body in server.bodies for text in body["input"]) == 8_000
    assert sum(len(body["input"]) for body in server.bodies) == len(texts)
    assert 1 <= server.most_at_once <= 4


async def test_usage_that_is_not_reported_is_estimated() -> None:
    counted: list[Usage] = []
    with EmbeddingsServer(without_usage()) as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            await embedder.embed(["蜜蜂", "four"], counted.append)
    assert counted == [Usage(llm_calls=1, prompt_tokens=3, estimated=True)]


async def test_nothing_is_asked_where_no_model_is_set() -> None:
    with EmbeddingsServer() as server:
        async with Embedder(server.settings(model=""), InstantClock()) as embedder:
            assert not embedder.configured
            assert await embedder.vectors(["bees"]) == Vectors(None, "")
            assert "DRAFTLINE_EMBEDDINGS_MODEL" in (await embedder.probe()).reason
    assert server.bodies == []
    assert not EmbeddingSettings().embeddings_model


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (refusal(400), "refuses"),
        (refusal(401), "DRAFTLINE_EMBEDDINGS_API_KEY"),
        (refusal(404), "no such model"),
        (refusal(405), "refuses"),
        (refusal(402), "credit"),
        (html(404), "no such model"),
        (html(), "one vector per text"),
        (fewer(), "one vector per text"),
        (component(math.nan), "one vector per text"),
        (component(0.0), "one vector per text"),
        (Reply(raw=b"{"), "one vector per text"),
        (Reply(raw=b"[]"), "one vector per text"),
        (Reply(raw=b"\xff\xfe"), "one vector per text"),
    ],
)
async def test_an_endpoint_without_embeddings_is_asked_once(reply: Reply, word: str) -> None:
    clock = InstantClock()
    with EmbeddingsServer(reply) as server:
        async with Embedder(server.settings(), clock) as embedder:
            states = await asyncio.gather(*(embedder.probe() for _ in range(3)))
            await clock.sleep(3_600)
            found = await embedder.vectors(["bees"])
    assert len(server.bodies) == 1
    assert not any(state.ready for state in states)
    assert word in states[0].reason
    assert found == Vectors(None, states[0].reason)
    assert "sk-embeddings" not in found.reason


@pytest.mark.parametrize("reply", [refusal(503), refusal(429, retry_after="2"), html(502)])
async def test_what_may_pass_is_asked_again_after_a_minute(reply: Reply) -> None:
    clock = InstantClock()
    with EmbeddingsServer(reply) as server:
        async with Embedder(server.settings(), clock) as embedder:
            assert not (await embedder.probe()).ready
            await clock.sleep(59)
            assert not (await embedder.probe()).ready
            assert len(server.bodies) == 1
            await clock.sleep(1)
            assert (await embedder.probe()).dimension == DIMENSION
            assert (await embedder.probe()).ready
    assert len(server.bodies) == 2


async def test_a_failure_of_a_moment_is_repeated_as_the_endpoint_asks() -> None:
    clock, observed = InstantClock(), Observed()
    counted: list[Usage] = []
    with EmbeddingsServer(refusal(429, retry_after="2"), refusal(503)) as server:
        async with Embedder(server.settings(), clock, observer=observed, chance=lambda: 0.0) as embedder:
            assert len(await embedder.embed(["bees"], counted.append)) == 1
    assert clock.slept == [2.0, 0.0]
    assert observed.outcomes == ["model_rate_limited", "model_unavailable", "ok"]
    assert counted == [Usage(llm_calls=1), Usage(llm_calls=1), Usage(llm_calls=1, prompt_tokens=3)]


async def test_a_failure_that_lasts_is_raised_and_is_a_reason() -> None:
    with EmbeddingsServer(None, script=lambda index, _: refusal(503) if index else None) as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            found = await embedder.vectors(["bees"] * 100)
            with pytest.raises(TransientError) as raised:
                await embedder.embed(["bees"])
    assert (raised.value.code, found) == ("model_unavailable", Vectors(None, raised.value.message))


@pytest.mark.parametrize("reply", [other_lengths(), longer(), component(math.inf), html()])
async def test_vectors_that_do_not_belong_together_are_refused(reply: Reply) -> None:
    with EmbeddingsServer(None, reply) as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            assert (await embedder.probe()).dimension == DIMENSION
            with pytest.raises(PermanentError) as raised:
                await embedder.embed(["bees", "copper"])
    assert raised.value.code == "embeddings_malformed"


async def test_texts_are_halved_until_the_model_bears_them() -> None:
    def script(_: int, body: dict[str, list[str]]) -> Reply | None:
        too_long = max(map(len, body["input"])) > 2_500
        return refusal(400, "maximum context length is 512 tokens") if too_long else None

    with EmbeddingsServer(script=script) as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            assert len(await embedder.embed(["x" * 9_000] * 20)) == 20
            asked = len(server.bodies)
            assert len(await embedder.embed(["x" * 9_000])) == 1
    assert [max(map(len, body["input"])) for body in server.bodies[asked:]] == [2_000]


async def test_a_silent_endpoint_is_given_up() -> None:
    with EmbeddingsServer(hang(), hang()) as server:
        async with Embedder(server.settings(timeout_seconds=0.05), InstantClock()) as embedder:
            with pytest.raises(TransientError) as raised:
                await embedder.embed(["bees"])
    assert raised.value.code == "model_timeout"


async def test_a_cancelled_request_is_counted() -> None:
    counted: list[Usage] = []
    with EmbeddingsServer(hang()) as server:
        async with Embedder(server.settings(), InstantClock()) as embedder, asyncio.TaskGroup() as group:
            task = group.create_task(embedder.embed(["bees"], counted.append))
            await eventually(lambda: server.open == 1)
            task.cancel()
    assert counted == [Usage(llm_calls=1, prompt_tokens=1, estimated=True)]


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    counted: list[Usage] = []
    settings = EmbeddingSettings(embeddings_model="m", embeddings_base_url=f"http://127.0.0.1:{port}/v1")
    async with Embedder(settings, InstantClock()) as embedder:
        found = await embedder.vectors(["bees"], counted.append)
    assert found.vectors is None
    assert "cannot be reached" in found.reason
    assert counted == []


async def test_a_question_finds_a_passage_of_the_other_language() -> None:
    texts = ["铜价在三月上涨。", "蜜蜂把花蜜变成蜂蜜。", "铁路很长。", "今天下雨，天气不好。"]
    passages = [Passage(key=f"S{n}", source_id="file-1", offset=n, text=text) for n, text in enumerate(texts)]
    queries = ["How bees make honey", "Railway networks"]
    with EmbeddingsServer() as server:
        async with Embedder(server.settings(), InstantClock()) as embedder:
            vectors = await embedder.embed(texts)
            wanted = await embedder.embed(queries)
    assert HybridRanking(passages).score_all(queries) == [{}, {}]
    assert [list(found) for found in HybridRanking(passages, vectors).score_all(queries, wanted)] == [[1], [2]]
