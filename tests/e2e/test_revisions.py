"""A document, and one of its sections again: real processes, both jobs' work and Markdown compared."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio as aioredis

from shared.contracts.ids import JobRef
from shared.contracts.plan import text_field
from shared.redis.keys import Keyspace
from tests.support.documents import COPPER, NOTES, events_of, order, outline, texts
from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import SCRIPTS, WAYWARD, Reply, Script, ScriptedModel, always, delayed, obedient
from tests.support.servers import Server, running, server_binaries
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.ci,
    pytest.mark.xdist_group("revisions"),
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]
FILES = {
    "bees.md": NOTES,
    "copper.md": COPPER,
    "wasps.md": "The second subject is wasps, whose nests are of chewed wood.\n",
}
_NUMBER = re.compile(r" ?\[\d+\]")


@dataclass(frozen=True, slots=True)
class Desk:
    """Services with a finished document, ``first``, that several tests go on from."""

    services: Fleet
    model: ScriptedModel
    server: Server

    async def again(self, parent: str, section: str, job_id: str, **body: Any) -> dict[str, Any]:
        """The job that wrote a section again, settled."""
        path = f"/jobs/{parent}/sections/{section}/regenerate"
        answer = await self.services.post(path, {"job_id": job_id, **body})
        assert answer.status_code == 202, answer.text
        return await self.services.settled(job_id)

    async def result(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.services.get(f"/jobs/{job_id}/result")).json()
        return found

    async def texts(self, job_id: str) -> dict[str, bytes]:
        """The section texts as stored."""
        async with aioredis.Redis(port=self.server.port) as opened:
            redis: Any = opened
            stored: dict[bytes, bytes] = await redis.hgetall(Keyspace(0).artifact(JobRef(job_id)))
        return {name.decode(): value for name, value in stored.items() if name.startswith(text_field("").encode())}

    async def changed(self, job_id: str, parent: str) -> set[str]:
        """Sections whose text is not that of the parent."""
        stood, now = await self.texts(parent), await self.texts(job_id)
        assert now.keys() == stood.keys()
        return {name for name in stood if now[name] != stood[name]}

    async def write(self, sections: int = 4, **options: Any) -> None:
        """Make the document."""
        body = {"outline": outline(sections), "job_id": "first", "context_files": FILES, **options}
        assert (await self.services.post("/jobs/document", body)).status_code == 202
        assert (await self.services.settled("first"))["status"] == "completed"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """For tests that leave services and document as they are."""
    binary = server_binaries()["valkey9"]
    async with (
        running("valkey9", binary) as server,
        ScriptedModel() as model,
        fleet(server.url, model.base_url, tmp_path_factory.mktemp("revisions")) as services,
    ):
        await services.start("gateway")
        await services.start("document_worker")
        desk = Desk(services, model, server)
        await desk.write()
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(shared_desk: Desk) -> Desk:
    shared_desk.model.script = obedient
    return shared_desk


@pytest_asyncio.fixture(loop_scope="module")
async def own_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Nothing started yet; leases short, so that a lost worker is noticed soon."""
    binary = server_binaries()["valkey9"]
    async with (
        running("valkey9", binary) as server,
        ScriptedModel() as model,
        fleet(server.url, model.base_url, tmp_path, DRAFTLINE_LEASE_SECONDS="2") as services,
    ):
        yield Desk(services, model, server)


def _parts(markdown: str) -> dict[str, str]:
    """By heading, what stands under it, without numbers; the reference list is none of it."""
    parts = re.split(r"^## (.*)$", markdown, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], (_NUMBER.sub("", part) for part in parts[2::2]), strict=True))
    found.pop("References", None)
    return found


def _check_references(document: dict[str, Any]) -> None:
    body = document["markdown"].partition("\n## References\n")[0]
    numbers = {int(number) for number in re.findall(r"(?<!\\)\[(\d+)\]", body)}
    assert numbers == set(range(1, len(document["references"]) + 1))
    assert [reference["number"] for reference in document["references"]] == sorted(numbers)


async def test_only_the_section_changes_twice_in_a_row(desk: Desk) -> None:
    before, called = await desk.result("first"), len(desk.model.calls)
    asked = {"instruction": "Say more of enzymes.", "target_words": 90}
    assert (await desk.again("first", "s1", "second", **asked))["status"] == "completed"
    assert len(desk.model.calls) == called + 1
    assert "Say more of enzymes." in desk.model.calls[-1].body["messages"][-1]["content"]
    second = await desk.result("second")
    assert second["revision"] == {
        "parent_job_id": "first",
        "root_job_id": "first",
        "section_id": "s1",
        "changed_sections": ["s1"],
    }
    assert await desk.changed("second", "first") == {"text:s1"}
    old, new = _parts(before["document"]["markdown"]), _parts(second["document"]["markdown"])
    assert [title for title in old if old[title] != new[title]] == ["Honey from nectar"]
    assert list(old) == list(new)
    _check_references(second["document"])
    assert 80 <= next(section["words"] for section in second["document"]["sections"] if section["id"] == "s1") <= 100

    assert (await desk.again("second", "s3", "third"))["status"] == "completed"
    assert await desk.changed("third", "second") == {"text:s3"}
    third = await desk.result("third")
    assert (third["revision"]["parent_job_id"], third["revision"]["root_job_id"]) == ("second", "first")
    assert third["quality"]["degradations"] == second["quality"]["degradations"]
    _check_references(third["document"])
    found = (await desk.services.get("/jobs/third/versions")).json()["items"]
    line = [(item["job_id"], item["section_id"]) for item in found if item["job_id"] in {"first", "second", "third"}]
    assert line == [("first", None), ("second", "s1"), ("third", "s3")]
    assert (await desk.services.get("/jobs/third/result?format=pdf")).content.startswith(b"%PDF")


async def test_its_stream_tells_of_one_section(desk: Desk) -> None:
    await desk.again("first", "s2", "streamed")
    events = await events_of(desk.services.api, "streamed")
    assert order(events) == sorted(set(order(events)))
    assert [event.data["section_id"] for event in events if event.type == "section"] == ["s2"]
    assert texts(events).keys() == {"s2"}
    assert texts(events)["s2"].encode() == (await desk.texts("streamed"))["text:s2"]
    told = [event.data for event in events if event.type == "progress"]
    assert [each["percent"] for each in told] == sorted(each["percent"] for each in told)
    assert "1 of 1 sections written" in [each["message"] for each in told]


async def test_two_revisions_of_one_parent_do_not_meet(desk: Desk) -> None:
    stood = await desk.texts("first")
    await asyncio.gather(desk.again("first", "s1", "left"), desk.again("first", "s2", "right"))
    assert await desk.changed("left", "first") == {"text:s1"}
    assert await desk.changed("right", "first") == {"text:s2"}
    assert await desk.texts("first") == stood


async def test_a_source_that_only_the_old_text_cited_is_listed_no_more(desk: Desk) -> None:
    before = (await desk.result("first"))["document"]
    cited = {section["id"]: _cited_under(before, section["title"]) for section in before["sections"]}
    alone = {
        name: sources - {other for others in cited if others != name for other in cited[others]}
        for name, sources in cited.items()
    }
    section, lost = next((name, sources) for name, sources in alone.items() if sources)
    mute = "Gates close at dusk, and the keeper walks home along the canal without a lamp or a word."
    desk.model.script = always(Reply(text=mute))
    assert (await desk.again("first", section, "mute", target_words=20))["status"] == "completed"
    after = (await desk.result("mute"))["document"]
    assert _names(after) == _names(before) - lost
    _check_references(after)


def _names(document: dict[str, Any]) -> set[str]:
    return {reference["source"]["name"] for reference in document["references"]}


def _cited_under(document: dict[str, Any], title: str) -> set[str]:
    """Names of the sources that a section cites."""
    names = {reference["number"]: reference["source"]["name"] for reference in document["references"]}
    part = document["markdown"].partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return {names[int(number)] for number in re.findall(r"(?<!\\)\[(\d+)\]", part)}


@pytest.mark.parametrize("name", WAYWARD)
async def test_no_model_is_wayward_enough_to_touch_another_section(desk: Desk, name: str) -> None:
    desk.model.script = SCRIPTS[name]
    job = await desk.again("first", "s1", name, instruction="Shorter.", target_words=60)
    assert job["status"] == "completed", job["error"]
    assert await desk.changed(name, "first") == {"text:s1"}
    document = (await desk.result(name))["document"]
    _check_references(document)
    assert "@S" not in document["markdown"]
    assert "<think" not in document["markdown"]


def _held(section: str) -> Script:
    """Obeys, but takes long over a section with this title."""
    slow = delayed(obedient, first_token_seconds=0.3, chunk_seconds=0.5)
    return lambda asked: slow(asked) if f"arrow: {section}" in asked.last_user else obedient(asked)


async def test_a_killed_worker_loses_no_revision(own_desk: Desk) -> None:
    services, model = own_desk.services, own_desk.model
    await services.start("gateway")
    first = await services.start("document_worker")
    await own_desk.write(3)
    model.script, called = _held("Subject number 2"), len(model.calls)
    await services.post("/jobs/first/sections/s2/regenerate", {"job_id": "second", "instruction": "Shorter."})
    await eventually(lambda: len(model.calls) == called + 1, seconds=10)
    partial = (await services.get("/jobs/second/result?partial=true")).json()
    assert [missing["id"] for missing in partial["missing_sections"]] == ["s2"]
    await first.stop(signal.SIGKILL)
    model.script = obedient
    await services.start("document_worker")
    job = await services.settled("second")
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert await own_desk.changed("second", "first") == {"text:s2"}


async def test_what_has_expired_is_not_written_again(own_desk: Desk) -> None:
    await own_desk.services.start("gateway", DRAFTLINE_RESULT_TTL_SECONDS="1")
    await own_desk.services.start("document_worker")
    await own_desk.write(2)

    async def gone() -> bool:
        return not await own_desk.texts("first")

    await eventually(gone, seconds=10)
    answer = await own_desk.services.post("/jobs/first/sections/s1/regenerate", {})
    assert (answer.status_code, answer.json()["code"]) == (410, "result_expired")
