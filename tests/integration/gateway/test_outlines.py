"""The outline of a finished outline job, read and changed by several people."""

import asyncio
from typing import Any

import pytest

from shared.contracts.commands import DocumentPayload
from shared.contracts.states import JobKind
from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand
from tests.support.problems import problem
from tests.support.reviewed import JOBS, OUTLINE, Desk, add, rename, titles
from tests.support.waiting import eventually

PATH = f"{JOBS}/job/outline"
TTLS = ("job_result", "payload", "artifact", "job", "events")


@pytest.fixture
def desk(gateway: Gateway, hand: Hand, store: Store) -> Desk:
    return Desk(gateway, hand, store)


async def _ttls(connections: Connections) -> dict[str, int]:
    redis: Any = connections.commands
    return {name: await redis.ttl(f"draftline:{{0}}:{name}:default/job") for name in TTLS}


async def test_what_a_job_made_is_its_first_version(desk: Desk) -> None:
    await desk.made()
    answer = await desk.read()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    view = answer.json()
    assert (view["job_id"], view["version"], view["status"], view["editable"]) == ("job", 1, "completed", True)
    assert (view["author"], view["message"]) == (None, "")
    assert view["created_at"] == (await desk.job())["finished_at"]
    assert titles(view) == ["Honey", "Wax", "Queens"]
    assert view["links"]["outline"] == PATH
    known = await desk.client.get(PATH, headers={"If-None-Match": '"1"'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"1"')


async def test_a_change_is_a_new_version_and_the_old_one_stays(desk: Desk) -> None:
    await desk.made()
    answer = await desk.edit(rename("wax", "Beeswax"), add("Drones"), author="Ada", message="More on drones")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    view = answer.json()
    assert (view["version"], view["author"], view["message"], view["editable"]) == (2, "Ada", "More on drones", True)
    assert titles(view) == ["Honey", "Beeswax", "Queens", "Drones"]
    assert view["outline"]["nodes"][3]["id"] == "n2-1"
    assert (await desk.read()).json() == view
    old = (await desk.read(version=1)).json()
    assert (titles(old), old["editable"]) == (["Honey", "Wax", "Queens"], False)
    assert (await desk.job())["outline_version"] == 2
    detail = problem(await desk.read(version=3), 404, "version_not_found")["detail"]
    assert "1 to 2" in detail
    problem(await desk.read(version=0), 422, "validation_failed")


async def test_what_changed_is_told_newest_first(desk: Desk) -> None:
    await desk.made()
    assert [(item["version"], item["diff"]) for item in await desk.versions()] == [(1, None)]
    await desk.edit(rename("wax", "Beeswax"), author="Ada", message="The proper word")
    await desk.edit({"op": "move", "id": "queens", "parent": None, "index": 0}, {"op": "remove", "id": "honey"}, seen=2)
    newest, second, first = await desk.versions()
    assert [newest["version"], second["version"], first["version"]] == [3, 2, 1]
    assert (second["author"], second["message"], newest["author"]) == ("Ada", "The proper word", None)
    changed = {"id": "wax", "field": "title", "before": "Wax", "after": "Beeswax"}
    assert second["diff"] == {"added": [], "removed": [], "moved": [], "changed": [changed]}
    assert newest["diff"]["removed"] == [{"id": "honey", "title": "Honey"}]
    assert [node["id"] for node in newest["diff"]["moved"]] == ["queens"]
    assert first["created_at"] < second["created_at"] < newest["created_at"]
    listed = (await desk.client.get(f"{PATH}/versions")).json()
    assert listed["next_cursor"] is None
    assert "outline" not in listed["items"][0]


async def test_of_fifty_who_change_the_same_version_one_wins(desk: Desk) -> None:
    await desk.made()
    answers = await asyncio.gather(*(desk.edit(add(f"Of editor {n}"), author=f"editor {n}") for n in range(50)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(412)) == (1, 49)
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    assert (await desk.read()).json() == winner
    assert len(await desk.versions()) == 2
    for answer in answers:
        if answer.status_code == 412:
            told = problem(answer, 412, "outline_changed")
            assert (answer.headers["etag"], told["version"]) == ('"2"', 2)


async def test_nobody_loses_a_change_who_goes_on_from_the_new_version(desk: Desk) -> None:
    await desk.made()

    async def editor(number: int) -> None:
        seen = 1
        while (answer := await desk.edit(add(f"Of editor {number}"), seen=seen)).status_code == 412:
            seen = answer.json()["version"]
        assert answer.status_code == 200, answer.text

    await asyncio.gather(*(editor(number) for number in range(10)))
    assert set(titles((await desk.read()).json())) >= {f"Of editor {number}" for number in range(10)}
    assert [item["version"] for item in await desk.versions()] == list(range(11, 0, -1))


async def test_a_change_whose_answer_was_lost_is_answered_again(desk: Desk) -> None:
    await desk.made()
    first = await desk.edit(add("Drones"))
    again = await desk.edit(add("Drones"))
    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.headers["idempotent-replayed"], again.json()) == (200, "true", first.json())
    problem(await desk.edit(add("Drones and more")), 412, "outline_changed")
    await desk.edit(add("Hives"), seen=2)
    problem(await desk.edit(add("Drones")), 412, "outline_changed")
    assert len(await desk.versions()) == 3


async def test_a_change_has_to_say_what_it_changes(desk: Desk) -> None:
    await desk.made()
    body = {"operations": [add("Drones")]}
    problem(await desk.client.patch(PATH, json=body), 428, "precondition_required")
    for tag in ('W/"1"', "1", '"x"', '"0"', '"2"', '"01"', ""):
        refused = problem(await desk.edit(add("Drones"), seen=tag), 412, "outline_changed")
        assert refused["version"] == 1
        assert ("in version 1 by now" in refused["detail"]) == (tag == '"2"')
    assert len(await desk.versions()) == 1
    assert (await desk.edit(add("Drones"), seen='"7", "1"')).json()["version"] == 2
    assert (await desk.edit(add("Hives"), seen="*")).json()["version"] == 3


async def test_whichever_version_is_the_latest_can_be_meant(desk: Desk) -> None:
    await desk.made()
    answers = await asyncio.gather(*(desk.edit(add(f"Of editor {n}"), seen="*") for n in range(3)))
    assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4]


async def test_a_change_that_changes_nothing_makes_no_version(desk: Desk) -> None:
    await desk.made()
    answer = await desk.edit(rename("wax", "Beeswax"), rename("wax", "Wax"))
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert len(await desk.versions()) == 1
    await desk.edit(rename("wax", "Beeswax"))
    problem(await desk.edit(rename("wax", "Wax")), 412, "outline_changed")


@pytest.mark.parametrize(
    ("operation", "pointer"),
    [
        ({"op": "remove", "id": "drones"}, "/operations/1/id"),
        ({"op": "move", "id": "wax", "parent": "wax"}, "/operations/1/parent"),
        ({"op": "add", "node": {"title": "Wax", "id": "wax"}, "parent": None}, "/operations/1/node/id"),
        ({"op": "add", "node": {"title": "", "id": "x"}, "parent": None}, "/operations/1/node/title"),
        ({"op": "add", "node": {"title": "Wax"}}, "/operations/1/parent"),
        ({"op": "set_budget", "id": "wax", "target_words": 0}, "/operations/1/target_words"),
        ({"op": "rename", "id": "wax", "title": "x", "rename": 1}, "/operations/1/rename"),
        ({"op": "paint", "id": "wax"}, "/operations/1"),
    ],
)
async def test_a_fault_is_told_with_its_place_and_nothing_is_done(
    desk: Desk, operation: dict[str, Any], pointer: str
) -> None:
    await desk.made()
    told = problem(await desk.edit(rename("honey", "Nectar"), operation), 422, "validation_failed")
    assert [fault["pointer"] for fault in told["errors"]] == [pointer]
    assert told["detail"].startswith(f"{pointer}: ")
    assert titles((await desk.read()).json())[0] == "Honey"


async def test_what_comes_of_all_operations_must_be_an_outline(desk: Desk) -> None:
    await desk.made()
    everything = [{"op": "remove", "id": node["id"]} for node in OUTLINE["nodes"]]
    told = problem(await desk.edit(*everything), 422, "validation_failed")
    assert [fault["pointer"] for fault in told["errors"]] == ["/operations"]


async def test_bodies_that_are_no_change(desk: Desk) -> None:
    await desk.made()
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}

    async def send(body: bytes, **more: str) -> Any:
        return await desk.client.patch(PATH, content=body, headers=headers | more)

    problem(await send(b'{"operations":['), 400, "malformed_json")
    problem(await send(b"{}"), 422, "validation_failed")
    problem(await send(b'{"operations":[]}'), 422, "validation_failed")
    problem(await send(b'{"operations":[],"nodes":[]}'), 422, "validation_failed")
    problem(await send(b"{}", **{"Content-Type": "text/plain"}), 415, "unsupported_media_type")
    problem(await send(b'{"operations":[' + b" " * 262_144 + b"]}"), 413, "body_too_large")
    sent = await send(
        b'{"operations":[{"op":"remove","id":"wax"}]}', **{"Content-Type": "application/merge-patch+json"}
    )
    assert sent.status_code == 200


async def test_versions_are_kept_and_not_dropped(desk: Desk) -> None:
    await desk.made()
    for number in range(1, 200):
        assert (await desk.edit(rename(None, f"Bees {number}"), seen=number)).status_code == 200
    problem(await desk.edit(rename(None, "Once more"), seen=200), 409, "too_many_versions")
    assert [item["version"] for item in await desk.versions()] == list(range(200, 0, -1))


async def test_a_change_keeps_the_outline_for_as_long_as_a_new_one(desk: Desk, redis_connections: Connections) -> None:
    await desk.made()
    redis: Any = redis_connections.commands
    for name in TTLS:
        await redis.expire(f"draftline:{{0}}:{name}:default/job", 60)
    before = (await desk.job())["result_expires_at"]
    assert (await desk.edit(add("Drones"))).status_code == 200
    after = await _ttls(redis_connections)
    assert all(3_590 < after[name] <= 3_600 for name in ("job_result", "payload", "artifact")), after
    assert all(86_390 < after[name] <= 86_400 for name in ("job", "events")), after
    assert (await desk.job())["result_expires_at"] > before


async def test_a_document_is_written_from_the_latest_version(desk: Desk, store: Store) -> None:
    await desk.made()
    await desk.edit(rename("wax", "Beeswax"), add("Drones"))
    answer = await desk.client.post(f"{JOBS}/document", json={"outline_job_id": "job", "job_id": "document"})
    assert answer.status_code == 202, answer.text
    claim = await desk.hand.take(JobKind.DOCUMENT)
    payload = DocumentPayload.model_validate_json(await store.jobs.payload(claim.ref) or b"")
    assert payload.outline is not None
    assert [node.id for node in payload.outline.nodes] == ["honey", "wax", "queens", "n2-1"]
    assert payload.outline.nodes[1].title == "Beeswax"
    await desk.hand.complete(claim)


@pytest.mark.parametrize("edited", [False, True])
async def test_an_outline_that_has_expired(desk: Desk, redis_connections: Connections, edited: bool) -> None:
    await desk.made()
    if edited:
        await desk.edit(add("Drones"))
    redis: Any = redis_connections.commands
    for name in ("job_result", "artifact", "payload"):
        await redis.delete(f"draftline:{{0}}:{name}:default/job")
    problem(await desk.read(), 410, "outline_expired")
    problem(await desk.client.get(f"{PATH}/versions"), 410, "outline_expired")
    problem(await desk.edit(add("Hives"), seen="*"), 410, "outline_expired")
    body = {"outline_job_id": "job", "job_id": "document"}
    problem(await desk.client.post(f"{JOBS}/document", json=body), 410, "outline_expired")


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled"])
async def test_an_outline_that_is_not_made(desk: Desk, state: str) -> None:
    await desk.client.post(f"{JOBS}/outline", json={"task_prompt": "Bees", "job_id": "job"})
    if state == "cancelled":
        await desk.client.post(f"{JOBS}/job/cancel")
    elif state != "queued":
        claim = await desk.hand.take()
        if state == "failed":
            await desk.hand.fail(claim)
    assert state in problem(await desk.read(), 409, "outline_not_ready")["detail"]
    problem(await desk.client.get(f"{PATH}/versions"), 409, "outline_not_ready")
    assert state in problem(await desk.edit(add("Drones")), 409, "outline_not_editable")["detail"]
    problem(await desk.approve(), 409, "not_awaiting_review")


@pytest.mark.parametrize("state", ["queued", "running", "completed"])
async def test_an_outline_that_was_sent_is_shown_and_stays_as_it_is(desk: Desk, state: str) -> None:
    answer = await desk.client.post(f"{JOBS}/document", json={"outline": OUTLINE, "job_id": "job"})
    assert answer.status_code == 202, answer.text
    if state != "queued":
        claim = await desk.hand.take(JobKind.DOCUMENT)
        if state == "completed":
            await desk.hand.complete(claim)
    view = (await desk.read()).json()
    assert (view["version"], view["status"], view["editable"], titles(view)) == (
        1,
        state,
        False,
        ["Honey", "Wax", "Queens"],
    )
    assert len(await desk.versions()) == 1
    told = problem(await desk.edit(add("Drones")), 409, "outline_not_editable")["detail"]
    assert ("written" if state == "completed" else state) in told


@pytest.mark.parametrize("share", [0.85, 2.0])
async def test_a_full_server_keeps_what_it_has(
    gateway: Gateway, desk: Desk, redis_connections: Connections, share: float
) -> None:
    await desk.made()
    await desk.waiting("planned")
    redis: Any = redis_connections.commands
    await redis.config_set("maxmemory", round((await redis.info("memory"))["used_memory"] / share))
    try:
        await eventually(lambda: gateway.services.admission.share > 0.8)
        problem(await desk.edit(add("Drones")), 503, "redis_full")
        assert (await desk.read()).json()["version"] == 1
        assert (await desk.approve(job_id="planned")).status_code == 202
    finally:
        await redis.config_set("maxmemory", 0)


async def test_unknown_job(desk: Desk) -> None:
    problem(await desk.read("nobody"), 404, "job_not_found")
    problem(await desk.edit(add("Drones"), job_id="nobody"), 404, "job_not_found")
    problem(await desk.approve(job_id="nobody"), 404, "job_not_found")
    problem(await desk.client.get(f"{JOBS}/nobody/outline/versions"), 404, "job_not_found")
