"""Each folder of tests has a time budget, and a run that is over it says so."""

from tests.architecture.repository import ROOT
from tests.support.tiers import budgets, folder_of, over_budget


def test_every_folder_of_tests_has_a_budget() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    assert set(budgets()) == set(map(folder_of, files))


def test_a_folder_over_its_budget_is_told() -> None:
    taken = {"tests/e2e": 10.0, "tests/unit": 9.9, "tests/new": 0.1}
    told = over_budget(taken, {"tests/e2e": 9, "tests/unit": 10})
    assert [line.split()[0] for line in told] == ["tests/e2e", "tests/new"]
    assert "10 s and has a budget of 9 s" in told[0]
    assert [line.split()[0] for line in over_budget(taken, {"tests/e2e": 4, "tests/unit": 5, "tests/new": 1}, 2)] == [
        "tests/e2e"
    ]
