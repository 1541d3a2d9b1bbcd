"""Puts the Lua scripts together: one command a file, with the shared parts it names and names for its arguments."""

from functools import cache
from importlib.resources import files

from shared.redis.command import Command, preamble

_INCLUDE = "--@include "


@cache
def _part(name: str) -> str:
    return files("shared.redis").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


@cache
def source(script: str) -> str:
    """The text of a script. The line ``--@include a, b`` is replaced by those files and by names for the arguments."""
    lines: list[str] = []
    for line in _part(script).splitlines():
        if line.startswith(_INCLUDE):
            lines.extend(_part(name.strip()) for name in line.removeprefix(_INCLUDE).split(","))
            lines.append(preamble(Command.by_script[script]))
        else:
            lines.append(line)
    return "\n".join(lines)
