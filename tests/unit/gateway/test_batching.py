"""The body of a batch: items validated one by one, options shared, ids that do not change."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.batches import items as batching
from gateway.batches.items import Batch, member_id, read_batch
from gateway.http.problems import ProblemError
from shared.contracts.commands import DocumentCommand
from shared.contracts.ids import JOB_ID_PATTERN

OUTLINE = {"kind": "outline", "task_prompt": "Write about bees"}
PLAN = {"title": "Bees", "nodes": [{"title": "Honey"}]}
DOCUMENT = {"kind": "document", "outline": PLAN}
BAD = {"kind": "outline", "task_prompt": " "}


def _read(*items: Any, **fields: Any) -> Batch:
    return read_batch(json.dumps({"items": items, **fields}).encode(), "drawn")


def _refused(*items: Any, **fields: Any) -> ProblemError:
    with pytest.raises(ProblemError) as refused:
        _read(*items, **fields)
    return refused.value


def _pointers(batch: Batch) -> dict[int, list[str]]:
    return {each.index: [fault.pointer for fault in each.errors] for each in batch.refusals}


def test_items_of_both_kinds_become_commands() -> None:
    batch = _read(OUTLINE, DOCUMENT, {"kind": "document", "task_prompt": "Bees", "review": True})
    assert [(each.member.index, each.member.kind) for each in batch.items] == [
        (0, "outline"),
        (1, "document"),
        (2, "document"),
    ]
    assert batch.refusals == []
    last = batch.items[2].command
    assert isinstance(last, DocumentCommand)
    assert last.review


def test_options_hold_for_all_and_an_items_own_field_wins() -> None:
    options = {"kind": "outline", "language": "zh", "priority": 8, "context_files": {"a": "b"}, "target_words": 900}
    own = {"task_prompt": "x", "language": None, "priority": 1}
    batch = _read({"task_prompt": "x"}, own, {**DOCUMENT, "context_files": {}}, options=options)
    first, second, third = (each.command for each in batch.items)
    assert (first.language, first.priority, first.target_words) == ("zh", 8, 900)
    assert (second.language, second.priority, second.target_words) == (None, 1, 900)
    assert [len(command.context_files) for command in (first, second, third)] == [1, 1, 0]
    assert third.model_fields_set >= {"language", "priority", "outline"}


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        (None, ""),
        ("x", ""),
        ([], ""),
        (7, ""),
        ({}, "/kind"),
        ({"kind": "poem", "task_prompt": "x"}, "/kind"),
        ({"kind": ["outline"], "task_prompt": "x"}, "/kind"),
        ({"kind": "outline"}, "/task_prompt"),
        (BAD, "/task_prompt"),
        ({**OUTLINE, "priority": "5"}, "/priority"),
        ({**OUTLINE, "unknown": 1}, "/unknown"),
        ({**OUTLINE, "review": True}, "/review"),
        ({**OUTLINE, "job_id": "a b"}, "/job_id"),
        ({"kind": "document"}, ""),
        ({"kind": "document", "outline": {"title": "t", "nodes": [{"title": ""}]}}, "/outline/nodes/0/title"),
        ({**DOCUMENT, "not_before": "tomorrow"}, "/not_before"),
    ],
)
def test_a_bad_item_has_a_problem_and_the_others_go_on(bad: Any, pointer: str) -> None:
    batch = _read(OUTLINE, bad, DOCUMENT)
    assert [each.member.index for each in batch.items] == [0, 2]
    (refused,) = batch.refusals
    assert (refused.index, refused.status, refused.code) == (1, 422, "validation_failed")
    assert refused.errors[0].pointer == f"/items/1{pointer}"
    assert refused.detail.startswith(f"/items/1{pointer}: ")


def test_strictness_is_that_of_a_single_request() -> None:
    accepted = _read({**OUTLINE, "not_before": "2031-01-01T00:00:00Z", "reference_style": "GB/T 7714-2015"})
    assert accepted.items[0].command.reference_style == "gb-t-7714-2015"
    assert accepted.items[0].command.not_before is not None


def test_a_fault_of_an_option_leads_to_the_options() -> None:
    batch = _read(OUTLINE, {**OUTLINE, "priority": 3}, {**OUTLINE, "priority": 99}, options={"priority": 10})
    assert [each.member.index for each in batch.items] == [1]
    assert _pointers(batch) == {0: ["/options/priority"], 2: ["/items/2/priority"]}


def test_an_item_tells_of_five_faults_at_most() -> None:
    batch = _read(OUTLINE, {**OUTLINE, **{f"unknown{n}": n for n in range(20)}})
    assert _pointers(batch) == {1: [f"/items/1/unknown{n}" for n in range(5)]}


def test_an_id_is_given_once() -> None:
    batch = _read({**OUTLINE, "job_id": "b.2"}, {**OUTLINE, "job_id": "b.2"}, OUTLINE, OUTLINE, batch_id="b")
    assert [each.member.job_id for each in batch.items] == ["b.2", "b.3"]
    assert _pointers(batch) == {1: ["/items/1/job_id"], 2: ["/items/2/job_id"]}


def test_where_nothing_is_sound_the_batch_is_refused_with_each_fault_once() -> None:
    error = _refused(*[OUTLINE] * 60, options={"priority": 10})
    assert (error.status, error.code) == (422, "validation_failed")
    assert [fault["pointer"] for fault in error.errors] == ["/options/priority"]
    error = _refused(*[BAD] * 60)
    assert [fault["pointer"] for fault in error.errors] == [f"/items/{n}/task_prompt" for n in range(50)]
    assert error.detail.startswith("/items/0/task_prompt: ")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"items": []}, "/items"),
        ({}, "/items"),
        ({"items": OUTLINE}, "/items"),
        ({"items": [OUTLINE] * 1_001}, "/items"),
        ({"items": [OUTLINE], "priority": 5}, "/priority"),
        ({"items": [OUTLINE], "batch_id": "a b"}, "/batch_id"),
        ({"items": [OUTLINE], "options": []}, "/options"),
        ({"items": [OUTLINE], "options": {"job_id": "a"}}, "/options/job_id"),
    ],
)
def test_what_surrounds_the_items_is_validated_strictly(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_batch(json.dumps(fields).encode(), "drawn")
    assert (refused.value.status, refused.value.code) == (422, "validation_failed")
    assert refused.value.errors[0]["pointer"] == pointer


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"items":[' * 500])
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ProblemError) as refused:
        read_batch(body, "drawn")
    assert (refused.value.status, refused.value.code) == (400, "malformed_json")


def test_options_are_counted_for_every_item(monkeypatch: pytest.MonkeyPatch) -> None:
    # The real bound would take 100 MiB of options.
    monkeypatch.setattr(batching, "MOST_SHARED_BYTES", 10_000)
    options = {"context_files": {"f": "x" * 1_000}}
    assert len(_read(*[OUTLINE] * 9, options=options).items) == 9
    assert [fault["pointer"] for fault in _refused(*[OUTLINE] * 10, options=options).errors] == ["/options"]


def test_the_id_is_the_bodys_own_or_the_one_drawn() -> None:
    assert _read(OUTLINE).batch_id == "drawn"
    assert _read(OUTLINE, batch_id="mine").batch_id == "mine"
    assert [each.member.job_id for each in _read(OUTLINE, DOCUMENT).items] == ["drawn.0", "drawn.1"]


def test_equal_batches_have_equal_digests_and_others_have_not() -> None:
    plain = _read(OUTLINE, DOCUMENT, BAD).digest
    spelt_out = {"priority": 5, "task_prompt": "Write about bees ", "kind": "outline", "metadata": {}}
    assert _read(spelt_out, DOCUMENT, BAD, batch_id="b").digest == plain
    assert _read({"task_prompt": "Write about bees"}, DOCUMENT, BAD, options={"kind": "outline"}).digest != plain
    others = [
        _read(DOCUMENT, OUTLINE, BAD),
        _read(OUTLINE, DOCUMENT),
        _read(OUTLINE, DOCUMENT, {**BAD, "priority": 1}),
        _read({**OUTLINE, "priority": 1}, DOCUMENT, BAD),
        _read({**OUTLINE, "job_id": "a"}, DOCUMENT, BAD),
    ]
    assert len({plain, *(each.digest for each in others)}) == 6


_IDS = st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII), fullmatch=True)
_LONG_IDS = st.builds(lambda tail: "a" * (128 - len(tail)) + tail, st.from_regex(r"[a-z.:]{1,9}", fullmatch=True))


@given(st.lists(_IDS | _LONG_IDS, min_size=2, max_size=8, unique=True))
def test_jobs_of_all_batches_have_ids_of_their_own(batch_ids: list[str]) -> None:
    found = [member_id(batch_id, index) for batch_id in batch_ids for index in (0, 1, 10, 999)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(JOB_ID_PATTERN, each) for each in found)
    assert found == [member_id(batch_id, index) for batch_id in batch_ids for index in (0, 1, 10, 999)]
