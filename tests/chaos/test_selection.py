"""The faults that take little time, and two guards without which they turn red. `make chaos` runs all."""

import pytest
from _pytest.mark.structures import ParameterSet

from tests.chaos.driver import run_fault
from tests.chaos.faults import FAULTS
from tests.chaos.mutate import NOTICED_BY
from tests.support.machine.mutants import MUTANTS
from tests.support.servers import server_binaries

SERVER = "valkey9"

pytestmark = pytest.mark.timeout(150)


def _later(*values: int | str) -> list[ParameterSet]:
    """These run from `make ci` on."""
    return [pytest.param(value, marks=pytest.mark.ci) for value in values]


@pytest.mark.parametrize("number", [2, 4, *_later(3, 7, 8, 13, 26)])
async def test_the_invariants_hold(number: int) -> None:
    run = await run_fault(FAULTS[number], (SERVER, server_binaries()[SERVER]), seed=number)
    assert run.violations == [], f"seed {run.seed}, history {run.history}"


@pytest.mark.parametrize("guard", ["terminal", *_later("cancel flag")])
async def test_a_missing_guard_is_noticed(guard: str) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == guard)
    fault = FAULTS[NOTICED_BY[guard]]
    run = await run_fault(fault, (SERVER, server_binaries()[SERVER]), seed=1, guard=mutant, keep_failed=False)
    assert run.violations, f"nobody notices that {guard} is missing"
