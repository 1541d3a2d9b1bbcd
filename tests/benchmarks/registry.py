"""The lines there are, in the order they are measured."""

from collections.abc import Awaitable, Callable

from tests.benchmarks.crash import measure as crash
from tests.benchmarks.idle import measure as idle
from tests.benchmarks.leftovers import measure as leftovers
from tests.benchmarks.life import measure as life
from tests.benchmarks.line import Line, Options
from tests.benchmarks.memory import measure as memory
from tests.benchmarks.overhead import measure as overhead
from tests.benchmarks.sections import measure as sections
from tests.benchmarks.started import measure as started
from tests.benchmarks.telemetry import measure as telemetry
from tests.benchmarks.watchers import measure as watchers

Measure = Callable[[Options], Awaitable[Line]]

LINES: dict[str, Measure] = {
    "life": life,
    "started": started,
    "overhead": overhead,
    "sections": sections,
    "watchers": watchers,
    "idle": idle,
    "memory": memory,
    "crash": crash,
    "leftovers": leftovers,
    "telemetry": telemetry,
}
