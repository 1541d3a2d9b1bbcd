"""A person changes the plan of a document, and that is what is written: real processes."""

from typing import Any

import httpx2
import pytest

from tests.support.documents import events_of
from tests.support.processes import Fleet
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.timeout(120)]


async def _reaches(client: httpx2.AsyncClient, state: str) -> dict[str, Any]:
    async def there() -> bool:
        job = (await client.get("/jobs/tea")).json()
        assert job["error"] is None, job
        return bool(job["status"] == state)

    await eventually(there, seconds=60)
    found: dict[str, Any] = (await client.get("/jobs/tea/outline")).json()
    return found


async def test_a_document_is_written_as_a_person_left_its_outline(services: Fleet) -> None:
    for name in ("gateway", "outline_worker", "document_worker"):
        await services.start(name)
    request = {"job_id": "tea", "task_prompt": "How tea came to Europe", "target_words": 800, "review": True}
    async with httpx2.AsyncClient(base_url=services.api, timeout=30, trust_env=False) as client:
        assert (await client.post("/jobs/document", json=request)).status_code == 202
        nodes = (await _reaches(client, "awaiting_review"))["outline"]["nodes"]
        operations = [
            {"op": "remove", "id": nodes[1]["id"]},
            {"op": "rename", "id": nodes[2]["id"], "title": "The price of a pound"},
            {"op": "set_budget", "id": nodes[2]["id"], "target_words": 250},
            {"op": "add", "parent": None, "index": 1, "node": {"title": "Tea houses", "target_words": 150}},
        ]
        changed = await client.patch("/jobs/tea/outline", json={"operations": operations}, headers={"If-Match": '"1"'})
        assert changed.status_code == 200, changed.text
        assert (await client.post("/jobs/tea/approve", headers={"If-Match": '"2"'})).status_code == 202
        outline = (await _reaches(client, "completed"))["outline"]
        result = (await client.get("/jobs/tea/result")).json()
    sections = result["document"]["sections"]
    assert [(section["id"], section["title"]) for section in sections] == [
        (node["id"], node["title"]) for node in outline["nodes"]
    ]
    words = {section["title"]: section["words"] for section in sections}
    assert 200 <= words["The price of a pound"] <= 300
    assert 120 <= words["Tea houses"] <= 180
    types = [event.type for event in await events_of(services.api, "tea")]
    steps = [each for each in types if each not in {"progress", "delta", "section"}]
    assert steps == [
        "queued", "started", "outline_ready", "outline_changed", "queued", "started", "completed",
    ]  # fmt: skip
