"""The JSON object of an answer is found by parsing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.extraction import json_candidates

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.text(), json_values, max_size=4)
prose = st.text(alphabet=st.characters(exclude_characters="{`", exclude_categories=["Cs"]))


@given(json_objects, prose, prose)
def test_the_object_is_found_in_any_prose(content: dict[str, object], before: str, after: str) -> None:
    found = list(json_candidates(f"{before}{json.dumps(content)}{after}"))
    assert [json.loads(candidate) for candidate in found[:1]] == [content]


@given(json_objects, st.sampled_from(["```json\n", "```\n", "Here it is:\n\n```JSON\n"]))
def test_the_object_is_found_in_a_fence(content: dict[str, object], opening: str) -> None:
    found = list(json_candidates(f"{opening}{json.dumps(content, indent=2)}\n```\nDone."))
    assert [json.loads(candidate) for candidate in found] == [content]


@given(json_objects.filter(bool), st.data())
def test_a_cut_off_object_yields_none_of_its_parts(content: dict[str, object], data: st.DataObject) -> None:
    text = json.dumps(content)
    cut = data.draw(st.integers(2, len(text) - 1))
    assert list(json_candidates(text[:cut])) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No object here.",
        "[1, 2]",
        '{"sections": [{"title": "a"} {"title": "b"}]}',
        '{"a":' * 100_000,
        "{" * 1_000,
    ],
)
def test_nothing_to_find(text: str) -> None:
    assert list(json_candidates(text)) == []


def test_braces_in_prose_are_passed_over() -> None:
    assert list(json_candidates('For f(x) in {x} and { y }: {"a": 1} or {"b": 2}')) == ['{"a": 1}', '{"b": 2}']
