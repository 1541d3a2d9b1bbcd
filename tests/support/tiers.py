"""The tiers of tests: what `make test`, `make ci` and `make nightly` run, and what each folder of tests may take.

A pytest plugin. With ``--tier`` it leaves out what belongs to a later tier. It starts the long tests first, prints how
many tests of each kind ran and how long they took, and with ``--tier ci`` says which folder is over its budget;
one that took twice as long fails the run.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIERS = ("test", "ci", "nightly")
"""From the fastest to the slowest; each holds the ones before it. A test is of the first unless a marker says more."""
_LONG = ("tests/e2e", "tests/chaos", "tests/integration/cluster", "tests/integration/failover", "tests/unit/export")
FAR_OVER = 2
"""A folder that takes so many times its budget fails the run: less may be the machine's doing."""
_BUDGET = re.compile(r"^\| `(tests/[\w/]+)` \| ([\d,]+) \|", re.MULTILINE)


def budgets() -> dict[str, int]:
    """Seconds that the tests of a folder may take together, from the table in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return {folder: int(seconds.replace(",", "")) for folder, seconds in _BUDGET.findall(text)}


def folder_of(path: str) -> str:
    """The folder under which a test is counted: ``tests/unit``, but ``tests/integration/redis``."""
    parts = path.split("/")
    return "/".join(parts[: 3 if parts[1] == "integration" else 2])


def over_budget(seconds: Mapping[str, float], allowed: Mapping[str, int], times: float = 1) -> list[str]:
    """One line for each folder that took so many times its budget and more, or has none."""
    return [
        f"{folder} took {taken:.0f} s and has a budget of {allowed.get(folder, 0)} s (table in CONTRIBUTING.md)"
        for folder, taken in sorted(seconds.items())
        if taken > times * allowed.get(folder, 0)
    ]


class Durations:
    """What the tests of a run took, by folder: seconds with set-up and tear-down, and how many passed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = folder_of(report.nodeid)
        self._seconds[folder] += report.duration  # type: ignore[assignment]  # a Counter of seconds
        self._passed[folder] += report.when == "call" and report.passed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._over(FAR_OVER) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("tests by kind")
        for folder, seconds in sorted(self._seconds.items()):
            terminalreporter.line(f"{folder:32}{self._passed[folder]:7} passed{seconds:8.0f} s")
        for line in self._over(1):
            terminalreporter.line(line, red=True)

    def _over(self, times: float) -> list[str]:
        tier = self._config.getoption("--tier")
        return over_budget(self._seconds, budgets(), times) if tier == "ci" else []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tier",
        choices=TIERS,
        help="run the tests of this tier and the faster ones, and only those; by default all that are named",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(config), "draftline-durations")


def pytest_xdist_auto_num_workers() -> int:
    """Tests wait more than they compute, so there is one worker more than there are processors."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, 7) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tier = config.getoption("--tier")
    if tier is not None:
        beyond = TIERS[TIERS.index(tier) + 1 :]
        later = [item for item in items if any(map(item.get_closest_marker, beyond))]
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if item not in set(later)]
    # A long test that is started last keeps everybody waiting.
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))
