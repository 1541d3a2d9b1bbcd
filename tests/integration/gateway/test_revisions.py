"""One section of a finished document again: what the new job is given, what is refused, which versions there are."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.contracts.commands import DocumentPayload
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim, Origin
from shared.contracts.plan import (
    LEDGER,
    PLAN,
    Plan,
    PlannedSection,
    evidence_field,
    facts_field,
    previous_field,
    text_field,
)
from shared.contracts.states import JobKind
from shared.redis.attempts import ArtifactWrite
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from shared.redis.revisions import MOST_MEMBERS
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem

JOBS = "/api/v1/jobs"
HEADINGS = [("s1", True), ("s2", False), ("s2.1", True), ("s2.2", True), ("s3", True)]
WRITTEN = ("s1", "s2.1", "s2.2")
REQUEST = {
    "outline": {"title": "Bees", "nodes": [{"title": "Honey"}]},
    "model": "large",
    "context_files": {"notes.md": "Bees make honey."},
}


def _plan(leaves: int = 0) -> Plan:
    headings = HEADINGS if not leaves else [(f"s{n}", True) for n in range(leaves)]
    sections = [
        PlannedSection(id=name, title=name, level=1, summary="", leaf=leaf, target_words=9, evidence=[])
        for name, leaf in headings
    ]
    return Plan(title="Bees", language="en", task_prompt="On bees", sections=sections, reference_style="apa")


def _work() -> dict[str, str]:
    """What the writing leaves; ``s3`` was not reached in time."""
    kinds = (text_field, facts_field, evidence_field)
    sections = {kind(name): f"{kind.__name__} of {name}" for name in WRITTEN for kind in kinds}
    return {PLAN: _plan().model_dump_json(), LEDGER: "the ledger", **sections, "answer:1": "paid", "fused": "x"}


@dataclass(slots=True)
class Desk:
    """A gateway and a worker by hand."""

    gateway: Gateway
    hand: Hand
    store: Store

    async def begin(self, job_id: str) -> Claim:
        """A running document job."""
        answer = await self.gateway.client.post(f"{JOBS}/document", json={**REQUEST, "job_id": job_id})
        assert answer.status_code == 202, answer.text
        return await self.hand.take(JobKind.DOCUMENT)

    async def finish(self, claim: Claim, work: dict[str, str] | None = None) -> None:
        """Store its work and complete it."""
        for number, (name, value) in enumerate((_work() if work is None else work).items()):
            await self.store.attempts.put_artifact(claim, ArtifactWrite(str(number), name, value.encode()))
        await self.hand.complete(claim)

    async def again(self, parent: str, section: str = "s1", key: str = "", **body: Any) -> httpx2.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.gateway.client.post(
            f"{JOBS}/{parent}/sections/{section}/regenerate", json=body, headers=headers
        )

    async def stored(self, job_id: str) -> dict[str, str]:
        """The work that lies ready for a job."""
        names = await self.store.jobs.artifact_fields(JobRef(job_id))
        values = await self.store.jobs.artifacts(JobRef(job_id), names)
        return {name: value.decode() for name, value in zip(names, values, strict=True) if value is not None}

    async def versions(self, job_id: str) -> list[dict[str, Any]]:
        answer = await self.gateway.client.get(f"{JOBS}/{job_id}/versions")
        assert answer.json()["next_cursor"] is None
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest_asyncio.fixture
async def desk(gateway: Gateway, hand: Hand, store: Store) -> Desk:
    return Desk(gateway, hand, store)


async def test_the_new_job_has_all_that_it_needs_of_its_parent_and_no_more(desk: Desk) -> None:
    await desk.finish(await desk.begin("first"))
    answer = await desk.again("first", "s2.1", job_id="second", instruction=" Shorter. ", target_words=50, priority=8)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["job_id"], answer.json()["kind"], answer.json()["status"]) == ("second", "document", "queued")
    kept = {name for name in _work() if not name.endswith(":s2.1")} - {"answer:1", "fused"}
    expected = {name: _work()[name] for name in kept} | {previous_field("s2.1"): _work()["text:s2.1"]}
    assert await desk.stored("second") == expected
    stored = await desk.store.jobs.payload(JobRef("second"))
    assert stored is not None
    payload = DocumentPayload.model_validate_json(stored)
    assert payload.revision is not None
    assert payload.revision.model_dump() == {
        "parent_job_id": "first",
        "root_job_id": "first",
        "section_id": "s2.1",
        "instruction": "Shorter.",
        "target_words": 50,
    }
    asked = (payload.model, payload.language, payload.reference_style, payload.task_prompt, payload.priority)
    assert asked == ("large", "en", "apa", "On bees", 8)
    assert payload.context_files == []
    shown = (await desk.gateway.client.get(f"{JOBS}/second")).json()
    assert (shown["parent_job_id"], shown["root_job_id"], shown["section_id"]) == ("first", "first", "s2.1")


async def test_a_model_of_the_request_counts_more(desk: Desk) -> None:
    await desk.finish(await desk.begin("first"))
    await desk.again("first", job_id="second", model="small")
    stored = await desk.store.jobs.payload(JobRef("second"))
    assert stored is not None
    assert DocumentPayload.model_validate_json(stored).model == "small"


async def test_a_section_that_the_parent_lacks_can_be_written(desk: Desk) -> None:
    await desk.finish(await desk.begin("first"))
    assert (await desk.again("first", "s3", job_id="second")).status_code == 202
    assert not [name for name in await desk.stored("second") if name.endswith(":s3")]


async def test_the_parent_has_to_be_a_finished_document(desk: Desk, store: Store) -> None:
    problem(await desk.again("nothing"), 404, "job_not_found")
    claim = await desk.begin("first")
    problem(await desk.again("first"), 409, "not_finished")
    await desk.hand.fail(claim)
    assert problem(await desk.again("first"), 409, "job_failed")["error"]["message"] == "it broke"
    await desk.begin("second")
    await store.jobs.cancel(JobRef("second"))
    await desk.hand.release(desk.hand.held[JobRef("second")])
    problem(await desk.again("second"), 409, "job_cancelled")
    await desk.gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "Bees", "job_id": "plan"})
    await desk.hand.complete(await desk.hand.take())
    problem(await desk.again("plan"), 404, "section_not_found")


@pytest.mark.parametrize("section_id", ["s2", "s4", "S1", "%20", "x" * 100])
async def test_only_what_has_a_text_can_be_written_again(desk: Desk, section_id: str) -> None:
    await desk.finish(await desk.begin("first"))
    found = problem(await desk.again("first", section_id), 404, "section_not_found")
    assert found["detail"] == "These can be written again: s1, s2.1, s2.2, s3."


async def test_of_many_sections_some_are_named(desk: Desk) -> None:
    await desk.finish(await desk.begin("first"), {**_work(), PLAN: _plan(500).model_dump_json()})
    found = problem(await desk.again("first", "zz"), 404, "section_not_found")
    assert found["detail"].count("s") - found["detail"].count("These") <= 25
    assert found["detail"].endswith("s19, ….")


@pytest.mark.parametrize("gone", ["artifact", "payload", "ledger"])
async def test_work_that_has_expired_cannot_be_gone_on_from(
    desk: Desk, redis_connections: Connections, gone: str
) -> None:
    await desk.finish(await desk.begin("first"))
    keys = Keyspace(0)
    if gone == "ledger":
        await redis_connections.commands.hdel(keys.artifact(JobRef("first")), LEDGER)
    else:
        await redis_connections.commands.unlink(getattr(keys, gone)(JobRef("first")))
    problem(await desk.again("first"), 410, "result_expired")
    assert await desk.stored("second") == {}


@pytest.mark.parametrize(
    "body",
    [{"instruction": "x" * 4_001}, {"target_words": 0}, {"research": "web"}, {"job_id": "a b"}, {"priority": 10}],
)
async def test_bad_bodies_are_refused(desk: Desk, body: dict[str, Any]) -> None:
    await desk.finish(await desk.begin("first"))
    found = problem(await desk.again("first", **body), 422, "validation_failed")
    assert found["errors"][0]["pointer"] == f"/{next(iter(body))}"


async def test_sent_again_it_answers_as_the_first_time_even_after_the_parent_is_gone(
    desk: Desk, redis_connections: Connections
) -> None:
    await desk.finish(await desk.begin("first"))
    answers = await asyncio.gather(*(desk.again("first", key="once", instruction="Shorter.") for _ in range(10)))
    assert {answer.json()["job_id"] for answer in answers} == {answers[0].json()["job_id"]}
    keys = Keyspace(0)
    for key in (keys.job, keys.artifact, keys.payload, keys.result, keys.events):
        await redis_connections.commands.unlink(key(JobRef("first")))
    replay = await desk.again("first", key="once", instruction="Shorter.")
    assert (replay.status_code, replay.headers["idempotent-replayed"]) == (202, "true")
    assert replay.json()["job_id"] == answers[0].json()["job_id"]
    problem(await desk.again("first", key="once", instruction="Longer."), 422, "idempotency_key_reused")
    problem(await desk.again("first", "s3", key="once", instruction="Shorter."), 422, "idempotency_key_reused")
    problem(await desk.again("first", job_id="another"), 404, "job_not_found")


async def test_a_name_that_another_job_has_is_refused(desk: Desk) -> None:
    await desk.finish(await desk.begin("first"))
    problem(await desk.again("first", job_id="first"), 409, "job_id_conflict")
    await desk.again("first", job_id="second")
    problem(await desk.again("first", "s3", job_id="second"), 409, "job_id_conflict")


async def test_every_member_of_a_line_tells_of_all(desk: Desk, redis_connections: Connections) -> None:
    await desk.finish(await desk.begin("first"))
    await desk.again("first", "s1", job_id="second")
    await desk.again("first", "s3", job_id="third")
    claim = await desk.hand.take(JobKind.DOCUMENT)
    work = await desk.stored("second")
    await desk.finish(claim, {**work, text_field("s1"): "new", facts_field("s1"): "new"})
    await desk.again("second", "s1", job_id="fourth")
    assert (await desk.stored("fourth"))[previous_field("s1")] == "new"
    assert (await desk.begin("stranger")).ref == JobRef("third")
    lists = [await desk.versions(name) for name in ("first", "second", "third", "fourth")]
    assert all(found == lists[0] for found in lists)
    assert [(item["job_id"], item["parent_job_id"], item["section_id"], item["status"]) for item in lists[0]] == [
        ("first", None, None, "completed"),
        ("second", "first", "s1", "completed"),
        ("third", "first", "s3", "running"),
        ("fourth", "second", "s1", "queued"),
    ]
    assert lists[0][1]["links"]["result"] == f"{JOBS}/second/result"
    assert lists[0][2]["finished_at"] is None
    assert [item["job_id"] for item in await desk.versions("stranger")] == ["stranger"]
    assert 604_000 < await redis_connections.commands.ttl(Keyspace(0).revisions(JobRef("first"))) <= 604_800


async def test_names_without_a_job_or_of_another_job_are_passed_over(
    desk: Desk, redis_connections: Connections
) -> None:
    await desk.finish(await desk.begin("first"))
    revisions = Store(redis_connections, 1).revisions
    assert await revisions.add(JobRef("first"), JobRef("never"), 1, 60)
    await desk.begin("stranger")
    assert await revisions.add(JobRef("first"), JobRef("stranger"), 2, 60)
    await desk.again("first", job_id="second")
    assert [item["job_id"] for item in await desk.versions("first")] == ["first", "second"]
    await redis_connections.commands.unlink(Keyspace(0).job(JobRef("first")))
    assert [item["job_id"] for item in await desk.versions("second")] == ["second"]


async def test_an_outline_has_no_versions_of_this_kind(desk: Desk) -> None:
    await desk.gateway.client.post(f"{JOBS}/outline", json={"task_prompt": "Bees", "job_id": "plan"})
    assert await desk.versions("plan") == []
    problem(await desk.gateway.client.get(f"{JOBS}/nothing/versions"), 404, "job_not_found")


async def test_a_line_has_an_end(desk: Desk, redis_connections: Connections) -> None:
    await desk.finish(await desk.begin("first"))
    revisions = Store(redis_connections, 1).revisions
    now_ms = round(desk.gateway.services.clock.now().timestamp() * 1000)
    for number in range(MOST_MEMBERS - 1):
        assert await revisions.add(JobRef("first"), JobRef(f"m{number}"), now_ms, 60)
    answers = await asyncio.gather(*(desk.again("first", job_id=f"r{number}") for number in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "too_many_versions")
    accepted = next(answer.json()["job_id"] for answer in answers if answer.status_code == 202)
    assert (await desk.again("first", job_id=accepted)).headers["idempotent-replayed"] == "true"
    assert await revisions.add(JobRef("first"), JobRef(accepted), 999, 60)
    assert len(await revisions.members(JobRef("first"))) == MOST_MEMBERS


async def test_names_that_got_no_job_make_way(desk: Desk, redis_connections: Connections) -> None:
    await desk.finish(await desk.begin("first"))
    await desk.again("first", job_id="second")
    revisions = Store(redis_connections, 1).revisions
    for number in range(MOST_MEMBERS - 1):
        assert await revisions.add(JobRef("first"), JobRef(f"refused-{number}"), number, 60)
    assert (await desk.again("first", job_id="third")).status_code == 202
    assert [str(ref) for ref in await revisions.members(JobRef("first"))] == ["default/second", "default/third"]


async def test_a_revision_has_limits_of_its_own(desk: Desk, redis_connections: Connections) -> None:
    await desk.finish(await desk.begin("first"))
    answer = await desk.gateway.client.post(
        f"{JOBS}/first/sections/s2.2/regenerate",
        json={"job_id": "second", "max_tokens_total": 5_000, "max_cost_usd": 2.0},
    )
    assert answer.status_code == 202, answer.text
    record = await redis_connections.commands.hgetall(Keyspace(0).job(JobRef("second")))
    assert (record[b"max_tokens"], float(record[b"max_cost"])) == (b"5000", 2.0)


async def test_the_record_names_where_it_comes_from(desk: Desk) -> None:
    await desk.finish(await desk.begin("first"))
    await desk.again("first", "s2.2", job_id="second")
    job = await desk.gateway.services.store.jobs.get(JobRef("second"))
    assert job is not None
    assert job.origin == Origin("first", "first", "s2.2")
