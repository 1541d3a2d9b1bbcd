"""From the body of a batch to its items, each validated by itself."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import to_json

from gateway.http.errors import SHOWN_FAULTS, invalid, validation_problem
from gateway.http.problems import ProblemError
from gateway.jobs.accepting import new_job
from shared.contracts.commands import DocumentCommand, JobId, OutlineCommand
from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.redis.batches import Fault, Member, Refusal

MOST_ITEMS = 1_000
MOST_SHARED_BYTES = 100 * 1024 * 1024
"""What the options may come to, counted once for each item, and the files of outline jobs: every job keeps a request of
its own.
"""
FAULTS_AN_ITEM = 5
_LONGEST_ID = 128
_COMMANDS: dict[JobKind, type[OutlineCommand | DocumentCommand]] = {
    JobKind.OUTLINE: OutlineCommand,
    JobKind.DOCUMENT: DocumentCommand,
}


def _of_both_kinds(schema: dict[str, Any]) -> None:
    kind = {"enum": list(JobKind)}
    schema["items"] = {"type": "object", "properties": {"kind": kind}, "additionalProperties": True}


class BatchCommand(BaseModel):
    """Body of ``POST /jobs/batch``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    batch_id: JobId | None = None
    options: dict[str, JsonValue] = Field(default={}, description="Fields of every item that has none of that name")
    items: Annotated[list[JsonValue], Field(min_length=1, max_length=MOST_ITEMS)] = Field(
        description="`kind` and the fields of `OutlineCommand` or `DocumentCommand`, `kind` being `outline` or "
        "`document`",
        json_schema_extra=_of_both_kinds,
    )


@dataclass(frozen=True, slots=True)
class Item:
    """A sound item."""

    member: Member
    command: OutlineCommand | DocumentCommand
    inherited: frozenset[str]
    """The fields it has from the options."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A sound body: at least one of its items is."""

    batch_id: str
    digest: str
    items: list[Item]
    refusals: list[Refusal]


def read_batch(body: bytes, drawn_id: str) -> Batch:
    """The batch of a body, named by itself or else by the id that was drawn for it.

    Raises ProblemError 400 or 422, the latter also where no item is sound.
    """
    try:
        command = BatchCommand.model_validate_json(body)
    except ValidationError as error:
        raise validation_problem(error) from error
    _check_options(command)
    batch_id = command.batch_id or drawn_id
    items: list[Item] = []
    refusals: list[Refusal] = []
    taken: dict[str, int] = {}
    digest = hashlib.sha256()
    for index, value in enumerate(command.items):
        item = _item(batch_id, index, value, command.options, taken)
        if isinstance(item, Refusal):
            refusals.append(item)
            digest.update(json.dumps([command.options, value], sort_keys=True).encode())
        else:
            items.append(item)
            digest.update(json.dumps([item.command.job_id, item.member.kind, item.member.digest]).encode())
    if not items:
        raise _none_sound(refusals)
    return Batch(batch_id, digest.hexdigest(), items, refusals)


def member_id(batch_id: str, index: int) -> str:
    """The id of an item's job that names none: of the same batch always the same, and in no other batch."""
    plain = f"{batch_id}.{index}"
    if len(plain) <= _LONGEST_ID:
        return plain
    digest = hashlib.blake2b(batch_id.encode(), digest_size=16).hexdigest()
    return f"{batch_id[:80]}:{digest}.{index}"


def refusal(index: int, error: ProblemError, inherited: frozenset[str]) -> Refusal:
    """A problem of an item, its pointers leading to where the item, or the options, stand in the body."""
    faults = tuple(
        Fault(pointer=_placed(index, each["pointer"], inherited), message=each["message"])
        for each in error.errors[:FAULTS_AN_ITEM]
    )
    detail = f"{faults[0].pointer}: {faults[0].message}" if faults else error.detail
    return Refusal(index=index, status=error.status, code=error.code, detail=detail, errors=faults)


def _check_options(command: BatchCommand) -> None:
    size = len(to_json(command.options)) * len(command.items)
    if "job_id" in command.options:
        raise invalid([{"pointer": "/options/job_id", "message": "an id is that of one job"}])
    if size > MOST_SHARED_BYTES:
        message = f"each item has a copy, together {size:,} bytes; {MOST_SHARED_BYTES:,} at most"
        raise invalid([{"pointer": "/options", "message": message}])


def _item(
    batch_id: str, index: int, value: JsonValue, options: Mapping[str, JsonValue], taken: dict[str, int]
) -> Item | Refusal:
    own = value if isinstance(value, dict) else {}
    inherited = frozenset(options.keys() - own.keys())
    try:
        kind, command = _command(value, {**options, **own})
        job_id = command.job_id or member_id(batch_id, index)
        earlier = taken.setdefault(job_id, index)
        if earlier != index:
            raise invalid([{"pointer": "/job_id", "message": f"item {earlier} has the id {job_id}"}])
    except ProblemError as error:
        return refusal(index, error, inherited)
    digest = new_job(JobRef(job_id), kind, command, b"", "").digest
    return Item(Member(index=index, job_id=job_id, kind=kind, digest=digest), command, inherited)


def _command(value: JsonValue, fields: dict[str, JsonValue]) -> tuple[JobKind, OutlineCommand | DocumentCommand]:
    if not isinstance(value, dict):
        raise invalid([{"pointer": "", "message": "Input should be an object"}])
    kind = fields.pop("kind", None)
    if kind not in list(JobKind):
        raise invalid([{"pointer": "/kind", "message": "Input should be 'outline' or 'document'"}])
    try:
        # From JSON again: strictness means another thing there, and an item is to be read as a request of its own is.
        return JobKind(str(kind)), _COMMANDS[JobKind(str(kind))].model_validate_json(to_json(fields))
    except ValidationError as error:
        raise validation_problem(error) from error


def _placed(index: int, pointer: str, inherited: frozenset[str]) -> str:
    name = pointer.removeprefix("/").partition("/")[0]
    return f"/options{pointer}" if name in inherited else f"/items/{index}{pointer}"


def _none_sound(refusals: Sequence[Refusal]) -> ProblemError:
    faults = dict.fromkeys(fault for each in refusals for fault in each.errors)
    return invalid([fault.model_dump() for fault in list(faults)[:SHOWN_FAULTS]])
