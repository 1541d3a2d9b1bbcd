"""Puts the Lua scripts together: one command a file, with the shared parts it names."""

from functools import cache
from importlib.resources import files

_INCLUDE = "--@include "


@cache
def _part(name: str) -> str:
    return files("shared.redis").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


@cache
def source(command: str) -> str:
    """The text of a command's script; ``--@include a, b`` lines are replaced by those files."""
    lines: list[str] = []
    for line in _part(command).splitlines():
        if line.startswith(_INCLUDE):
            lines.extend(_part(name.strip()) for name in line.removeprefix(_INCLUDE).split(","))
        else:
            lines.append(line)
    return "\n".join(lines)
