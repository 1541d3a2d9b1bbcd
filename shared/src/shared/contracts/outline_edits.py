"""What people may do to an outline: operations on its nodes by their ids, carried out together or not at all."""

from collections.abc import Sequence
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.outline import NodeId, Outline, OutlineNode, Research, Summary, TargetWords, Title
from shared.contracts.outline_draft import OutlineDraft, RefusedError

MAX_OPERATIONS = 500

Index = Annotated[int, Field(ge=0, description="Among its siblings, from 0; null: after the last")]
Parent = Annotated[NodeId | None, Field(description="null: at the top")]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Add(_Body):
    """A new node with all it holds. Ids are given where missing. A leaf that gets children hands its budget down."""

    op: Literal["add"]
    node: OutlineNode
    parent: Parent
    index: Index | None = None


class Remove(_Body):
    """Without this node and all it holds."""

    op: Literal["remove"]
    id: NodeId


class Move(_Body):
    """The node with all it holds under another parent, or elsewhere under its own."""

    op: Literal["move"]
    id: NodeId
    parent: Parent
    index: Index | None = Field(default=None, description="Counted without the node itself")


class Rename(_Body):
    """Another title."""

    op: Literal["rename"]
    id: NodeId | None = Field(description="null: the outline itself")
    title: Title


class SetSummary(_Body):
    """What the node is to say."""

    op: Literal["set_summary"]
    id: NodeId
    summary: Summary


class SetBudget(_Body):
    """The length of a leaf, or of all leaves under a node together, in the proportion that they have."""

    op: Literal["set_budget"]
    id: NodeId
    target_words: TargetWords | None = Field(description="null: left to the writer")


class SetResearch(_Body):
    """What the node may rest on."""

    op: Literal["set_research"]
    id: NodeId
    research: Research | None = Field(description="null: what its parent may")


Operation = Annotated[Add | Remove | Move | Rename | SetSummary | SetBudget | SetResearch, Field(discriminator="op")]


class OutlinePatch(_Body):
    """Body of ``PATCH /jobs/{job_id}/outline``: operations in the order in which they are carried out."""

    operations: Annotated[list[Operation], Field(min_length=1, max_length=MAX_OPERATIONS)]
    author: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    message: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class EditError(Exception):
    """The outline does not allow the operations.

    ``position`` counts operations from 0, None stands for what comes of all of them; ``field`` is what is at fault in
    the operation, as the end of a JSON pointer.
    """

    def __init__(self, position: int | None, field: str, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.field = field
        self.message = message


def apply(outline: Outline, operations: Sequence[Operation], version: int) -> Outline:
    """The outline after the operations, one after another.

    ``version`` is the one that comes of it. Raises EditError for an operation that cannot be carried out, and where
    all together leave no outline: it may be too deep, too large or empty in between, but not in the end.
    """
    draft = OutlineDraft(outline, version)
    for position, operation in enumerate(operations):
        try:
            _carry_out(operation, draft)
        except RefusedError as refused:
            raise EditError(position, refused.field, refused.message) from None
    try:
        return draft.outline()
    except RefusedError as refused:
        raise EditError(None, "", refused.message) from None


def _carry_out(operation: Operation, draft: OutlineDraft) -> None:
    match operation:
        case Add():
            draft.add(operation.node, operation.parent, operation.index)
        case Remove():
            draft.remove(operation.id)
        case Move():
            draft.move(operation.id, operation.parent, operation.index)
        case Rename():
            draft.rename(operation.id, operation.title)
        case SetSummary():
            draft.set_summary(operation.id, operation.summary)
        case SetBudget():
            draft.set_budget(operation.id, operation.target_words)
        case SetResearch():
            draft.set_research(operation.id, operation.research)
        case _:
            assert_never(operation)
