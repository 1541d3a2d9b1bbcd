"""The outline: a tree of titles, points and length budgets."""

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

MAX_DEPTH = 6
MAX_NODES = 500

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
NodeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
TargetWords = Annotated[int, Field(ge=1, le=200_000)]
Summary = Annotated[str, StringConstraints(max_length=4_000)]
Research = Literal["none", "context_only", "web"]
_REACH: tuple[Research, ...] = ("none", "context_only", "web")


class OutlineNode(BaseModel):
    """A chapter or section. Leaves are written; inner nodes only group them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: NodeId | None = Field(default=None, description="Stable name of the section; given where missing.")
    title: Title
    summary: Summary = ""
    target_words: TargetWords | None = None
    research: Research | None = Field(
        default=None, description="What this node may rest on; by default what its parent may, at the top the request"
    )
    children: list["OutlineNode"] = []


class Outline(BaseModel):
    """A title and its sections, at most 6 levels deep with at most 500 nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: Title
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    nodes: Annotated[list[OutlineNode], Field(min_length=1)]

    @field_validator("nodes", mode="before")
    @classmethod
    def _count_first(cls, value: Any) -> Any:
        """Refuse a flood before its nodes are validated one by one: 25 MiB of them took 80 s and 8 GiB."""
        count, pending = 0, [value]
        while pending:
            nodes = pending.pop()
            if isinstance(nodes, list):
                count += len(nodes)
                if count > MAX_NODES:
                    msg = f"the outline has more than {MAX_NODES} nodes"
                    raise ValueError(msg)
                pending.extend(node.get("children") for node in nodes if isinstance(node, dict))
        return value

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        seen: set[str] = set()
        for count, (node, level) in enumerate(self.walk(), 1):
            if level > MAX_DEPTH:
                msg = f"the outline is deeper than {MAX_DEPTH} levels"
                raise ValueError(msg)
            if count > MAX_NODES:
                msg = f"the outline has more than {MAX_NODES} nodes"
                raise ValueError(msg)
            if node.id is not None and node.id in seen:
                msg = f"node id {node.id!r} occurs twice"
                raise ValueError(msg)
            if node.id is not None:
                seen.add(node.id)
        return self

    def walk(self) -> Iterator[tuple[OutlineNode, int]]:
        """Every node with its level (1 at the top), in reading order."""
        pending = [(node, 1) for node in reversed(self.nodes)]
        while pending:
            node, level = pending.pop()
            yield node, level
            pending.extend((child, level + 1) for child in reversed(node.children))

    def leaves(self) -> list[OutlineNode]:
        """The nodes that are written, in reading order."""
        return [node for node, _ in self.walk() if not node.children]

    def research(self, usual: Research) -> dict[str, Research]:
        """What each leaf may rest on, by its id: what it says itself, else the nearest above it, else the usual."""
        found: dict[str, Research] = {}
        pending = [(node, usual) for node in self.nodes]
        while pending:
            node, above = pending.pop()
            own = node.research or above
            if not node.children:
                found[node.id or ""] = own
            pending.extend((child, own) for child in node.children)
        return found

    def reach(self, usual: Research) -> Research:
        """The most that any leaf may rest on."""
        return max(self.research(usual).values(), key=_REACH.index)

    def with_ids(self) -> "Outline":
        """The same outline with an id on every node; ids that are there stay."""
        taken = {node.id for node, _ in self.walk() if node.id}

        def name(node: OutlineNode, path: str) -> OutlineNode:
            node_id = node.id or _free_id(path, taken)
            children = [name(child, f"{path}.{i}") for i, child in enumerate(node.children, 1)]
            return node.model_copy(update={"id": node_id, "children": children})

        nodes = [name(node, f"s{i}") for i, node in enumerate(self.nodes, 1)]
        return self.model_copy(update={"nodes": nodes})


def _free_id(path: str, taken: set[str]) -> str:
    candidate, suffix = path, 1
    while candidate in taken:
        suffix += 1
        candidate = f"{path}-{suffix}"
    taken.add(candidate)
    return candidate


def apportioned(weights: Mapping[str, float], whole: int) -> dict[str, int]:
    """``whole`` in parts by weight: largest remainders (Hare quota), at least 1 each.

    The parts add up to ``whole``, or to their number where that is more. Weights are above 0.
    """
    scale = whole / sum(weights.values()) if weights else 0.0
    exact = {name: weight * scale for name, weight in weights.items()}
    shares = {name: max(1, int(value)) for name, value in exact.items()}
    rest = whole - sum(shares.values())
    for name in sorted(exact, key=lambda name: shares[name] - exact[name])[: max(rest, 0)]:
        shares[name] += 1
    # Those raised to one took more than there was: the longest give it back.
    longest = [(-share, place, name) for place, (name, share) in enumerate(shares.items()) if share > 1]
    heapify(longest)
    while rest < 0 and longest:
        share, place, name = heappop(longest)
        shares[name] -= 1
        rest += 1
        if shares[name] > 1:
            heappush(longest, (share + 1, place, name))
    return shares
