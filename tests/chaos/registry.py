"""The faults by number, and how each is to be run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.world import World

Act = Callable[["World"], Awaitable[None]]


class NotAtHandError(Exception):
    """The machine lacks what the fault needs; says what."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong, and the world it goes wrong in."""

    number: int
    title: str
    act: Act
    server_options: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    """Environment of all services."""
    relaxes: str = ""
    """What is documented to be lost, for the table."""
    own_servers: bool = False
    """Whether the fault starts its servers itself."""


FAULTS: dict[int, Fault] = {}


def fault(
    number: int,
    title: str,
    *,
    server_options: tuple[str, ...] = (),
    settings: dict[str, str] | None = None,
    relaxes: str = "",
    own_servers: bool = False,
) -> Callable[[Act], Act]:
    """Registers a fault."""

    def register(act: Act) -> Act:
        assert number not in FAULTS, f"two faults have the number {number}"
        FAULTS[number] = Fault(number, title, act, server_options, settings or {}, relaxes, own_servers=own_servers)
        return act

    return register
