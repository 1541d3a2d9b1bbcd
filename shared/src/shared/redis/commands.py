"""The commands: one for each Lua script, by the name of its file. The scripts' headers explain the arguments."""

from collections.abc import Mapping, Sequence

from shared.redis.command import Command, command

Value = str | bytes | int | float


@command("submit")
class Submit(Command):
    id: str
    digest: str
    delay_ms: int
    not_before_ms: int
    payload: bytes
    record: Mapping[str, Value]
    work: Mapping[str, bytes]


@command("fetch")
class Fetch(Command):
    kind: str
    worker: str
    number: int
    lease_ms: int
    most: int
    suspects: bool
    bands: Sequence[str]
    fields: Sequence[str]


@command("reconcile")
class Reconcile(Command):
    kind: str
    worker: str
    answered: int


@command("renew")
class Renew(Command):
    kind: str
    lease_ms: int
    held: Sequence[str | int]


@command("append_events")
class AppendEvents(Command):
    id: str
    fence: int
    events: Sequence[Value]


@command("put_artifact")
class PutArtifact(Command):
    id: str
    fence: int
    field: str
    value: bytes
    usage: bytes
    write: str


@command("put_checkpoint")
class PutCheckpoint(Command):
    id: str
    fence: int
    items: Sequence[Value]


@command("finish")
class Finish(Command):
    id: str
    fence: int
    seq: int
    result: bytes
    usage: bytes


@command("fail")
class FailAttempt(Command):
    id: str
    fence: int
    seq: int
    failure: bytes
    wait_ms: int | None
    usage: bytes


@command("release")
class Release(Command):
    id: str
    fence: int
    seq: int
    usage: bytes


@command("handover")
class HandOver(Command):
    id: str
    fence: int
    seq: int
    version: int
    stored: bytes
    outline: bytes
    usage: bytes


@command("promote")
class Promote(Command):
    kind: str


@command("cancel")
class Cancel(Command):
    id: str


@command("retry")
class Retry(Command):
    id: str
    request_id: str


@command("requeue")
class Requeue(Command):
    id: str
    request_id: str


@command("purge")
class Purge(Command):
    id: str


@command("approve")
class Approve(Command):
    id: str
    seen: int | None


@command("put_outline")
class PutOutline(Command):
    id: str
    base: int
    changed: bytes
    unchanged: bytes
    digest: str
    event: bytes
    most_versions: int
    most_bytes: int


@command("ask_export")
class AskExport(Command):
    id: str
    format: str
    most: int
    failure_ms: int


@command("take_export")
class TakeExport(Command):
    time_ms: int
    most_tries: int


@command("put_export")
class PutExport(Command):
    id: str
    format: str
    made_of: str
    outcome: str
    content: bytes


@command("pause")
class Pause(Command):
    kind: str
    paused: bool


@command("overview")
class CountQueues(Command):
    kind: str
    bands: Sequence[str]


@command("position")
class FindPositions(Command):
    kind: str
    most: int
    bands: Sequence[str]
    entries: Sequence[str]


@command("sweep")
class Sweep(Command):
    kind: str
    owner: str
    cursor: int
    lease_ms: int


@command("heartbeat")
class Heartbeat(Command):
    worker: str
    life_ms: int
    order: str
    ordered_at: int
    facts: Mapping[str, Value]


@command("sign_off")
class SignOff(Command):
    worker: str


@command("instruct")
class Instruct(Command):
    kind: str
    order: str
    worker: str


@command("confirm")
class Confirm(Command):
    pass
