"""``POST /jobs/estimate``: ranges for every kind of request, and nothing left behind."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from gateway.dependencies import Services
from gateway.parts.pricing import Pricing
from gateway.settings import WorkersModelSettings
from shared.contracts.prices import Price
from shared.redis.client import Connections
from shared.settings import PriceSettings
from tests.integration.gateway.test_documents import MADE, OUTLINE_JOB
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.problems import problem
from tests.support.servers import Server

PROMPT = {"task_prompt": "Write about bees", "target_words": 900}
GIVEN = {"outline": MADE["outline"], "target_words": 400}
RANGES = ("calls", "prompt_tokens", "completion_tokens", "total_tokens")


async def _estimate(gateway: Gateway, body: dict[str, Any], query: str = "") -> httpx2.Response:
    return await gateway.client.post(f"/api/v1/jobs/estimate{query}", json=body)


def _priced(**settings: Any) -> Callable[[Services], Services]:
    """A gateway that is told of the workers' model."""
    table = PriceSettings(model_prices={"own": Price(prompt=1, completion=2)})
    return lambda services: replace(services, pricing=Pricing(WorkersModelSettings(**settings), table))


async def test_an_estimate_is_made_of_ranges_and_leaves_nothing(
    gateway: Gateway, redis_connections: Connections
) -> None:
    before = await redis_connections.commands.dbsize()
    answer = await _estimate(gateway, PROMPT)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["kind"] == "document"
    assert all(0 < told[name]["low"] <= told[name]["high"] for name in (*RANGES, "sections"))
    assert told["total_tokens"]["low"] == told["prompt_tokens"]["low"] + told["completion_tokens"]["low"]
    assert told["basis"]
    assert await redis_connections.commands.dbsize() == before


async def test_an_outline_is_estimated_by_its_own_body(gateway: Gateway) -> None:
    planned = (await _estimate(gateway, PROMPT, "?kind=outline")).json()
    whole = (await _estimate(gateway, PROMPT)).json()
    assert planned["kind"] == "outline"
    assert planned["calls"]["high"] < whole["calls"]["low"]
    problem(await _estimate(gateway, GIVEN, "?kind=outline"), 422, "validation_failed")
    problem(await _estimate(gateway, PROMPT, "?kind=book"), 422, "validation_failed")


async def test_a_given_outline_is_counted(gateway: Gateway) -> None:
    told = (await _estimate(gateway, GIVEN)).json()
    assert told["sections"] == {"low": 2, "high": 2}
    assert told["calls"]["low"] == 2
    problem(await _estimate(gateway, {**GIVEN, **PROMPT}), 422, "validation_failed")


async def test_the_outline_of_a_job_brings_its_files(gateway: Gateway, hand: Hand) -> None:
    problem(await _estimate(gateway, {"outline_job_id": "outline-1"}), 404, "outline_not_found")
    body = {**OUTLINE_JOB, "context_files": {"bees.txt": "Bees make honey. " * 200}}
    await gateway.client.post("/api/v1/jobs/outline", json=body)
    problem(await _estimate(gateway, {"outline_job_id": "outline-1"}), 409, "outline_not_ready")
    await hand.complete(await hand.take(), json.dumps(MADE).encode())
    told = (await _estimate(gateway, {"outline_job_id": "outline-1", "target_words": 400})).json()
    bare = (await _estimate(gateway, GIVEN)).json()
    assert told["sections"] == bare["sections"]
    assert told["prompt_tokens"]["low"] > bare["prompt_tokens"]["low"] + 400


async def test_large_files_are_taken(gateway: Gateway) -> None:
    files = {"large.txt": "Bees make honey. " * 100_000}
    assert (await _estimate(gateway, {**PROMPT, "context_files": files})).status_code == 200


async def test_costs_are_told_where_the_price_is_known(one_server: Server, redis_connections: Connections) -> None:
    limited = {**PROMPT, "max_cost_usd": 1}
    async with gateway_in_loop(one_server.url, change=_priced(model="own")) as gateway:
        told = (await _estimate(gateway, limited)).json()
        assert told["model"] == "own"
        assert 0 < told["cost_usd"]["low"] < told["cost_usd"]["high"]
        other = (await _estimate(gateway, {**PROMPT, "model": "other"})).json()
        assert (other["model"], other["cost_usd"]) == ("other", None)
        for path in ("estimate", "document", "outline"):
            answer = await gateway.client.post(f"/api/v1/jobs/{path}", json={**limited, "model": "other"})
            assert "other" in problem(answer, 422, "price_unknown")["detail"]


@pytest.mark.parametrize("asked", [{}, {"model": "other"}])
async def test_a_gateway_that_is_told_of_no_model_leaves_the_price_to_the_workers(
    one_server: Server, redis_connections: Connections, asked: dict[str, str]
) -> None:
    async with gateway_in_loop(one_server.url, change=_priced(model="")) as gateway:
        told = (await _estimate(gateway, {**PROMPT, "max_cost_usd": 1, **asked})).json()
        assert (told["cost_usd"], told["model"]) == (None, asked.get("model"))


async def test_the_workers_window_counts(one_server: Server, redis_connections: Connections) -> None:
    nodes = [{"title": "Bees", "target_words": 1_200}]
    told = []
    for tokens in (2_048, 32_768):
        change = _priced(model="own", model_context_tokens=tokens)
        async with gateway_in_loop(one_server.url, change=change) as gateway:
            told.append((await _estimate(gateway, {"outline": {"title": "Bees", "nodes": nodes}})).json())
    small, large = told
    assert small["calls"]["low"] > large["calls"]["low"] == 1
