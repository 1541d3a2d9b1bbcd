"""docs/redis-data-model.md lists the keys and scripts that there are."""

import inspect
from typing import Any

from shared.redis.keys import SHARDS_KEY, Keyspace
from tests.architecture.repository import LUA, read, rows, under

DOCUMENT = "docs/redis-data-model.md"
PLACEHOLDERS = {
    "ref": "<id>",
    "kind": "<kind>",
    "band": "<band>",
    "part": "<part>",
    "tenant": "<tenant>",
    "minute": "<minute>",
    "name": "<worker>",
}


def _spelled() -> dict[str, str]:
    """Type by name of every key, read off Keyspace: each member spells one and says its type first."""
    keyspace: Any = Keyspace(0)
    found = {SHARDS_KEY: "string"}
    for name, member in vars(Keyspace).items():
        if name.startswith("_") or name in {"shard", "script_keys"}:
            continue
        if isinstance(member, property):
            key, said = getattr(keyspace, name), member.__doc__
        else:
            wanted = list(inspect.signature(member).parameters)[1:]
            key, said = getattr(keyspace, name)(*(PLACEHOLDERS[argument] for argument in wanted)), member.__doc__
        found[key.removeprefix("draftline:{0}:")] = str(said).partition(":")[0].lower()
    return found


def _store() -> dict[str, str]:
    """The first line of each command; the shared parts have no such line."""
    lines = {path.stem: path.read_text().splitlines()[0] for path in LUA.glob("*.lua")}
    return {name: line for name, line in lines.items() if line.startswith("#!lua")}


def test_keys_and_their_types_are_documented() -> None:
    table = rows(under(read(DOCUMENT), "## Keys"))
    assert {row[0]: row[1] for row in table} == _spelled()
    assert len(table) == len(_spelled())
    assert all(row[2] and row[3] and row[4] for row in table)


def test_every_script_is_documented() -> None:
    table = rows(under(read(DOCUMENT), "## Scripts"))
    assert {row[0] for row in table} == set(_store())
    assert len(table) == len(_store())


def test_documented_behaviour_of_a_full_server_is_that_of_the_flags() -> None:
    table = rows(under(read(DOCUMENT), "## Scripts"))
    assert {row[0]: row[4] for row in table} == {
        name: "refused" if line == "#!lua" else "runs" for name, line in _store().items()
    }


def test_every_shared_part_is_documented() -> None:
    parts = {path.stem for path in LUA.glob("*.lua")} - set(_store())
    assert {row[0] for row in rows(under(read(DOCUMENT), "## Shared parts"))} == parts
