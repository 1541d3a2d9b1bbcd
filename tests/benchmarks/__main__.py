"""``python -m tests.benchmarks``: measures the lines, one after the other, and writes docs/benchmarks.*."""

import argparse
import asyncio
import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.benchmarks import book
from tests.benchmarks.line import FSYNC, Entry, Options
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.page import rows
from tests.benchmarks.registry import LINES

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure, and write after each line, so that an interruption loses no more than the one under way."""
    arguments = _arguments()
    _allow_many_files()
    options = Options(ROOT, quick=arguments.quick, persistence=arguments.persistence, say=_say)
    uvloop.run(_measure(options, arguments.only or list(LINES), arguments.to))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", type=_names, metavar="NAME,...", help=f"of {', '.join(LINES)}")
    parser.add_argument("--quick", action="store_true", help="fewer jobs, fewer repetitions")
    parser.add_argument("--persistence", choices=FSYNC, default="everysec", help="appendfsync of the server")
    parser.add_argument("--to", type=Path, default=ROOT / "docs", metavar="FOLDER", help="where to write")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := set(names) - set(LINES):
        message = f"no such line: {', '.join(sorted(unknown))}"
        raise argparse.ArgumentTypeError(message)
    return names


def _allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(words: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", flush=True)


async def _measure(options: Options, names: Sequence[str], folder: Path) -> None:
    options.data.mkdir(parents=True, exist_ok=True)
    found = replace(await asyncio.to_thread(book.read, folder), machine=machine(), versions=versions())
    for name in names:
        options.say(f"{name}: begins")
        begun = time.perf_counter()
        line = await LINES[name](options)
        entry = Entry(
            line,
            at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            seconds=time.perf_counter() - begun,
            persistence=options.persistence,
            quick=options.quick,
        )
        entries = {**found.entries, name: entry}
        found = replace(found, entries={known: entries[known] for known in LINES if known in entries})
        await asyncio.to_thread(book.write, folder, found)
        options.say(f"{name}: {'met' if line.met else 'missed'} after {entry.seconds:.0f} s")
    print("\n".join(row for entry in found.entries.values() for row in rows(entry)))


if __name__ == "__main__":
    main()
