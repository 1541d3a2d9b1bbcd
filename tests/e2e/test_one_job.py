"""One job from a prompt to a document, over both services: real processes, one id, one stream, one account."""

import signal
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from shared.contracts.ids import EventId
from tests.support.documents import events_of
from tests.support.processes import Fleet
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.timeout(120)]
PROMPT = "How a tidal barrage yields power, and what becomes of the bay behind it"
NOTES = (
    "The barrage at Morwen Bay yields 240 MW from 24 turbines. It was opened in 1987 and cost 310 million pounds.\n\n"
    "Wading birds lost 12 square kilometres of mud flats; a third of them came back within ten years."
)
SERVICES = ("gateway", "outline_worker", "document_worker")


async def _client(services: Fleet) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=services.api, timeout=30, trust_env=False)


async def _submit(client: httpx2.AsyncClient, **options: Any) -> str:
    body = {"task_prompt": PROMPT, "target_words": 800, "context_files": {"notes.md": NOTES}, **options}
    answer = await client.post("/jobs/document", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["kind"] == "document"
    job_id: str = answer.json()["job_id"]
    return job_id


async def _job(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/jobs/{job_id}")).json()
    return found


async def _reaches(client: httpx2.AsyncClient, job_id: str, *states: str) -> dict[str, Any]:
    async def there() -> bool:
        return (await _job(client, job_id))["status"] in states

    await eventually(there, seconds=60)
    return await _job(client, job_id)


async def test_one_job_goes_through_both_services(services: Fleet, model: ScriptedModel) -> None:
    for name in SERVICES:
        await services.start(name)
    async with await _client(services) as client:
        job_id = await _submit(client)
        job = await _reaches(client, job_id, "completed", "failed")
        assert job["error"] is None
        assert (job["kind"], job["phase"], job["outline_version"], job["attempt"]) == ("document", "document", 1, 1)
        assert job["usage"]["llm_calls"] == len(model.calls)
        result = (await client.get(f"/jobs/{job_id}/result")).json()
        assert result["usage"] == job["usage"]
        assert result["quality"]["files"] == [{"name": "notes.md", "status": "used", "detail": "", "warnings": []}]
        assert 640 < result["document"]["words"] < 960
        assert (await client.get("/jobs?kind=outline")).json()["items"] == []
        events = await events_of(services.api, job_id)
    types = [event.type for event in events if event.type not in {"progress", "delta", "section"}]
    assert types == ["queued", "started", "outline_ready", "queued", "started", "completed"]
    ready = next(event.data for event in events if event.type == "outline_ready")
    assert (ready["version"], ready["awaiting_review"]) == (1, False)
    titles = [node["title"] for node in ready["outline"]["nodes"]]
    assert [section["title"] for section in result["document"]["sections"] if section["level"] == 1] == titles
    ids = [EventId.parse(event.id) for event in events]
    assert all(earlier and later and earlier < later for earlier, later in pairwise(ids))
    percents = [event.data["percent"] for event in events if event.type == "progress"]
    assert percents == sorted(percents)
    assert percents[0] < 10 < percents[-1]


async def test_it_waits_for_a_person_and_for_nobody_else(services: Fleet, model: ScriptedModel) -> None:
    gateway = await services.start("gateway")
    planner = await services.start("outline_worker")
    await services.start("document_worker")
    async with await _client(services) as client:
        job_id = await _submit(client, review=True)
        job = await _reaches(client, job_id, "awaiting_review", "failed")
        assert (job["status"], job["phase"], job["outline_version"]) == ("awaiting_review", "outline", 1)
        assert (job["progress"]["step"], job["progress"]["message"]) == ("review", "Waiting for approval")
        planned = len(model.calls)
        # Nobody holds it: all may stop and start again.
        assert await planner.stop() == 0
        assert await gateway.stop() == 0
        await services.start("gateway")
        assert (await _job(client, job_id))["status"] == "awaiting_review"
        assert (await client.get("/stats")).json()["kinds"]["outline"]["awaiting_review"] == 1
        assert len(model.calls) == planned


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_the_death_of_the_planner_loses_nothing(
    services: Fleet, model: ScriptedModel, number: signal.Signals
) -> None:
    await services.start("gateway")
    await services.start("document_worker")
    planner = await services.start("outline_worker", DRAFTLINE_GRACE_SECONDS="0")
    async with await _client(services) as client:
        job_id = await _submit(client)
        await eventually(lambda: len(model.calls) >= 2, seconds=20)
        await planner.stop(number)
        await services.start("outline_worker")
        job = await _reaches(client, job_id, "completed", "failed")
        assert job["error"] is None
        assert (job["usage"]["llm_calls"], job["attempt"]) == (len(model.calls), 1) or number == signal.SIGKILL
        types = [event.type for event in await events_of(services.api, job_id)]
    assert types.count("outline_ready") == types.count("completed") == 1
