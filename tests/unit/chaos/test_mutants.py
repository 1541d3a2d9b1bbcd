"""The guards that a fault has to miss are there to be taken out."""

import pytest

from tests.chaos.mutate import NOTICED_BY
from tests.chaos.world import LUA
from tests.support.machine.mutants import MUTANTS

COMMANDS = [path.stem for path in LUA.glob("*.lua") if path.read_text().startswith("#!lua")]


@pytest.mark.parametrize("guard", NOTICED_BY)
def test_a_guard_is_in_some_script(guard: str) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == guard)
    assert any(mutant.touches(command) for command in COMMANDS)
