"""``/result?partial=true``: what is finished of a document, in every state its job can be in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.contracts.document import Document
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.plan import LEDGER, PLAN, Plan, PlannedSection, text_field
from shared.contracts.states import JobKind
from shared.contracts.usage import Usage
from shared.evidence.citations import leaked_keys, numbers_in
from shared.evidence.ledger import build_ledger
from shared.evidence.parts import Part, ReadFile
from shared.redis.attempts import ArtifactWrite
from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem

JOB = "/api/v1/jobs/job"
OUTLINE = {
    "title": "Bees [all]",
    "language": "en",
    "nodes": [
        {"title": "Honey"},
        {"title": "Castes", "children": [{"title": "Queens"}, {"title": "Drones"}]},
        {"title": "End"},
    ],
}
_FILES = [
    ReadFile(f"{name}.txt", "text/plain", (Part(f"All about {name}."),)) for name in ("honey", "queens", "drones")
]
EVIDENCE = build_ledger(str(JobRef("job")), _FILES)
HONEY, QUEENS, DRONES = (passage.key for passage in EVIDENCE.passages)
TEXTS = {
    "s1": f"Honey is sweet [@{HONEY}]. Queens like it [@{QUEENS}] [@{HONEY}].",
    "s2.1": f"Queens rule [@{QUEENS}].",
    "s2.2": f"Drones idle [@{DRONES}]. Queens do not [@{QUEENS}].",
    "s3": "It ends.",
}
SPENT = Usage(llm_calls=1, prompt_tokens=10, completion_tokens=5)


def _plan() -> Plan:
    headings = [("s1", "Honey", 1), ("s2", "Castes", 1), ("s2.1", "Queens", 2), ("s2.2", "Drones", 2), ("s3", "End", 1)]
    sections = [
        PlannedSection(
            id=name, title=title, level=level, summary="", leaf=name in TEXTS, target_words=5, evidence=[]
        )
        for name, title, level in headings
    ]  # fmt: skip
    return Plan(title="Bees [all]", language="en", task_prompt="", sections=sections)


@dataclass(slots=True)
class Writer:
    """A document job and what a worker would store of it, by hand."""

    gateway: Gateway
    hand: Hand
    store: Store
    stored: int = field(default=0)

    async def submit(self, **options: Any) -> None:
        body = {"job_id": "job", "outline": OUTLINE, **options}
        answer = await self.gateway.client.post("/api/v1/jobs/document", json=body)
        assert answer.status_code == 202, answer.text

    async def put(self, claim: Claim, fields: Mapping[str, str]) -> None:
        for name, text in fields.items():
            self.stored += 1
            usage = SPENT if name.startswith("text:") else None
            await self.store.attempts.put_artifact(claim, ArtifactWrite(str(self.stored), name, text.encode(), usage))

    async def sections(self, claim: Claim, *names: str) -> None:
        await self.put(claim, {text_field(name): TEXTS[name] for name in names})

    async def begin(self, *names: str, **options: Any) -> Claim:
        """A running job with a plan, evidence and these sections."""
        await self.submit(**options)
        claim = await self.hand.take(JobKind.DOCUMENT)
        await self.put(claim, {LEDGER: EVIDENCE.model_dump_json(), PLAN: _plan().model_dump_json()})
        await self.sections(claim, *names)
        return claim

    async def result(self, partial: str | None = "true") -> httpx2.Response:
        return await self.gateway.client.get(f"{JOB}/result", params={} if partial is None else {"partial": partial})

    async def partial(self, state: str) -> tuple[dict[str, Any], Document]:
        """The partial result, which must be whole in itself."""
        answer = await self.result()
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
        assert answer.headers["cache-control"] == "no-store"
        body: dict[str, Any] = answer.json()
        assert body.keys() == {"partial", "status", "document", "missing_sections", "error", "usage"}
        assert (body["partial"], body["status"]) == (True, state)
        document = Document.model_validate(body["document"])
        assert leaked_keys(document.markdown) == []
        text = document.markdown.partition("## References")[0]
        assert numbers_in(text) == {reference.number for reference in document.references}
        return body, document

    async def refused(self, code: str) -> None:
        """Whether with or without the flag, there is no result."""
        for partial in ("true", None):
            problem(await self.result(partial), 409, code)


@pytest_asyncio.fixture
async def writer(gateway: Gateway, hand: Hand, store: Store) -> Writer:
    return Writer(gateway, hand, store)


async def test_a_failed_job_keeps_what_is_finished(writer: Writer) -> None:
    claim = await writer.begin("s2.2", "s1")
    await writer.hand.fail(claim)
    body, document = await writer.partial("failed")
    assert document.markdown == (
        "# Bees \\[all\\]\n\n## Honey\n\nHoney is sweet [1]. Queens like it [2][1].\n\n## Castes\n\n### Drones\n\n"
        "Drones idle [3]. Queens do not [2].\n\n## References\n\n\\[1\\] honey.txt\n\n\\[2\\] queens.txt\n\n"
        "\\[3\\] drones.txt\n"
    )
    assert [(section.id, section.words) for section in document.sections] == [("s1", 6), ("s2", 0), ("s2.2", 5)]
    assert (document.title, document.language, document.words) == ("Bees [all]", "en", 11)
    assert body["missing_sections"] == [{"id": "s2.1", "title": "Queens"}, {"id": "s3", "title": "End"}]
    assert body["error"] == {"code": "x", "message": "it broke", "retryable": False}
    assert (body["usage"]["llm_calls"], body["usage"]["prompt_tokens"]) == (2, 20)
    assert problem(await writer.result(None), 409, "job_failed")["error"] == body["error"]


async def test_a_source_cited_only_in_what_is_missing_is_not_listed(writer: Writer) -> None:
    await writer.hand.fail(await writer.begin("s2.1", "s3"))
    _, document = await writer.partial("failed")
    assert [(reference.number, reference.source.name) for reference in document.references] == [(1, "queens.txt")]
    assert "Queens rule [1]." in document.markdown


async def test_nothing_cited_means_no_list(writer: Writer) -> None:
    await writer.begin("s3")
    _, document = await writer.partial("running")
    assert (document.markdown, document.references) == ("# Bees \\[all\\]\n\n## End\n\nIt ends.\n", [])


async def test_a_running_job_shows_more_and_more(writer: Writer) -> None:
    claim = await writer.begin("s1")
    body, document = await writer.partial("running")
    assert ([section.id for section in document.sections], body["error"]) == (["s1"], None)
    await writer.sections(claim, "s2.1", "s2.2", "s3")
    body, document = await writer.partial("running")
    assert (len(document.sections), body["missing_sections"]) == (5, [])


async def test_a_released_job_shows_it_while_queued(writer: Writer) -> None:
    await writer.hand.release(await writer.begin("s1"))
    await writer.partial("queued")


async def test_a_job_that_waits_for_its_next_attempt_says_why(writer: Writer) -> None:
    claim = await writer.begin("s1")
    error = {"code": "model_timeout", "message": "slow", "retryable": True}
    await writer.store.attempts.fail(claim, 1, json.dumps(error).encode(), 60_000)
    body, _ = await writer.partial("scheduled")
    assert body["error"] == (await writer.gateway.client.get(JOB)).json()["error"]


async def test_a_cancelled_job_keeps_what_is_finished(writer: Writer) -> None:
    claim = await writer.begin("s1")
    assert (await writer.gateway.client.post(f"{JOB}/cancel")).status_code == 202
    await writer.partial("running")
    await writer.hand.release(claim)
    body, _ = await writer.partial("cancelled")
    assert body["error"] is None
    problem(await writer.result(None), 409, "job_cancelled")


async def test_a_new_run_goes_on_from_it(writer: Writer) -> None:
    await writer.hand.fail(await writer.begin("s1"))
    await writer.gateway.client.post(f"{JOB}/retry")
    body, before = await writer.partial("queued")
    assert body["error"] is None
    claim = await writer.hand.take(JobKind.DOCUMENT)
    await writer.sections(claim, "s2.1")
    _, document = await writer.partial("running")
    assert [section.id for section in document.sections] == ["s1", "s2", "s2.1"]
    assert document.markdown.startswith(before.markdown.partition("\n\n## References")[0])
    assert document.references == before.references
    await writer.hand.complete(claim)
    assert (await writer.result()).json()["answer"] == 42


async def test_a_completed_job_has_its_result_and_no_other(writer: Writer, redis_connections: Connections) -> None:
    await writer.hand.complete(await writer.begin(*TEXTS))
    plain, asked = await writer.result(None), await writer.result()
    assert (asked.status_code, asked.content) == (200, plain.content)
    assert asked.json()["answer"] == 42
    assert asked.headers.get("cache-control") == plain.headers.get("cache-control")
    await redis_connections.commands.delete("draftline:{0}:job_result:default/job")
    problem(await writer.result(), 410, "result_expired")


async def test_nothing_finished_is_the_same_conflict(writer: Writer) -> None:
    await writer.submit(delay_seconds=60)
    await writer.refused("not_finished")
    await writer.gateway.client.post(f"{JOB}/cancel")
    await writer.refused("job_cancelled")


async def test_a_plan_without_sections_is_the_same_conflict(writer: Writer) -> None:
    claim = await writer.begin()
    await writer.refused("not_finished")
    await writer.hand.fail(claim)
    await writer.refused("job_failed")
    # The error may say where finished sections are to be had: here.
    assert "no finished sections" in (await writer.result()).json()["detail"]


@pytest.mark.parametrize("lost", [PLAN, LEDGER, text_field("s1")])
async def test_work_that_is_gone_counts_as_nothing_finished(
    writer: Writer, redis_connections: Connections, lost: str
) -> None:
    await writer.hand.fail(await writer.begin("s1"))
    await writer.partial("failed")
    await redis_connections.commands.hdel("draftline:{0}:artifact:default/job", lost)
    await writer.refused("job_failed")


async def test_a_text_that_the_plan_does_not_know_is_not_finished(writer: Writer) -> None:
    claim = await writer.begin()
    await writer.put(claim, {text_field("s9"): "Stray."})
    await writer.refused("not_finished")


async def test_citations_that_do_not_add_up_are_not_shown(writer: Writer) -> None:
    claim = await writer.begin("s1")
    await writer.put(claim, {text_field("s2.1"): "Made up [@Sffffff]."})
    await writer.hand.fail(claim)
    await writer.refused("job_failed")


async def test_an_outline_job_has_no_parts(writer: Writer) -> None:
    await writer.gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "job"})
    claim = await writer.hand.take()
    await writer.put(claim, {LEDGER: EVIDENCE.model_dump_json()})
    await writer.refused("not_finished")
    await writer.hand.fail(claim)
    await writer.refused("job_failed")


@pytest.mark.parametrize(("partial", "status"), [("1", 200), ("true", 200), ("0", 409), ("false", 409)])
async def test_the_flag_is_true_or_false(writer: Writer, partial: str, status: int) -> None:
    await writer.begin("s1")
    assert (await writer.result(partial)).status_code == status


@pytest.mark.parametrize("partial", ["", "2", "maybe", "true,false"])
async def test_garbage_is_refused(writer: Writer, partial: str) -> None:
    await writer.begin("s1")
    assert problem(await writer.result(partial), 422, "validation_failed")["errors"][0]["pointer"] == "/query/partial"


async def test_an_unknown_job_is_not_found(writer: Writer) -> None:
    problem(await writer.result(), 404, "job_not_found")
