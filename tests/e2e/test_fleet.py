"""Orders over HTTP to real workers, and jobs that run out of time."""

import asyncio
import signal
from typing import Any

import pytest

from tests.support.documents import NOTES, events_of, outline, texts
from tests.support.processes import Fleet, Service
from tests.support.scripted_model import Asked, Call, Reply, Script, ScriptedModel, delayed, hang, obedient
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.timeout(90)]

RESTART_STATUS = 75


async def _start(services: Fleet, *names: str) -> list[Service]:
    return await asyncio.gather(*(services.start(name) for name in names))


async def _workers(services: Fleet) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await services.get("/workers")).json()["items"]
    return found


async def _holding(services: Fleet, job_id: str) -> str:
    """The id of the worker that holds the job, once the registry says so."""
    found: list[str] = []

    async def held() -> bool:
        found[:] = [each["worker_id"] for each in await _workers(services) if job_id in each["running"]]
        return bool(found)

    await eventually(held, seconds=10)
    return found[0]


def _by_name(services: list[Service], worker_id: str) -> Service:
    """The process of a worker: its id has the process id in the middle."""
    return next(each for each in services if f"-{each.process.pid}-" in worker_id)


def _by_title(otherwise: Script, **store: Script) -> Script:
    """Sections are answered by their titles, with ``_`` for a space."""

    def script(asked: Asked) -> Reply:
        for title, chosen in store.items():
            if f"arrow: {title.replace('_', ' ')}" in asked.last_user:
                return chosen(asked)
        return otherwise(asked)

    return script


def _asked(call: Call) -> str:
    prompt: str = call.body["messages"][-1]["content"]
    return prompt


STUCK: Script = lambda _: hang(after_chunks=2)  # noqa: E731


async def test_orders_to_workers(services: Fleet, model: ScriptedModel) -> None:
    model.script = STUCK
    services.settings["DRAFTLINE_GRACE_SECONDS"] = "0.2"
    _, *workers = await _start(services, "gateway", "document_worker", "document_worker")
    await services.post("/jobs/document", {"outline": outline(1), "job_id": "text", "max_attempts": 1})
    first = await _holding(services, "text")
    assert {(each["kind"], each["slots"], each["draining"]) for each in await _workers(services)} == {
        ("document", 100, False)
    }
    told = await services.post(f"/workers/{first}/restart")
    assert (told.status_code, told.json()["workers"]) == (202, [first])
    assert await _by_name(workers, first).process.wait() == RESTART_STATUS
    assert first not in [each["worker_id"] for each in await _workers(services)]
    second = await _holding(services, "text")
    assert (await services.post(f"/workers/{first}/drain")).status_code == 404

    assert (await services.post("/workers/drain?kind=document")).json()["workers"] == [second]
    await eventually(lambda: _draining(services, second))
    model.script = obedient
    await services.post("/jobs/document", {"outline": outline(1), "job_id": "next"})
    await asyncio.sleep(0.3)
    assert [(await services.job(name))["status"] for name in ("text", "next")] == ["running", "queued"]
    await services.post(f"/workers/{second}/resume")
    assert (await services.settled("next", seconds=3))["status"] == "completed"
    await services.start("document_worker")
    await services.post(f"/workers/{second}/shutdown")
    assert await _by_name(workers, second).process.wait() == 0
    job = await services.settled("text", seconds=3)
    assert (job["status"], job["attempt"], job["run"]) == ("completed", 1, 1)
    texts(await events_of(services.api, "text"))


async def _draining(services: Fleet, worker_id: str) -> bool:
    return [each["draining"] for each in await _workers(services) if each["worker_id"] == worker_id] == [True]


async def test_workers_that_are_signalled_or_killed(services: Fleet, model: ScriptedModel) -> None:
    model.script = STUCK
    _, *workers = await _start(services, "gateway", "document_worker", "document_worker")
    await services.post("/jobs/document", {"outline": outline(1), "job_id": "text"})
    held = await _holding(services, "text")
    busy = _by_name(workers, held)
    other = next(each for each in workers if each is not busy)
    other.process.send_signal(signal.SIGKILL)
    assert len(await _workers(services)) == 2

    async def one_is_left() -> bool:
        return [each["worker_id"] for each in await _workers(services)] == [held]

    # Its life: three heartbeats of a third of the lease.
    await eventually(one_is_left, seconds=4)
    await services.post("/workers/restart?kind=document")
    await eventually(lambda: _draining(services, held))
    model.script = obedient
    busy.process.send_signal(signal.SIGTERM)
    await services.post("/jobs/text/cancel")
    assert await busy.stop() == 0
    assert await _workers(services) == []


LIMITS = {"soft_time_limit_seconds": 2, "hard_time_limit_seconds": 6}


async def test_documents_and_outlines_end_with_what_they_have_in_time(services: Fleet, model: ScriptedModel) -> None:
    """The first section is quick, one streams for a minute; of two no word has come when the soft limit comes."""
    model.script = _by_title(
        delayed(obedient, first_token_seconds=0.8, chunk_seconds=0),
        Subject_number_2=lambda _: Reply(text="A whole sentence here. " * 400, chunk_seconds=0.1),
        Subject_number_3=delayed(obedient, first_token_seconds=60, chunk_seconds=0),
        Subject_number_4=lambda _: hang(),
    )
    await _start(services, "gateway", "outline_worker", "document_worker")
    files = {"context_files": {"notes.md": NOTES}}
    await services.post("/jobs/document", {"outline": outline(4, 400), "job_id": "text", **files, **LIMITS})
    plan = {"task_prompt": "How bees make honey", **files}
    await services.post("/jobs/outline", {**plan, "job_id": "hurried", **LIMITS, "soft_time_limit_seconds": 1.2})
    await services.post("/jobs/outline", {**plan, "job_id": "patient"})
    await _check_outline(services, "hurried", calls=2, time_limited=True)
    await _check_outline(services, "patient", calls=3, time_limited=False)
    job = await services.settled("text", seconds=8)
    # Texts end half-way between the limits.
    assert (job["status"], 4 <= job["duration_seconds"] < 5) == ("completed", True)
    assert [call.disconnected for call in model.calls if "arrow: Subject" in _asked(call)] == [True] * 3
    assert job["usage"]["llm_calls"] == 4
    _check_document((await services.get("/jobs/text/result")).json())
    assert texts(await events_of(services.api, "text"))["s2"].endswith("A whole sentence here.")


def _check_document(result: dict[str, Any]) -> None:
    quality, markdown = result["quality"], result["document"]["markdown"]
    assert quality["time_limited"]
    assert [section["id"] for section in quality["missing_sections"]] == ["s3", "s4"]
    assert [(section["id"], section["out_of_time"]) for section in quality["sections"]] == [("s1", False), ("s2", True)]
    assert "number 3" not in markdown
    assert "number 4" not in markdown
    assert [reference["number"] for reference in result["document"]["references"]] == [1]
    for paragraph in markdown.strip().split("\n\n"):
        assert paragraph.startswith(("#", "\\[")) or paragraph.endswith((".", "]")), paragraph


async def _check_outline(services: Fleet, job_id: str, *, calls: int, time_limited: bool) -> None:
    job = await services.settled(job_id, seconds=6)
    assert (job["status"], job["usage"]["llm_calls"]) == ("completed", calls)
    result = (await services.get(f"/jobs/{job_id}/result")).json()
    assert result["quality"]["time_limited"] is time_limited
    assert len(result["outline"]["nodes"]) >= 3


async def test_a_document_that_reaches_its_hard_limit(services: Fleet, model: ScriptedModel) -> None:
    """It fails, its model call is closed and counted; a retry has all its time again and pays for the rest only."""
    model.script = _by_title(obedient, Subject_number_2=STUCK)
    await _start(services, "gateway", "document_worker")
    await services.post("/jobs/document", {"outline": outline(2), "job_id": "text", "hard_time_limit_seconds": 1.5})
    job = await services.settled("text", seconds=4)
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert (job["error"]["code"], job["error"]["retryable"]) == ("time_limit_exceeded", False)
    assert 1.3 < job["duration_seconds"] < 2.2
    assert (job["usage"]["llm_calls"], job["usage"]["estimated"]) == (2, True)
    (stuck,) = (call for call in model.calls if "arrow: Subject number 2" in _asked(call))
    await eventually(lambda: stuck.disconnected, seconds=1)
    partial = (await services.get("/jobs/text/result?partial=true")).json()
    assert [section["id"] for section in partial["missing_sections"]] == ["s2"]
    model.script = delayed(obedient, first_token_seconds=0.8, chunk_seconds=0)
    await services.post("/jobs/text/retry")
    job = await services.settled("text", seconds=4)
    assert (job["status"], job["run"], job["usage"]["llm_calls"]) == ("completed", 2, 3)
