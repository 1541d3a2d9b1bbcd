"""Writes the figures as Markdown."""

from collections.abc import Iterator

from tests.benchmarks.line import Book, Check, Entry, shown

_HEAD = """\
# Benchmarks

`make bench` measures this page, its figures (`benchmarks.json`) and its picture (`benchmarks.svg`). Everything runs on
one machine, one line after the other, servers on loopback; figures of different machines cannot be compared, the
ratios can. `make bench ONLY=life,started` measures some lines again and keeps the others, `QUICK=1` takes fewer
repetitions.

![jobs a second of Draftline and the others, and each figure against its bar](benchmarks.svg)
"""


def page(book: Book) -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_table(book), "", *_machine(book), "", *_methods(book)]).rstrip() + "\n"


def rows(entry: Entry) -> list[str]:
    """A row of the table for each check of a line."""
    line = entry.line
    return [
        f"| {f'`{line.name}`' if place == 0 else ''} | {check.what} | {_bar(check)} "
        f"| {_with_unit(check.measured, check)} | {check.verdict} |"
        for place, check in enumerate(line.checks)
    ]


def _table(book: Book) -> Iterator[str]:
    yield "| line | what | bar | measured | |"
    yield "|---|---|---|---|---|"
    for entry in book.entries.values():
        yield from rows(entry)


def _bar(check: Check) -> str:
    if check.bar is None:
        return "none"
    return f"{'≥' if check.at_least else '≤'} {_with_unit(check.bar, check)}"


def _with_unit(number: float, check: Check) -> str:
    return f"{shown(number)} {check.unit}".rstrip()


def _machine(book: Book) -> Iterator[str]:
    yield "## Machine"
    yield ""
    machine = book.machine
    yield (
        f"{machine.get('processor', 'unknown')}, {machine.get('cores', '?')} cores, {machine.get('memory', '?')} of "
        f"memory, {machine.get('kernel', 'unknown')}."
    )
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in book.versions.items()) + "."


def _methods(book: Book) -> Iterator[str]:
    yield "## How each line is measured"
    for name, entry in book.entries.items():
        yield ""
        yield f"### {name}"
        yield ""
        yield f"{entry.line.what}."
        yield ""
        yield entry.line.method
        if entry.line.commands:
            yield ""
            yield "```sh"
            yield from entry.line.commands
            yield "```"
        yield ""
        quick = ", with fewer repetitions (`QUICK=1`)" if entry.quick else ""
        yield f"Measured {entry.at} in {entry.seconds:.0f} s, append-only file: {entry.persistence}{quick}."
