"""What one version of an outline changed in the one before it."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.outline_edits import EditError, apply
from shared.contracts.outline_versions import (
    FieldChange,
    MovedNode,
    NodeChange,
    OutlineDiff,
    difference,
    outline_field,
    version_of,
)
from tests.support.outlines import operations, outlines


def _outline(*nodes: OutlineNode, title: str = "Bees") -> Outline:
    return Outline(title=title, nodes=list(nodes))


def _node(name: str, *children: OutlineNode) -> OutlineNode:
    return OutlineNode(id=name, title=name.title(), children=list(children))


@given(st.integers(1, 10**6))
def test_a_version_has_a_field_of_its_own(version: int) -> None:
    assert version_of(outline_field(version)) == version


@pytest.mark.parametrize("field", ["outline", "outline:", "outline:x", "outline:1:2", "text:s1", "7"])
def test_other_fields_hold_no_version(field: str) -> None:
    assert version_of(field) is None


@given(outlines())
def test_an_outline_does_not_differ_from_itself(outline: Outline) -> None:
    assert difference(outline, outline) == OutlineDiff()
    assert difference(outline, outline) == OutlineDiff()


@given(st.data())
def test_a_difference_names_exactly_what_came_went_and_changed(data: st.DataObject) -> None:
    before = data.draw(outlines())
    try:
        after = apply(before, data.draw(operations(before)), version=2)
    except EditError:
        return
    found = difference(before, after)
    old = {node.id: node for node, _ in before.walk()}
    new = {node.id: node for node, _ in after.walk()}
    assert [node.id for node in found.added] == [name for name in new if name not in old]
    assert [node.id for node in found.removed] == [name for name in old if name not in new]
    changed = {(change.id, change.field): (change.before, change.after) for change in found.changed}
    expected = {
        (name, field): (getattr(old[name], field), getattr(new[name], field))
        for name in old.keys() & new.keys()
        for field in ("title", "summary", "target_words", "research")
        if getattr(old[name], field) != getattr(new[name], field)
    }
    if before.title != after.title:
        expected[None, "title"] = (before.title, after.title)
    assert changed == expected
    assert (found == OutlineDiff()) == (before == after)


@given(st.integers(1, 6).flatmap(lambda count: st.permutations(range(count))))
def test_the_fewest_nodes_count_as_moved(order: list[int]) -> None:
    before = _outline(*(_node(f"s{n}") for n in range(len(order))))
    after = _outline(*(_node(f"s{n}") for n in order))
    moved = {node.id for node in difference(before, after).moved}
    longest = max(
        len(chosen)
        for count in range(1, len(order) + 1)
        for chosen in combinations(order, count)
        if list(chosen) == sorted(chosen)
    )
    stayed = [n for n in order if f"s{n}" not in moved]
    assert stayed == sorted(stayed)
    assert len(stayed) == longest


def test_a_node_that_others_come_before_has_not_moved() -> None:
    before = _outline(_node("a"), _node("b"), _node("c"))
    after = _outline(_node("new"), _node("b"), _node("c"))
    assert difference(before, after).moved == []


def test_a_move_is_told_with_both_places() -> None:
    before = _outline(_node("a", _node("a1"), _node("a2")), _node("b"))
    after = _outline(_node("a", _node("a1")), _node("b", _node("a2")), title="Bees and wasps")
    moved = MovedNode(id="a2", title="A2", parent_before="a", parent_after="b", position_before=1, position_after=0)
    renamed = FieldChange(id=None, field="title", before="Bees", after="Bees and wasps")
    assert difference(before, after) == OutlineDiff(moved=[moved], changed=[renamed])


def test_what_a_new_node_holds_is_told_once() -> None:
    found = difference(_outline(_node("a")), _outline(_node("a"), _node("b", _node("b1"))))
    assert found == OutlineDiff(added=[NodeChange(id="b", title="B"), NodeChange(id="b1", title="B1")])
