"""Limits of tokens and costs, through real processes: what is spent, what is left out, and where it ends."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.documents import events_of
from tests.support.problems import problem
from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import SCRIPTS, ScriptedModel
from tests.support.scripted_model.app import Call
from tests.support.scripted_model.obedient import count_tokens
from tests.support.scripted_model.replies import Asked
from tests.support.servers import running, server_binaries

pytestmark = [
    pytest.mark.ci,
    pytest.mark.xdist_group("budgets"),
    pytest.mark.timeout(90),
    pytest.mark.asyncio(loop_scope="module"),
]
PRICES = {"obedient": {"prompt": 2.0, "completion": 8.0}}
TITLES = ("Honey", "Queens", "Drones", "Hives", "Wax", "Swarms", "Pollen", "Winter")


@dataclass(frozen=True, slots=True)
class Desk:
    """The services, and the model they ask."""

    services: Fleet
    model: ScriptedModel

    async def run(self, job_id: str, **body: Any) -> dict[str, Any]:
        """A document job at its end; the model remembers its calls alone."""
        self.model.reset()
        answer = await self.services.post("/jobs/document", {"job_id": job_id, "model": "obedient", **body})
        assert answer.status_code == 202, answer.text
        return await self.services.settled(job_id)

    async def result(self, job_id: str, query: str = "") -> dict[str, Any]:
        found: dict[str, Any] = (await self.services.get(f"/jobs/{job_id}/result{query}")).json()
        return found

    @property
    def used(self) -> int:
        """Tokens by the model's own count."""
        return sum(_tokens(call) for call in self.model.calls)


def _tokens(call: Call) -> int:
    reply = SCRIPTS[call.body["model"]](Asked(call.index, call.body))
    return sum(count_tokens(message["content"]) for message in call.body["messages"]) + count_tokens(reply.text)


def _outline(*titles: str, words: int = 150) -> dict[str, Any]:
    nodes = [{"title": title, "summary": "What keepers know of it", "target_words": words} for title in titles]
    return {"title": "Bees", "language": "en", "nodes": nodes}


def _total(usage: Mapping[str, Any]) -> int:
    return int(usage["prompt_tokens"] + usage["completion_tokens"])


def _cost(usage: Mapping[str, Any]) -> float:
    return float((usage["prompt_tokens"] * 2 + usage["completion_tokens"] * 8) / 1e6)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("logs")
    async with (
        running("valkey9", server_binaries()["valkey9"], "--maxmemory", "1gb") as server,
        ScriptedModel(SCRIPTS["by-model"]) as model,
        fleet(server.url, model.base_url, folder, DRAFTLINE_MODEL_PRICES=json.dumps(PRICES)) as services,
    ):
        for name in ("gateway", "outline_worker", "document_worker"):
            await services.start(name)
        yield Desk(services, model)


async def test_costs_agree_wherever_they_are_told(desk: Desk) -> None:
    job = await desk.run("costs", outline=_outline(*TITLES[:3]))
    assert job["status"] == "completed", job
    assert job["usage"]["llm_calls"] == len(desk.model.calls) == 3
    assert _total(job["usage"]) == desk.used
    assert job["usage"]["cost_usd"] == pytest.approx(_cost(job["usage"]))
    completed = (await events_of(desk.services.api, "costs"))[-1]
    assert (await desk.result("costs"))["usage"] == completed.data["usage"] == job["usage"]


async def test_without_a_price_there_are_tokens_only(desk: Desk) -> None:
    job = await desk.run("unpriced", outline=_outline("Honey"), model="half_cites")
    assert (job["status"], job["usage"]["cost_usd"]) == ("completed", None)
    assert job["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("limit", [{"max_tokens_total": 2_000}, {"max_cost_usd": 0.009}], ids=["tokens", "cost"])
async def test_a_job_ends_at_its_limit_with_what_is_finished(desk: Desk, limit: dict[str, Any]) -> None:
    job_id = next(iter(limit))
    job = await desk.run(job_id, outline=_outline(*TITLES), **limit)
    assert (job["status"], job["error"]["code"], job["attempt"]) == ("failed", "budget_exceeded", 1)
    assert f"{job_id} = " in job["error"]["message"]
    assert 0 < len(desk.model.calls) == job["usage"]["llm_calls"] < len(TITLES)
    assert desk.used == _total(job["usage"]) <= limit.get("max_tokens_total", desk.used)
    assert job["usage"]["cost_usd"] <= limit.get("max_cost_usd", 1.0)
    partial = await desk.result(job_id, "?partial=true")
    assert partial["partial"] is True
    assert 0 < len(TITLES) - len(partial["missing_sections"]) <= len(desk.model.calls)
    # What was spent stays spent: another run has nothing left to begin with.
    desk.model.reset()
    assert (await desk.services.post(f"/jobs/{job_id}/retry")).status_code == 202
    again = await desk.services.settled(job_id)
    assert (again["run"], again["error"]["code"]) == (2, "budget_exceeded")
    assert desk.model.calls == []


async def test_a_short_budget_leaves_out_what_a_document_can_do_without(desk: Desk) -> None:
    outline = _outline(*TITLES[:4])
    free = await desk.run("mended", outline=outline, model="too-short")
    assert len(desk.model.calls) == 8
    job = await desk.run(
        "unmended", outline=outline, model="too-short", max_tokens_total=_total(free["usage"]) * 3 // 4
    )
    assert job["status"] == "completed", job
    assert 4 <= len(desk.model.calls) < 8
    quality = (await desk.result("unmended"))["quality"]
    assert [each["message"] for each in quality["degradations"] if each["code"] == "budget_limited"] == [
        "The budget ran short, so these were left out: mending sections."
    ]
    assert quality["missing_sections"] == []


async def test_planning_and_writing_share_one_limit(desk: Desk) -> None:
    asked = {"task_prompt": "How bees make honey", "target_words": 900}
    free = await desk.run("whole", **asked)
    assert free["status"] == "completed", free
    assert _total(free["usage"]) == desk.used
    job = await desk.run("shared", **asked, max_tokens_total=_total(free["usage"]) // 2)
    assert (job["status"], job["error"]["code"]) == ("failed", "budget_exceeded")
    assert desk.used == _total(job["usage"]) <= _total(free["usage"]) // 2
    assert "outline_ready" in [event.type for event in await events_of(desk.services.api, "shared")]


async def test_costs_cannot_be_limited_where_nobody_knows_them(desk: Desk) -> None:
    body = {"outline": _outline("Honey"), "model": "half_cites", "max_cost_usd": 1.0}
    found = problem(await desk.services.post("/jobs/document", body), 422, "price_unknown")
    assert "half_cites" in found["detail"]
    problem(await desk.services.post("/jobs/estimate", body), 422, "price_unknown")


async def test_an_estimate_holds_what_the_job_takes(desk: Desk) -> None:
    body = {"task_prompt": "How bees make honey", "target_words": 900, "model": "obedient"}
    told = (await desk.services.post("/jobs/estimate", body)).json()
    free = await desk.run("estimated", **body)
    assert told["calls"]["low"] <= free["usage"]["llm_calls"] <= told["calls"]["high"]
    assert told["total_tokens"]["low"] <= _total(free["usage"]) <= told["total_tokens"]["high"]
    assert told["cost_usd"]["low"] <= free["usage"]["cost_usd"] <= told["cost_usd"]["high"]
