"""From a prompt to a referenced document, through real processes."""

import asyncio
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.observability import metrics
from tests.support.documents import COPPER, NOTES, events_of, order, outline, texts
from tests.support.processes import Fleet
from tests.support.scripted_model import ScriptedModel, delayed, obedient
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(90), pytest.mark.xdist_group("main job")]
shared = pytest.mark.asyncio(loop_scope="module")


@shared
async def test_outline_then_document(lasting_services: Fleet) -> None:
    services = lasting_services
    files = {"notes.md": NOTES, "copper.txt": COPPER}
    accepted = await services.post(
        "/jobs/outline",
        {"task_prompt": "How bees make honey", "job_id": "plan", "target_words": 400, "context_files": files},
    )
    assert accepted.status_code == 202
    planned = await services.settled("plan")
    assert planned["status"] == "completed", planned
    result = (await services.get("/jobs/plan/result")).json()
    leaves = result["outline"]["nodes"]
    assert sum(leaf["target_words"] for leaf in leaves) == 400
    assert result["usage"]["llm_calls"] == planned["usage"]["llm_calls"] == 3

    await services.post("/jobs/document", {"outline_job_id": "plan", "job_id": "text"})
    written = await services.settled("text")
    assert written["status"] == "completed", written
    events = await events_of(services.api, "text")
    assert [event.type for event in events[:2]] == ["queued", "started"]
    assert events[-1].type == "completed"
    assert order(events) == sorted(set(order(events)))
    percents = [event.data["percent"] for event in events if event.type == "progress"]
    assert percents == sorted(percents)
    finished = [event for event in events if event.type == "section"]
    assert {event.data["section_id"] for event in finished} == {leaf["id"] for leaf in leaves}

    document = (await services.get("/jobs/text/result")).json()["document"]
    _check_document(document, texts(events))


def _check_document(document: dict, streamed: dict[str, str]) -> None:  # type: ignore[type-arg]
    markdown = document["markdown"]
    assert document["words"] == sum(section["words"] for section in document["sections"])
    assert abs(document["words"] - 400) <= 40
    for text in streamed.values():
        for sentence in re.split(r"\s*\[@S[0-9a-f]+\]\s*", text):
            assert sentence.strip() in markdown
    numbers = {int(n) for n in re.findall(r"(?<!\\)\[(\d+)\]", markdown)}
    assert numbers == {reference["number"] for reference in document["references"]}
    assert {reference["source"]["name"] for reference in document["references"]} <= {"notes.md", "copper.txt"}
    assert "@S" not in markdown


@shared
async def test_references_name_only_what_was_cited(lasting_services: Fleet) -> None:
    services = lasting_services
    # Nothing in the outline speaks of copper, so no section is given that file.
    body = {"outline": outline(2), "job_id": "cited", "context_files": {"notes.md": NOTES, "copper.txt": COPPER}}
    await services.post("/jobs/document", body)
    assert (await services.settled("cited"))["status"] == "completed"
    result = (await services.get("/jobs/cited/result")).json()
    assert [reference["source"]["name"] for reference in result["document"]["references"]] == ["notes.md"]
    assert {file["name"]: file["status"] for file in result["quality"]["files"]} == {
        "notes.md": "used",
        "copper.txt": "not_used",
    }
    assert result["quality"]["evidence"] == "cited"


@shared
async def test_chinese_in_chinese_out(lasting_services: Fleet) -> None:
    services = lasting_services
    await services.post("/jobs/outline", {"task_prompt": "蜜蜂如何酿造蜂蜜，蜂群如何分工", "job_id": "chinese-plan"})
    planned = (await services.settled("chinese-plan"))["status"]
    result = (await services.get("/jobs/chinese-plan/result")).json()
    assert (planned, result["outline"]["language"]) == ("completed", "zh")
    chinese = {
        "title": "蜜蜂与蜂蜜",
        "nodes": [{"title": "蜂蜜的来历", "summary": "花蜜怎样变成蜂蜜", "target_words": 100}],
    }
    body = {
        "outline": chinese,
        "job_id": "chinese",
        "context_files": {"笔记.txt": "蜜蜂把花蜜变成蜂蜜，水分降到百分之十八。"},
    }
    await services.post("/jobs/document", body)
    assert (await services.settled("chinese"))["status"] == "completed"
    document = (await services.get("/jobs/chinese/result")).json()["document"]
    assert document["language"] == "zh"
    assert 80 <= document["words"] <= 120
    assert "## 参考文献" in document["markdown"]
    assert "笔记.txt" in document["markdown"].splitlines()[-1]


async def test_every_listed_metric_moves(services: Fleet, model: ScriptedModel) -> None:
    model.script = delayed(obedient, first_token_seconds=0.5, chunk_seconds=0.05)
    services.settings["DRAFTLINE_MODEL_PRICES"] = '{"scripted": {"prompt": 1, "completion": 2}}'
    await services.start("gateway")
    await services.post("/queues/outline/pause")
    # Nobody takes it yet: it waits, and is watched while it does.
    await services.post("/jobs/outline", {"task_prompt": "How bees make honey", "job_id": "plan"})
    declared = {metric._name for metric in vars(metrics).values() if hasattr(metric, "_name")}
    moved: set[str] = set()

    async def seen(*names: str) -> bool:
        for service in services.services:
            for family in text_string_to_metric_families(await service.metrics()):
                if any(sample.value > 0 for sample in family.samples):
                    moved.add(family.name)
        return set(names or declared) <= moved

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(events_of(services.api, "plan"))
        await eventually(
            lambda: seen("draftline_sse_connections", "draftline_queue_oldest_waiting_seconds"), seconds=10
        )
        await services.start("outline_worker")
        await services.start("document_worker")
        await eventually(lambda: seen("draftline_queue_paused"), seconds=10)
        await services.post("/queues/outline/resume")
        await eventually(lambda: seen("draftline_jobs_running"), seconds=10)
        await watching
    await services.post("/jobs/document", {"outline_job_id": "plan", "job_id": "text"})
    await services.settled("text")
    assert (await services.get("/jobs/text/result?format=html")).status_code == 200
    assert await seen(), f"these did not move: {declared - moved}"


async def test_sigterm_ends_every_service_with_status_0(services: Fleet) -> None:
    for name in ("gateway", "outline_worker", "document_worker"):
        await services.start(name)
    assert [await service.stop() for service in services.services] == [0, 0, 0]
