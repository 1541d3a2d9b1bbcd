"""What crosses process borders is checked to the last field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.contracts.commands import DocumentCommand, OutlineCommand
from shared.contracts.ids import EventId, JobRef
from shared.contracts.outline import Outline
from shared.contracts.states import TRANSITIONS, Band, JobState
from shared.redis.keys import shard_of


@given(st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1))
def test_event_ids_survive_the_wire_and_sort(fence: int, seq: int) -> None:
    event_id = EventId(fence, seq)
    assert EventId.parse(str(event_id)) == event_id
    assert EventId(fence, seq) < EventId(fence + 1, 0)


@pytest.mark.parametrize("text", ["", "-1", "1", "1-", "a-b", "1-2-3", " 1-2", "1-2\n", "٣-٤", "9" * 16 + "-1"])
def test_garbage_is_no_event_id(text: str) -> None:
    assert EventId.parse(text) is None


@pytest.mark.parametrize(
    ("priority", "band"), [(0, "low"), (3, "low"), (4, "default"), (6, "default"), (7, "high"), (9, "high")]
)
def test_bands(priority: int, band: str) -> None:
    assert Band.of(priority) == band


def test_jobs_spread_over_shards() -> None:
    shards = {shard_of(JobRef(f"job-{n}"), 8) for n in range(200)}
    assert shards == set(range(8))


def test_terminal_states_only_lead_to_a_new_run() -> None:
    for state in JobState:
        if state.terminal:
            assert TRANSITIONS[state] == {JobState.QUEUED}


def test_ids_are_given_once_and_stay() -> None:
    outline = Outline.model_validate_json(
        '{"title": "T", "nodes": [{"title": "A"}, {"title": "B", "id": "s1", "children": [{"title": "C"}]}]}'
    )
    named = outline.with_ids()
    assert [node.id for node, _ in named.walk()] == ["s1-2", "s1", "s2.1"]
    assert named.with_ids() == named


def test_a_mapping_of_files_is_a_list_of_files() -> None:
    by_name = OutlineCommand.model_validate_json('{"task_prompt": "x", "context_files": {"a.md": "text"}}')
    listed = OutlineCommand.model_validate_json(
        '{"task_prompt": "x", "context_files": [{"name": "a.md", "text": "text"}]}'
    )
    assert by_name == listed


def test_a_document_needs_one_outline() -> None:
    for body in ("{}", '{"outline_job_id": "a", "outline": {"title": "T", "nodes": [{"title": "A"}]}}'):
        with pytest.raises(ValidationError, match="one of outline, outline_job_id and task_prompt"):
            DocumentCommand.model_validate_json(body)
