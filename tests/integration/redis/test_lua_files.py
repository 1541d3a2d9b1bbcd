"""The Lua files keep their form, and load in every server."""

import re
from collections.abc import Sequence
from importlib.resources import files

import pytest

from shared.redis.command import Command, command
from shared.redis.lua_source import source
from tests.support.board import Board

FOLDER = files("shared.redis").joinpath("lua")
TEXTS = {
    entry.name.removesuffix(".lua"): entry.read_text(encoding="utf-8")
    for entry in FOLDER.iterdir()
    if entry.name.endswith(".lua")
}
COMMANDS = sorted(name for name, text in TEXTS.items() if text.startswith("#!lua"))
PARTS = sorted(TEXTS.keys() - COMMANDS)
REFUSED_WHEN_FULL = {"submit", "promote", "append_events", "put_outline", "ask_export", "put_export"}


def test_there_are_some() -> None:
    assert {"submit", "fetch", "finish"} <= set(COMMANDS)
    assert {"keyspace", "emit", "settle"} <= set(PARTS)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_short_and_named(name: str) -> None:
    lines = TEXTS[name].splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 120
    assert any(line.startswith(f"-- {name}: ") for line in lines[:2])


@pytest.mark.parametrize("name", COMMANDS)
def test_header_tells_keys_arguments_and_returns(name: str) -> None:
    header = TEXTS[name].partition("\n--@include")[0]
    assert all(line.startswith(("#!lua", "--")) for line in header.splitlines())
    for part in ("KEYS ", "ARGV ", "Returns "):
        assert re.search(rf"^-- {part}", header, re.MULTILINE), part


def _names(script: str) -> tuple[str, ...]:
    cls = Command.by_script[script]
    return cls.singles + cls.lists


@pytest.mark.parametrize("name", COMMANDS)
def test_arguments_are_those_of_the_command_and_are_read_by_name(name: str) -> None:
    header, _, body = TEXTS[name].partition("\n--@include")
    assert "ARGV" not in body
    told = re.search(r"^-- ARGV +(.*?)(?=^-- Returns)", header, re.MULTILINE | re.DOTALL)
    assert told is not None
    listed = re.sub(r"\([^()]*\)", "", told[1].replace("\n--", " "))
    expected = _names(name)
    assert tuple(listed.replace(" ", "").strip().split(",")) == (expected or ("none",))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_argument_hides_a_name_of_a_shared_part(name: str) -> None:
    included = re.findall(r"^--@include (.*)$", TEXTS[name], re.MULTILINE)
    parts = "\n".join(TEXTS[part.strip()] for line in included for part in line.split(","))
    assert not set(re.findall(r"^local (?:function )?(\w+)", parts, re.MULTILINE)) & set(_names(name))


def test_every_script_has_a_command() -> None:
    assert sorted(Command.by_script) == COMMANDS


def test_an_argument_after_a_list_is_refused() -> None:
    class Wrong(Command):
        several: Sequence[str]
        one: str

    with pytest.raises(TypeError, match="Wrong: lists come last"):
        command("wrong")(Wrong)


@pytest.mark.parametrize("name", COMMANDS)
def test_only_what_a_full_server_may_refuse_can_be_refused(name: str) -> None:
    first = TEXTS[name].splitlines()[0]
    assert (first == "#!lua") == (name in REFUSED_WHEN_FULL)
    assert first in {"#!lua", "#!lua flags=allow-oom", "#!lua flags=no-writes"}


@pytest.mark.parametrize("name", COMMANDS)
def test_includes_are_replaced_and_each_is_used(name: str) -> None:
    text = source(name)
    assert "--@include" not in text
    included = re.findall(r"^--@include (.*)$", TEXTS[name], re.MULTILINE)
    parts = [part.strip() for line in included for part in line.split(",")]
    assert parts[0] == "keyspace"
    assert set(parts) <= set(PARTS)
    body = text.partition(TEXTS[parts[-1]])[2] + "".join(TEXTS[part] for part in parts)
    for part in parts[1:]:
        defined = re.findall(r"^local function (\w+)", TEXTS[part], re.MULTILINE)
        assert any(len(re.findall(rf"\b{function}\(", body)) > 1 for function in defined), part


async def test_servers_compile_them(board: Board) -> None:
    for name in COMMANDS:
        assert await board.redis.script_load(source(name))
