"""Whether the faults can fail at all: each guard of the scripts is taken out in turn, and some fault has to notice."""

from collections.abc import Sequence
from pathlib import Path

from tests.chaos.driver import Run, run_fault
from tests.chaos.faults import FAULTS
from tests.support.machine.mutants import MUTANTS, Mutant

NOTICED_BY = {
    "fence": 3,
    "terminal": 2,
    "cancel flag": 21,
    "checkpoints": 3,
    "entry": 13,
    "planner's fence": 26,
    "planner's entry": 26,
    "compare and set": 27,
}
"""Guard to the number of the fault that has to turn red without it."""


async def run_mutants(guards: Sequence[str], server: tuple[str, Path], seed: int) -> list[tuple[Mutant, Run]]:
    """Each mutant under its fault, with a line for each."""
    done = []
    for mutant in (mutant for mutant in MUTANTS if mutant.name in guards):
        fault = FAULTS[NOTICED_BY[mutant.name]]
        print(f"without {mutant.name}: {fault.number} {fault.title} on {server[0]} ...", end=" ", flush=True)
        run = await run_fault(fault, server, seed, guard=mutant, keep_failed=False)
        print(f"{run.verdict} ({run.seconds:.1f} s)", flush=True)
        for violation in run.violations[:3]:
            print(f"      {violation}", flush=True)
        done.append((mutant, run))
    return done


def survived(run: Run) -> bool:
    """Whether nobody noticed."""
    return not run.violations


def mutation_table(done: Sequence[tuple[Mutant, Run]]) -> str:
    """Guard, and who noticed that it was gone."""
    lines = [f"{'guard left out':<16} {'fault that noticed':<66} {'server':<8} by what"]
    for mutant, run in done:
        noticed = "NOBODY" if survived(run) else f"{run.fault.number} {run.fault.title}"
        what = sorted({violation.invariant for violation in run.violations})
        lines.append(f"{mutant.name:<16} {noticed:<66.66} {run.server:<8} {' '.join(what)}")
    return "\n".join(lines)
