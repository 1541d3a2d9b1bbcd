"""A batch through real processes: outlines and documents, some failing, one stream; then the failed ones again."""

from typing import Any

import httpx2
import pytest

from tests.support.batches import types_by_job
from tests.support.documents import outline
from tests.support.processes import Fleet
from tests.support.scripted_model import Asked, Reply, ScriptedModel, failure, obedient
from tests.support.sse import Frame, open_stream

pytestmark = [pytest.mark.ci, pytest.mark.timeout(240)]
OUTLINES, FAILING = 30, {3, 17, 29}
PLANNED, GIVEN = {30, 31, 32}, {33, 34}


def _refusing(asked: Asked) -> Reply:
    return failure(400, "not this") if "Forbidden" in asked.prompt else obedient(asked)


def _items() -> list[dict[str, Any]]:
    prompts = [f"{'Forbidden' if n in FAILING else 'Allowed'} subject number {n}" for n in range(OUTLINES)]
    return [
        *({"task_prompt": prompt} for prompt in prompts),
        *({"kind": "document", "task_prompt": f"The tides of bay {n}", "target_words": 300} for n in PLANNED),
        *({"kind": "document", "outline": outline(2)} for _ in GIVEN),
        {"kind": "document"},
    ]


async def _followed(client: httpx2.AsyncClient, after: str | None = None) -> list[Frame]:
    async with open_stream(client, "/batches/run/events", after) as stream:
        assert stream.status == 200
        return await stream.rest()


async def _batch(client: httpx2.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/batches/run")).json()
    return found


def _stories(planned: list[str], others: list[str], among: set[int]) -> dict[str, list[str]]:
    return {f"run.{n}": planned if n in PLANNED else others for n in among}


async def test_a_batch_of_outlines_and_documents(services: Fleet, model: ScriptedModel) -> None:
    model.script = _refusing
    for name in ("gateway", "outline_worker", "document_worker"):
        await services.start(name)
    async with httpx2.AsyncClient(base_url=services.api, timeout=60, trust_env=False) as client:
        body = {"batch_id": "run", "options": {"kind": "outline", "language": "en"}, "items": _items()}
        answer = await client.post("/jobs/batch", json=body)
        assert (answer.status_code, answer.json()["accepted"], answer.json()["refused"]) == (202, 35, 1)
        seen = await _followed(client)
        plain = ["queued", "started", "completed"]
        planned = ["queued", "started", "outline_ready", "queued", "started", "completed"]
        expected = _stories(planned, plain, set(range(35))) | _stories([], ["queued", "started", "failed"], FAILING)
        assert types_by_job(seen) == expected
        batch = await _batch(client)
        ended = {name: count for name, count in batch["jobs"].items() if count}
        assert ended == {"total": 36, "refused": 1, "completed": 32, "failed": 3}
        assert (batch["finished"], batch["progress"]["percent"]) == (True, 100.0)
        jobs = (await client.get("/batches/run/jobs?limit=200")).json()["items"]
        assert [job["job_id"] for job in jobs] == [f"run.{n}" for n in range(35)]
        assert batch["usage"]["llm_calls"] == sum(job["usage"]["llm_calls"] for job in jobs) > 40
        failed = (await client.get("/batches/run/jobs?status=failed")).json()["items"]
        assert {job["error"]["code"] for job in failed} == {"model_request_refused"}

        model.script = obedient
        assert (await client.post("/batches/run/retry")).json() == {"retried": 3, "not_retried": 0}
        again = await _followed(client, seen[-1].id)
        assert types_by_job(again) == _stories([], plain, FAILING)
        assert (await _batch(client))["jobs"]["completed"] == 35
        last = await client.get("/batches/run/events", headers={"Last-Event-ID": again[-1].id or ""})
        assert last.status_code == 204
