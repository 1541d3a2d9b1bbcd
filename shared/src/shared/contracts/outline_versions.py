"""The versions of an outline that people edit, and what each changed.

They cross a process border: the worker that plans stores the first, the gateway those that people make, and the
worker that writes reads the latest.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.outline import Outline, OutlineNode

_VERSION = "outline:"
NodeField = Literal["title", "summary", "target_words", "research"]
_FIELDS: tuple[NodeField, ...] = ("title", "summary", "target_words", "research")


def outline_field(version: int) -> str:
    """Stored work: the outline in this version, the first being 1."""
    return f"{_VERSION}{version}"


def version_of(field: str) -> int | None:
    """The version of the outline that the field holds; None for other stored work."""
    number = field.removeprefix(_VERSION)
    return int(number) if number != field and number.isascii() and number.isdigit() else None


def latest_of(fields: Iterable[str]) -> int | None:
    """The latest version among the names of a job's stored work; None where it holds none."""
    return max((version for field in fields if (version := version_of(field)) is not None), default=None)


class _Stored(BaseModel):
    # Fields of a newer gateway are passed over: during an upgrade both read the same versions.
    model_config = ConfigDict(frozen=True, extra="ignore")


class NodeChange(_Stored):
    """A node that came or went."""

    id: str
    title: str


class MovedNode(_Stored):
    """A node under another parent, or elsewhere among its siblings."""

    id: str
    title: str
    parent_before: str | None = Field(description="null: at the top")
    parent_after: str | None
    position_before: int = Field(description="Among its siblings, from 0")
    position_after: int


class FieldChange(_Stored):
    """What was said of a node, before and after."""

    id: str | None = Field(description="null: the outline itself")
    field: NodeField
    before: str | int | None
    after: str | int | None


class OutlineDiff(_Stored):
    """What one version changed in the one before it. Of a node that came, nothing is told under `changed`."""

    added: list[NodeChange] = []
    removed: list[NodeChange] = []
    moved: list[MovedNode] = []
    changed: list[FieldChange] = []


class VersionEntry(_Stored):
    """Who made a version, and what of it is new."""

    version: int
    author: str | None = Field(description="As the client named whoever made it; null: a model, or somebody unnamed")
    created_at: datetime
    message: str = ""
    diff: OutlineDiff | None = Field(default=None, description="null in the first version")


class OutlineVersion(VersionEntry):
    """The outline as somebody left it."""

    outline: Outline


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node with its place."""

    node: OutlineNode
    parent: str | None
    position: int


def difference(before: Outline, after: Outline) -> OutlineDiff:
    """What leads from one outline to the other; every node of both has an id."""
    old = {placed.node.id or "": placed for placed in _places(before.nodes, None)}
    new = {placed.node.id or "": placed for placed in _places(after.nodes, None)}
    shuffled = _shuffled(old, new)
    titles = [] if before.title == after.title else [_title_change(before.title, after.title)]
    return OutlineDiff(
        added=[NodeChange(id=name, title=placed.node.title) for name, placed in new.items() if name not in old],
        removed=[NodeChange(id=name, title=placed.node.title) for name, placed in old.items() if name not in new],
        moved=[
            MovedNode(
                id=name,
                title=placed.node.title,
                parent_before=old[name].parent,
                parent_after=placed.parent,
                position_before=old[name].position,
                position_after=placed.position,
            )
            for name, placed in new.items()
            if name in old and (old[name].parent != placed.parent or name in shuffled)
        ],
        changed=titles
        + [
            FieldChange(id=name, field=field, before=getattr(old[name].node, field), after=getattr(placed.node, field))
            for name, placed in new.items()
            if name in old
            for field in _FIELDS
            if getattr(old[name].node, field) != getattr(placed.node, field)
        ],
    )


def _title_change(before: str, after: str) -> FieldChange:
    return FieldChange(id=None, field="title", before=before, after=after)


def _places(nodes: Sequence[OutlineNode], parent: str | None) -> Iterator[_Placed]:
    for position, node in enumerate(nodes):
        yield _Placed(node, parent, position)
        yield from _places(node.children, node.id)


def _shuffled(old: dict[str, _Placed], new: dict[str, _Placed]) -> set[str]:
    """The fewest nodes that kept their parent and yet have to move for their siblings to stand in the new order."""
    families: dict[str | None, list[str]] = {}
    for name, placed in new.items():
        if name in old and old[name].parent == placed.parent:
            families.setdefault(placed.parent, []).append(name)
    moved: set[str] = set()
    for names in families.values():
        stayed = _longest_rising([old[name].position for name in names])
        moved.update(name for name in names if old[name].position not in stayed)
    return moved


def _longest_rising(positions: Sequence[int]) -> set[int]:
    """A longest rising subsequence of different numbers (patience sorting)."""
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for position in positions:
        pile = bisect_left(tops, position)
        before[position] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [position]
    found: set[int] = set()
    current = tops[-1] if tops else None
    while current is not None:
        found.add(current)
        current = before[current]
    return found
