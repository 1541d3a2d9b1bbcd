"""Calls of Lua scripts by named arguments.

Each script has a ``Command``, a dataclass in ``commands.py``. Its fields, in their order, are the arguments of
the script: ``preamble`` makes a local variable of each, so that no script reads a position of ARGV.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform, get_origin, get_type_hints

_Defined = TypeVar("_Defined", bound="type[Command]")
_LISTS = """\
local argument = {at}
local function next_list()
  local first, count = argument + 1, tonumber(ARGV[argument])
  argument = first + count
  if count <= 1000 then
    return {{unpack(ARGV, first, first + count - 1)}} -- the fast way, for what fits on the stack of Lua
  end
  local list = {{}}
  for i = 1, count do
    list[i] = ARGV[first + i - 1]
  end
  return list
end"""


class Command:
    """The arguments of one script.

    A script receives strings: of None and False an empty one, of True ``1``. A list of a command is a list in Lua, a
    mapping is a list of names and values in turn; both come after the single values.
    """

    __slots__ = ()
    script: ClassVar[str] = ""
    """Name of the Lua file."""
    singles: ClassVar[tuple[str, ...]] = ()
    """Names of the arguments that are one value each, in their order."""
    lists: ClassVar[tuple[str, ...]] = ()
    """Names of those that are lists or mappings; they come after the others."""
    by_script: ClassVar[dict[str, "type[Command]"]] = {}

    def arguments(self) -> list[Any]:
        """ARGV as the preamble reads it."""
        values = [getattr(self, name) for name in self.singles]
        found: list[Any] = [
            "" if value is None or value is False else 1 if value is True else value for value in values
        ]
        for name in self.lists:
            items = getattr(self, name)
            parts = [part for item in items.items() for part in item] if isinstance(items, Mapping) else items
            found.append(len(parts))
            found += parts
        return found


@dataclass_transform(kw_only_default=True)
def command(script: str) -> Any:
    """Make a class the command of a script. Raises TypeError where a single value comes after a list."""

    def define(cls: _Defined) -> _Defined:
        # Not frozen, which would make each call a microsecond slower: a command lives for one call.
        made: Any = dataclass(slots=True, kw_only=True, eq=False)(cls)
        hints, names = get_type_hints(made), [field.name for field in fields(made)]
        made.script = script
        made.lists = tuple(name for name in names if get_origin(hints[name]) in {Sequence, Mapping})
        made.singles = tuple(names[: len(names) - len(made.lists)])
        if set(made.singles) & set(made.lists):
            msg = f"{cls.__name__}: lists come last"
            raise TypeError(msg)
        Command.by_script[script] = made
        return cast("_Defined", made)

    return define


def preamble(cls: type[Command]) -> str:
    """Lua that names the arguments of a script."""
    lines = [f"local {name} = ARGV[{place}]" for place, name in enumerate(cls.singles, 1)]
    if cls.lists:
        lines.append(_LISTS.format(at=len(cls.singles) + 1))
        lines += [f"local {name} = next_list()" for name in cls.lists]
    return "\n".join(lines)
