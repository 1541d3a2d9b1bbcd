"""What a benchmark gives: lines, each with figures and the bars they are held against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

FSYNC = ("everysec", "always", "no", "off")
"""Persistence of the server; ``off``: no append-only file at all."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure."""

    root: Path
    quick: bool = False
    persistence: str = "everysec"
    say: Callable[[str], None] = print

    @property
    def server(self) -> tuple[str, ...]:
        """Options of the server, the same for everyone who is measured."""
        if self.persistence == "off":
            return ()
        return ("--appendonly", "yes", "--appendfsync", self.persistence)

    @property
    def data(self) -> Path:
        """Where the peers' environments and the logs lie; git ignores it."""
        return self.root / ".draftline" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Check:
    """One figure and its bar; without a bar it is only told."""

    what: str
    measured: float
    bar: float | None
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        return self.measured >= self.bar if self.at_least else self.measured <= self.bar

    @property
    def verdict(self) -> str:
        """Met or missed, and by how much."""
        if self.bar is None:
            return ""
        word = "met" if self.met else "**missed**"
        if self.bar == 0:
            return word if self.met else f"{word} by {shown(self.measured)}"
        return f"{word} by {abs(self.measured / self.bar - 1):.0%}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar of the picture's comparison."""

    label: str
    value: float
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """What one benchmark found. ``figures`` holds everything raw that the checks were computed from."""

    name: str
    what: str
    method: str
    checks: list[Check]
    figures: Mapping[str, JsonValue]
    commands: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether every bar is met."""
        return all(check.met is not False for check in self.checks)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line and how it came about."""

    line: Line
    at: str
    seconds: float
    persistence: str
    quick: bool


@dataclass(frozen=True, slots=True)
class Book:
    """Everything there is to tell: the last figures of each line."""

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)


def shown(number: float) -> str:
    """A figure with as many digits as it deserves."""
    if number == round(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
