"""Operations on outlines: all of them or none, and what comes of them is an outline."""

import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.contracts.outline import MAX_DEPTH, MAX_NODES, Outline
from shared.contracts.outline_draft import MAX_NODES_BETWEEN
from shared.contracts.outline_edits import MAX_OPERATIONS, EditError, OutlinePatch, apply
from tests.support.outlines import operations, outlines

BEES = Outline.model_validate(
    {
        "title": "Bees",
        "language": "en",
        "nodes": [
            {
                "id": "honey",
                "title": "Honey",
                "children": [
                    {"id": "nectar", "title": "Nectar", "target_words": 100},
                    {"id": "comb", "title": "Comb", "target_words": 300},
                ],
            },
            {"id": "queens", "title": "Queens", "target_words": 200},
            {"id": "drones", "title": "Drones"},
        ],
    }
)


def edited(*asked: dict[str, Any], outline: Outline = BEES, version: int = 2) -> Outline:
    return apply(outline, OutlinePatch.model_validate({"operations": list(asked)}).operations, version)


def tree(outline: Outline) -> list[tuple[str | None, int]]:
    """Ids with their levels, in reading order."""
    return [(node.id, level) for node, level in outline.walk()]


def budgets(outline: Outline) -> dict[str | None, int | None]:
    return {node.id: node.target_words for node, _ in outline.walk()}


@st.composite
def edits(draw: st.DrawFn) -> tuple[Outline, list[Any]]:
    outline = draw(outlines())
    return outline, draw(operations(outline))


@given(edits())
def test_what_comes_of_any_operations_is_an_outline(drawn: tuple[Outline, list[Any]]) -> None:
    outline, asked = drawn
    before = outline.model_dump_json()
    try:
        after = apply(outline, asked, version=2)
    except EditError:
        return
    finally:
        assert outline.model_dump_json() == before
    assert Outline.model_validate_json(after.model_dump_json()) == after
    assert after.with_ids() == after
    brought = {node.id for node, _ in after.walk()} - {node.id for node, _ in outline.walk()}
    assert all((name or "").startswith("n2-") for name in brought)
    assert apply(outline, asked, version=2) == after


@given(outlines(), st.integers(1, 5_000), st.data())
def test_a_budget_is_shared_out_to_the_word(outline: Outline, words: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([node.id for node, _ in outline.walk()]))
    after = edited({"op": "set_budget", "id": name, "target_words": words}, outline=outline)
    node = next(node for node, _ in after.walk() if node.id == name)
    leaves = Outline(title="T", nodes=[node]).leaves()
    assume(len(leaves) <= words)
    assert sum(leaf.target_words or 0 for leaf in leaves) == words
    assert node.target_words == (None if node.children else words)


def test_every_operation_is_carried_out_in_order() -> None:
    after = edited(
        {"op": "add", "node": {"title": "Wax", "children": [{"title": "Candles"}]}, "parent": "honey", "index": 1},
        {"op": "rename", "id": "n2-1", "title": "Beeswax"},
        {"op": "rename", "id": None, "title": "All on bees"},
        {"op": "move", "id": "drones", "parent": None, "index": 0},
        {"op": "move", "id": "comb", "parent": "queens"},
        {"op": "remove", "id": "nectar"},
        {"op": "set_summary", "id": "drones", "summary": "What they do"},
        {"op": "set_research", "id": "drones", "research": "web"},
    )
    assert (after.title, after.language) == ("All on bees", "en")
    assert tree(after) == [("drones", 1), ("honey", 1), ("n2-1", 2), ("n2-2", 3), ("queens", 1), ("comb", 2)]
    drones, honey, _ = after.nodes
    assert (drones.summary, drones.research) == ("What they do", "web")
    assert honey.children[0].title == "Beeswax"


def test_a_place_among_siblings_does_not_count_the_node_itself() -> None:
    assert [node.id for node in edited({"op": "move", "id": "honey", "parent": None, "index": 2}).nodes] == [
        "queens",
        "drones",
        "honey",
    ]
    assert edited({"op": "move", "id": "queens", "parent": None, "index": 1}) == BEES


def test_a_budget_keeps_the_proportion_of_the_leaves() -> None:
    after = edited({"op": "set_budget", "id": "honey", "target_words": 800})
    assert budgets(after) == {"honey": None, "nectar": 200, "comb": 600, "queens": 200, "drones": None}


def test_a_leaf_without_a_budget_counts_as_the_mean_of_the_others() -> None:
    wax = {"op": "add", "node": {"title": "Wax", "id": "wax"}, "parent": "honey"}
    after = edited(wax, {"op": "set_budget", "id": "honey", "target_words": 600})
    assert [budgets(after)[name] for name in ("nectar", "comb", "wax")] == [100, 300, 200]


def test_a_budget_can_be_taken_back() -> None:
    after = edited({"op": "set_budget", "id": "honey", "target_words": None})
    assert budgets(after) == {"honey": None, "nectar": None, "comb": None, "queens": 200, "drones": None}


def test_a_leaf_that_gets_children_hands_its_budget_down() -> None:
    wild = {"title": "Wild", "id": "wild", "children": [{"title": "A", "id": "a"}, {"title": "B", "id": "b"}]}
    after = edited({"op": "add", "node": wild, "parent": "queens"})
    assert [budgets(after)[name] for name in ("queens", "wild", "a", "b")] == [None, None, 100, 100]
    moved = edited({"op": "move", "id": "drones", "parent": "queens"})
    assert [budgets(moved)[name] for name in ("queens", "drones")] == [None, 200]
    own = edited({"op": "move", "id": "nectar", "parent": "queens"})
    assert [budgets(own)[name] for name in ("queens", "nectar")] == [None, 100]


def test_an_inner_node_without_children_is_a_leaf() -> None:
    after = edited({"op": "remove", "id": "nectar"}, {"op": "remove", "id": "comb"})
    assert [leaf.id for leaf in after.leaves()] == ["honey", "queens", "drones"]


def test_no_id_is_made_up_twice() -> None:
    add = {"op": "add", "node": {"title": "Wax"}, "parent": None}
    named = {"op": "add", "node": {"title": "Wax", "id": "n2-2"}, "parent": None}
    after = edited(named, add, {"op": "remove", "id": "n2-1"}, add)
    assert [node.id for node in after.nodes][3:] == ["n2-2", "n2-3"]


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ({"op": "remove", "id": "wax"}, "id"),
        ({"op": "rename", "id": "wax", "title": "Wax"}, "id"),
        ({"op": "move", "id": "wax", "parent": None}, "id"),
        ({"op": "move", "id": "honey", "parent": "wax"}, "parent"),
        ({"op": "move", "id": "honey", "parent": "honey"}, "parent"),
        ({"op": "move", "id": "honey", "parent": "comb"}, "parent"),
        ({"op": "move", "id": "honey", "parent": None, "index": 3}, "index"),
        ({"op": "add", "node": {"title": "Wax"}, "parent": "wax"}, "parent"),
        ({"op": "add", "node": {"title": "Wax"}, "parent": "queens", "index": 1}, "index"),
        ({"op": "add", "node": {"title": "Wax", "id": "comb"}, "parent": None}, "node/id"),
        (
            {"op": "add", "node": {"title": "A", "id": "a", "children": [{"title": "B", "id": "a"}]}, "parent": None},
            "node/children/0/id",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(operation: dict[str, Any], field: str) -> None:
    with pytest.raises(EditError) as refused:
        edited({"op": "rename", "id": "queens", "title": "The queen"}, operation)
    assert (refused.value.position, refused.value.field) == (1, field)


def _chain(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"title": "Deepest"}
    for _ in range(levels - 1):
        node = {"title": "Deep", "children": [node]}
    return node


def test_how_it_ends_counts_and_not_what_it_was_in_between() -> None:
    everything = [{"op": "remove", "id": name} for name in ("honey", "queens", "drones")]
    wax = {"op": "add", "node": {"title": "Wax", "id": "wax"}, "parent": None}
    assert tree(edited(*everything, wax)) == [("wax", 1)]
    deep = {"op": "add", "node": {**_chain(MAX_DEPTH), "id": "deep"}, "parent": "comb"}
    raised = {"op": "move", "id": "deep", "parent": None}
    assert max(level for _, level in tree(edited(deep, raised))) == MAX_DEPTH
    many = {"op": "add", "node": {"title": "Many", "id": "many", "children": [{"title": "x"}] * MAX_NODES}}
    assert edited({**many, "parent": None}, {"op": "remove", "id": "many"}) == BEES


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([{"op": "remove", "id": name} for name in ("honey", "queens", "drones")], "empty"),
        ([{"op": "add", "node": _chain(MAX_DEPTH - 1), "parent": "comb"}], "deeper than 6 levels"),
        ([{"op": "add", "node": {"title": "x", "children": [{"title": "x"}] * 495}, "parent": None}], "501 nodes"),
    ],
)
def test_what_comes_of_all_must_be_an_outline(asked: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(EditError, match=told) as refused:
        edited(*asked)
    assert refused.value.position is None


def test_a_flood_of_nodes_is_refused_where_it_begins() -> None:
    flood = {"op": "add", "node": {"title": "x", "children": [{"title": "x"}] * MAX_NODES_BETWEEN}, "parent": None}
    with pytest.raises(EditError) as refused:
        edited(flood, {"op": "remove", "id": "n2-1"})
    assert (refused.value.position, refused.value.field) == (0, "node")


def test_moves_may_build_a_chain_of_all_nodes_in_between() -> None:
    add = {"op": "add", "node": {"title": "x", "children": [{"title": "x"}] * 400}, "parent": None}
    moves = [{"op": "move", "id": f"n2-{n}", "parent": f"n2-{n - 1}"} for n in range(3, 402)]
    with pytest.raises(EditError, match="deeper"):
        edited(add, *moves)


def test_no_operations_hold_up_the_others_for_long() -> None:
    leaves = [{"id": f"s{n}", "title": "x", "target_words": 1} for n in range(MAX_NODES - 1)]
    outline = Outline.model_validate({"title": "x", "nodes": [{"id": "all", "title": "x", "children": leaves}]})
    # One section has nearly all, and yet each of the others gets a word: as far from the proportion as can be.
    lengths = [("s0", 200_000), ("all", MAX_NODES)] * (MAX_OPERATIONS // 2)
    asked = [{"op": "set_budget", "id": name, "target_words": words} for name, words in lengths]
    begun = time.perf_counter()
    assert set(budgets(edited(*asked, outline=outline)).values()) == {None, 1, 2}
    assert time.perf_counter() - begun < 2.0


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "paint", "id": "honey"},
        {"op": "remove"},
        {"op": "remove", "id": None},
        {"op": "move", "id": "honey"},
        {"op": "move", "id": "honey", "parent": None, "index": -1},
        {"op": "rename", "title": "Wax"},
        {"op": "rename", "id": "honey", "title": "  "},
        {"op": "set_budget", "id": "honey"},
        {"op": "set_budget", "id": "honey", "target_words": "5"},
        {"op": "add", "node": {"title": "Wax", "colour": "yellow"}, "parent": None},
    ],
)
def test_an_operation_says_all_it_means_and_no_more(operation: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OutlinePatch.model_validate({"operations": [operation]})
