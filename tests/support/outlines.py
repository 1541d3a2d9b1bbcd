"""Outlines and operations on them, drawn at random."""

from hypothesis import strategies as st

from shared.contracts.outline import MAX_DEPTH, Outline, OutlineNode
from shared.contracts.outline_edits import (
    Add,
    Move,
    Operation,
    Remove,
    Rename,
    SetBudget,
    SetResearch,
    SetSummary,
)

_TITLES = st.sampled_from(["Honey", "Wax", "Queens", "蜂蜜"])
_BUDGETS = st.none() | st.integers(1, 2_000)
_PLACES = st.none() | st.integers(0, 2)


def _nodes(level: int) -> st.SearchStrategy[OutlineNode]:
    children = st.lists(_nodes(level + 1), max_size=2) if level < MAX_DEPTH else st.just([])
    return st.builds(
        OutlineNode,
        title=_TITLES,
        summary=st.sampled_from(["", "What is known of it"]),
        target_words=_BUDGETS,
        research=st.sampled_from([None, "none", "web"]),
        children=children,
    )


def outlines() -> st.SearchStrategy[Outline]:
    """Small ones, of any depth, every node with an id."""
    drawn = st.builds(Outline, title=_TITLES, nodes=st.lists(_nodes(1), min_size=1, max_size=4))
    return drawn.map(Outline.with_ids)


def operations(outline: Outline) -> st.SearchStrategy[list[Operation]]:
    """Nearly all name nodes that the outline has; what they ask for may be impossible."""
    ids = st.sampled_from([node.id or "" for node, _ in outline.walk()] + ["n2-1"])
    places = st.none() | ids
    drawn = st.one_of(
        st.builds(Add, op=st.just("add"), node=_nodes(MAX_DEPTH - 1), parent=places, index=_PLACES),
        st.builds(Remove, op=st.just("remove"), id=ids),
        st.builds(Move, op=st.just("move"), id=ids, parent=places, index=_PLACES),
        st.builds(Rename, op=st.just("rename"), id=places, title=_TITLES),
        st.builds(SetSummary, op=st.just("set_summary"), id=ids, summary=_TITLES),
        st.builds(SetBudget, op=st.just("set_budget"), id=ids, target_words=_BUDGETS),
        st.builds(SetResearch, op=st.just("set_research"), id=ids, research=st.sampled_from([None, "web"])),
    )
    return st.lists(drawn, min_size=1, max_size=8)
