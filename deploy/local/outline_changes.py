"""What a person did to an outline, as the operations that the gateway takes.

Every node is brought to its place from the top down, so that none is ever moved under itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from deploy.local.outline_text import as_shown
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.outline_edits import Add, Move, Operation, Remove, Rename, SetBudget, SetSummary, apply


def operations(before: Outline, after: Outline, version: int) -> list[Operation]:
    """What leads from one outline to the other as its text shows it; ``version`` is the one that comes of it.

    Nodes of ``after`` without an id are new.
    """
    after = _named(after, version)
    places = _Places(before, after)
    changes = [*_contents(before, after), *places.settle(), *places.remove()]
    return [*changes, *_lengths(apply(before, changes, version), after)]


def _named(outline: Outline, version: int) -> Outline:
    """New nodes get an id of the kind the gateway gives, so that others can be moved under them."""
    count = 0

    def name(node: OutlineNode) -> OutlineNode:
        nonlocal count
        node_id = node.id
        if node_id is None:
            count += 1
            node_id = f"n{version}-{count}"
        return node.model_copy(update={"id": node_id, "children": [name(child) for child in node.children]})

    return outline.model_copy(update={"nodes": [name(node) for node in outline.nodes]})


def _contents(before: Outline, after: Outline) -> Iterator[Operation]:
    shown = as_shown(before)
    if shown.title != after.title:
        yield Rename(op="rename", id=None, title=after.title)
    known = {node.id: node for node, _ in shown.walk()}
    for node, _ in after.walk():
        if node.id is None or node.id not in known:
            continue
        if node.title != known[node.id].title:
            yield Rename(op="rename", id=node.id, title=node.title)
        if node.summary != known[node.id].summary:
            yield SetSummary(op="set_summary", id=node.id, summary=node.summary)


def _lengths(nearly: Outline, after: Outline) -> Iterator[Operation]:
    """Last, as a node that gets children or loses them changes lengths too."""
    found = {node.id: node.target_words for node in nearly.leaves()}
    for leaf in after.leaves():
        if leaf.id is not None and leaf.target_words != found[leaf.id]:
            yield SetBudget(op="set_budget", id=leaf.id, target_words=leaf.target_words)


class _Places:
    """The children of each node by their ids, while nodes are moved; None stands for the outline itself."""

    def __init__(self, before: Outline, after: Outline) -> None:
        self._now, self._wanted = _families(before), _families(after)
        self._parents = {child: parent for parent, children in self._now.items() for child in children}
        self._goals = {child: parent for parent, children in self._wanted.items() for child in children}
        self._nodes = {str(node.id): node for node, _ in after.walk()}
        self._old = set(self._parents)

    def settle(self) -> Iterator[Operation]:
        """Bring each family into its order, parents before their children."""
        for parent, wanted in self._wanted.items():
            blocks = SequenceMatcher(None, self._now[parent], wanted, autojunk=False).get_matching_blocks()
            stay = {node_id for block in blocks for node_id in wanted[block.b : block.b + block.size]}
            now = self._now[parent]
            for place, node_id in enumerate(wanted):
                if node_id not in stay:
                    self._take_out(node_id)
                    yield self._put(node_id, parent, now.index(wanted[place - 1]) + 1 if place else 0)

    def remove(self) -> Iterator[Operation]:
        """Then drop the topmost of the rest, which by now have nothing below them that stays."""
        for node_id, parent in self._parents.items():
            if node_id not in self._goals and (parent is None or parent in self._goals):
                yield Remove(op="remove", id=node_id)

    def _take_out(self, node_id: str) -> None:
        if node_id in self._parents:
            self._now[self._parents.pop(node_id)].remove(node_id)

    def _put(self, node_id: str, parent: str | None, index: int) -> Operation:
        self._now[parent].insert(index, node_id)
        self._parents[node_id] = parent
        if node_id in self._old:
            return Move(op="move", id=node_id, parent=parent, index=index)
        node = self._nodes[node_id].model_copy(update={"children": []})
        return Add(op="add", node=node, parent=parent, index=index)


def _families(outline: Outline) -> defaultdict[str | None, list[str]]:
    families: defaultdict[str | None, list[str]] = defaultdict(list)
    families[None] = _ids(outline.nodes)
    for node, _ in outline.walk():
        families[node.id] = _ids(node.children)
    return families


def _ids(nodes: Sequence[OutlineNode]) -> list[str]:
    return [str(node.id) for node in nodes]
