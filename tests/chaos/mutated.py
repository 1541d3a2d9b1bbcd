"""``python -m tests.chaos.mutated <guard> <module>``: a service whose scripts lack one of their guards."""

import runpy
import sys

from shared.redis import lua_source, runner
from tests.support.machine.mutants import MUTANTS


def main() -> None:
    """Change the scripts, then run the service as if it had been started itself."""
    _, guard, module = sys.argv
    mutant = next(mutant for mutant in MUTANTS if mutant.name == guard)
    lua_source.source, runner.source = mutant.source, mutant.source  # type: ignore[assignment, attr-defined]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
