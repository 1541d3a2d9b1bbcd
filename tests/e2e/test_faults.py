"""Workers die, models misbehave; jobs do not."""

import signal

import pytest

from tests.support.documents import events_of, order, outline, texts
from tests.support.processes import Fleet
from tests.support.scripted_model import (
    SCRIPTS,
    Asked,
    Reply,
    Script,
    ScriptedModel,
    always,
    delayed,
    failure,
    obedient,
)
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.timeout(120)]


def _slow(*titles: str) -> Script:
    """Obeys at once, but for sections with these titles, which take long."""
    slow = delayed(obedient, first_token_seconds=0.3, chunk_seconds=0.5)

    def script(asked: Asked) -> Reply:
        return slow(asked) if any(f"arrow: {title}" in asked.last_user for title in titles) else obedient(asked)

    return script


async def test_a_killed_worker_costs_the_section_in_flight_only(services: Fleet, model: ScriptedModel) -> None:
    model.script = _slow("Subject number 3")
    await services.start("gateway")
    first = await services.start("document_worker")
    await services.post("/jobs/document", {"outline": outline(4), "job_id": "text"})
    await eventually(lambda: len([c for c in model.calls if c.ended_at and not c.disconnected]) >= 3, seconds=20)

    async def three_written() -> bool:
        return bool((await services.job("text"))["progress"]["percent"] >= 68)

    await eventually(three_written, seconds=10)
    await first.stop(signal.SIGKILL)
    model.script = obedient
    await services.start("document_worker")
    job = await services.settled("text")
    assert (job["status"], job["attempt"]) == ("completed", 2), job
    prompts = [call.body["messages"][-1]["content"] for call in model.calls]
    asked = {title: sum(f"arrow: {title}" in prompt for prompt in prompts) for title in _titles(4)}
    assert asked == {"Honey from nectar": 1, "Subject number 2": 1, "Subject number 3": 2, "Subject number 4": 1}
    await _check_stream(services, "text", terminal="completed")


def _titles(sections: int) -> list[str]:
    return [node["title"] for node in outline(sections)["nodes"]]


async def _check_stream(services: Fleet, job_id: str, terminal: str) -> None:
    events = await events_of(services.api, job_id)
    assert order(events) == sorted(set(order(events)))
    assert [event.type for event in events if event.type in {"completed", "failed", "cancelled"}] == [terminal]
    texts(events)
    resumed = await events_of(services.api, job_id, after=events[len(events) // 2].id)
    assert resumed == events[len(events) // 2 + 1 :]


async def test_sigterm_releases_and_another_worker_goes_on_at_once(services: Fleet, model: ScriptedModel) -> None:
    model.script = _slow("Subject number 2")
    await services.start("gateway")
    first = await services.start("document_worker", DRAFTLINE_GRACE_SECONDS="0.2")
    await services.post("/jobs/document", {"outline": outline(2), "job_id": "text"})
    await eventually(lambda: len(model.calls) == 2, seconds=10)
    await services.start("document_worker")
    model.script = obedient
    assert await first.stop() == 0
    job = await services.settled("text", seconds=10)
    assert (job["status"], job["attempt"]) == ("completed", 1), job
    await _check_stream(services, "text", terminal="completed")


async def test_cancel_in_mid_sentence_closes_the_model_call(services: Fleet, model: ScriptedModel) -> None:
    model.script = _slow(*_titles(2))
    await services.start("gateway")
    await services.start("document_worker")
    await services.post("/jobs/document", {"outline": outline(2), "job_id": "text"})
    await eventually(lambda: len(model.calls) == 2, seconds=10)
    assert (await services.post("/jobs/text/cancel")).status_code == 202
    job = await services.settled("text", seconds=2)
    assert job["status"] == "cancelled"
    await eventually(lambda: all(call.disconnected for call in model.calls), seconds=2)
    assert job["usage"]["llm_calls"] == 2
    assert job["usage"]["estimated"]
    await _check_stream(services, "text", terminal="cancelled")


async def test_sections_cut_at_the_length_limit_are_brought_to_an_end(services: Fleet, model: ScriptedModel) -> None:
    model.script = SCRIPTS["truncating"]
    await services.start("gateway")
    await services.start("document_worker")
    await services.post("/jobs/document", {"outline": outline(2), "job_id": "t"})
    assert (await services.settled("t"))["status"] == "completed"
    document = (await services.get("/jobs/t/result")).json()["document"]
    for paragraph in document["markdown"].split("\n\n"):
        assert paragraph.startswith("#") or paragraph.rstrip().endswith("."), paragraph
    assert {event.data["section_id"] for event in await events_of(services.api, "t") if event.type == "section"} == {
        "s1",
        "s2",
    }


async def test_a_model_that_is_busy_for_long_sends_the_job_back_to_the_queue(
    services: Fleet, model: ScriptedModel
) -> None:
    model.script = lambda asked: (
        failure(429, "slow down", retry_after="60") if "arrow: Subject number 2" in asked.last_user else obedient(asked)
    )
    await services.start("gateway")
    await services.start("document_worker")
    await services.post("/jobs/document", {"outline": outline(2), "job_id": "text"})

    async def retrying() -> bool:
        return bool((await services.job("text"))["status"] == "scheduled")

    await eventually(retrying, seconds=10)
    job = await services.job("text")
    assert job["error"]["code"] == "model_rate_limited"
    assert job["progress"]["percent"] > 40
    assert (await services.post("/jobs/text/cancel")).status_code == 200


async def test_a_refused_key_fails_the_job_at_once(services: Fleet, model: ScriptedModel) -> None:
    model.script = always(failure(401, "no such key"))
    await services.start("gateway")
    await services.start("document_worker")
    await services.post("/jobs/document", {"outline": outline(2), "job_id": "text"})
    job = await services.settled("text")
    assert (job["status"], job["attempt"], job["error"]["code"]) == ("failed", 1, "model_auth_failed")
    result = await services.get("/jobs/text/result")
    assert (result.status_code, result.json()["error"]["code"]) == (409, "model_auth_failed")


async def test_a_failed_document_is_retried_without_paying_again(services: Fleet, model: ScriptedModel) -> None:
    model.script = lambda asked: (
        failure(401, "no such key") if "arrow: Subject number 3" in asked.last_user else obedient(asked)
    )
    await services.start("gateway")
    await services.start("document_worker")
    await services.post("/jobs/document", {"outline": outline(3), "job_id": "text"})
    assert (await services.settled("text"))["status"] == "failed"
    paid = len(model.calls)
    model.script = obedient
    assert (await services.post("/jobs/text/retry")).status_code == 202
    job = await services.settled("text")
    assert (job["status"], job["run"], job["attempt"]) == ("completed", 2, 1)
    assert len(model.calls) == paid + 1
    events = await events_of(services.api, "text")
    assert [event.type for event in events if event.type in {"failed", "completed"}] == ["failed", "completed"]
    texts(events)


async def test_without_a_model_the_worker_says_what_is_missing(services: Fleet) -> None:
    with pytest.raises(AssertionError, match="OPENAI_MODEL"):
        await services.start("outline_worker", OPENAI_MODEL="")
