"""An outline while it is changed: a tree whose nodes come, go and move.

In between it may be what an outline may not: too deep, too large, empty. What counts is how it ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.contracts.outline import MAX_DEPTH, MAX_NODES, Outline, OutlineNode, Research, apportioned

MAX_NODES_BETWEEN = 2 * MAX_NODES
"""Enough to add a whole outline before another is removed."""


class RefusedError(Exception):
    """A change that makes no sense; ``field`` is what is at fault, as the end of a JSON pointer."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(slots=True, eq=False)
class _Node:
    """A node; the one without a parent stands for the outline itself."""

    id: str
    title: str
    parent: "_Node | None" = None
    summary: str = ""
    target_words: int | None = None
    research: Research | None = None
    children: list["_Node"] = field(default_factory=list)

    # Without recursion: moves in between may build a chain as deep as there are nodes.

    def walk(self) -> Iterator["_Node"]:
        """Itself and all below, in reading order."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))

    def leaves(self) -> list["_Node"]:
        return [node for node in self.walk() if not node.children]

    def line(self) -> Iterator["_Node"]:
        """Itself and all above it but the outline: as many as its level."""
        node = self
        while node.parent is not None:
            yield node
            node = node.parent

    def frozen(self) -> OutlineNode:
        return OutlineNode(
            id=self.id,
            title=self.title,
            summary=self.summary,
            target_words=self.target_words,
            research=self.research,
            children=[child.frozen() for child in self.children],
        )


class OutlineDraft:
    """Changes by the ids of nodes; each raises RefusedError where it cannot be carried out.

    Nodes added without an id are named after ``version``, the one that is being made, so that no id is given twice.
    """

    def __init__(self, outline: Outline, version: int) -> None:
        self._outline = outline
        self._version = version
        self._nodes: dict[str, _Node] = {}
        self._used: set[str] = set()
        """Ids of nodes that are there or were: none is made up again."""
        self._made_up = 0
        self._top = _Node("", outline.title)
        self._top.children = [self._taken_in(node, self._top) for node in outline.with_ids().nodes]

    def outline(self) -> Outline:
        """As it stands; raises RefusedError where that is no outline."""
        if not self._top.children:
            raise RefusedError("", "the outline would be empty")
        if len(self._nodes) > MAX_NODES:
            raise RefusedError("", f"the outline would have {len(self._nodes)} nodes, at most {MAX_NODES} are allowed")
        for node in self._nodes.values():
            if sum(1 for _ in node.line()) > MAX_DEPTH:
                raise RefusedError("", f"node {node.id!r} would be deeper than {MAX_DEPTH} levels")
        nodes = [node.frozen() for node in self._top.children]
        return self._outline.model_copy(update={"title": self._top.title, "nodes": nodes})

    def add(self, new: OutlineNode, parent_id: str | None, index: int | None) -> None:
        parent = self._parent(parent_id)
        place = _place(parent.children, index)
        self._used |= self._checked_ids(new)
        _insert(parent, place, self._taken_in(new, parent))

    def remove(self, node_id: str) -> None:
        node = self._node(node_id)
        _siblings(node).remove(node)
        for gone in node.walk():
            del self._nodes[gone.id]

    def move(self, node_id: str, parent_id: str | None, index: int | None) -> None:
        node, parent = self._node(node_id), self._parent(parent_id)
        if node in parent.line():
            raise RefusedError("parent", "a node cannot be moved under itself")
        place = _place([child for child in parent.children if child is not node], index)
        if node.parent is parent:
            parent.children.remove(node)
            parent.children.insert(place, node)
            return
        _siblings(node).remove(node)
        node.parent = parent
        _insert(parent, place, node)

    def rename(self, node_id: str | None, title: str) -> None:
        node = self._top if node_id is None else self._node(node_id)
        node.title = title

    def set_summary(self, node_id: str, summary: str) -> None:
        self._node(node_id).summary = summary

    def set_research(self, node_id: str, research: Research | None) -> None:
        self._node(node_id).research = research

    def set_budget(self, node_id: str, words: int | None) -> None:
        """Of a leaf, or of the leaves below in the proportion that they have; without one a leaf counts as the mean."""
        node = self._node(node_id)
        leaves = node.leaves()
        known = [leaf.target_words for leaf in leaves if leaf.target_words is not None]
        mean = sum(known) / len(known) if known else 1.0
        weights = {leaf.id: float(leaf.target_words or mean) for leaf in leaves}
        shares = apportioned(weights, words) if words is not None else {}
        for each in node.walk():
            each.target_words = shares.get(each.id)

    def _node(self, node_id: str, field: str = "id") -> _Node:
        if node_id not in self._nodes:
            raise RefusedError(field, f"the outline has no node {node_id!r}")
        return self._nodes[node_id]

    def _parent(self, node_id: str | None) -> _Node:
        return self._top if node_id is None else self._node(node_id, "parent")

    def _checked_ids(self, new: OutlineNode) -> set[str]:
        """The ids that a new node brings with it."""
        brought: set[str] = set()
        pending, count = [(new, "node")], len(self._nodes)
        while pending:
            node, path = pending.pop()
            count += 1
            if count > MAX_NODES_BETWEEN:
                raise RefusedError("node", f"the outline would have more than {MAX_NODES_BETWEEN} nodes")
            if node.id is not None:
                if node.id in self._nodes or node.id in brought:
                    raise RefusedError(f"{path}/id", f"the outline has a node {node.id!r} already")
                brought.add(node.id)
            pending += [(child, f"{path}/children/{i}") for i, child in enumerate(node.children)]
        return brought

    def _taken_in(self, new: OutlineNode, parent: _Node) -> _Node:
        node = _Node(
            id=new.id or self._new_id(),
            title=new.title,
            parent=parent,
            summary=new.summary,
            target_words=new.target_words,
            research=new.research,
        )
        self._nodes[node.id] = node
        self._used.add(node.id)
        node.children = [self._taken_in(child, node) for child in new.children]
        return node

    def _new_id(self) -> str:
        while True:
            self._made_up += 1
            made_up = f"n{self._version}-{self._made_up}"
            if made_up not in self._used:
                return made_up


def _siblings(node: _Node) -> list[_Node]:
    """With the node itself."""
    assert node.parent is not None
    return node.parent.children


def _place(siblings: Sequence[_Node], index: int | None) -> int:
    if index is None:
        return len(siblings)
    if index > len(siblings):
        raise RefusedError("index", f"there are {len(siblings)} siblings, so the last place is {len(siblings)}")
    return index


def _insert(parent: _Node, place: int, child: _Node) -> None:
    """Put a child under a node. A leaf that becomes an inner node hands its budget down: only leaves are written."""
    if not parent.children:
        lacking = {leaf.id: leaf for leaf in child.leaves() if leaf.target_words is None}
        if parent.target_words is not None:
            for node_id, words in apportioned(dict.fromkeys(lacking, 1.0), parent.target_words).items():
                lacking[node_id].target_words = words
        parent.target_words = None
    parent.children.insert(place, child)
