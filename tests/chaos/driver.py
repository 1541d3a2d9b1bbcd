"""Runs faults, one world each, and tells what became of them."""

import asyncio
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.invariants import Violation
from tests.chaos.registry import Fault, NotAtHandError
from tests.chaos.world import World, new_world
from tests.support.machine.mutants import Mutant

KEPT = Path(__file__).parents[2] / ".draftline" / "chaos"
LONGEST_SECONDS = 170.0


@dataclass(frozen=True, slots=True)
class Run:
    """One fault on one server with one seed."""

    fault: Fault
    server: str
    seed: int
    jobs: int
    seconds: float
    violations: list[Violation] = field(default_factory=list)
    missing: str = ""
    """What the machine lacks for this fault."""
    history: Path | None = None
    """Kept where something was violated."""

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if self.missing:
            return "not at hand"
        broken = {violation.invariant for violation in self.violations}
        return "broken: " + " ".join(sorted(broken)) if broken else "hold"


async def run_fault(
    fault: Fault,
    server: tuple[str, Path],
    seed: int,
    *,
    guard: Mutant | None = None,
    keep: bool = False,
    keep_failed: bool = True,
    old: str = "",
) -> Run:
    """One run, in a world of its own."""
    begun = time.monotonic()
    async with new_world(fault, server, seed, guard, old) as world:
        missing, violations = "", []
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await fault.act(world)
                await world.rest()
                violations = await world.judge()
        except NotAtHandError as lack:
            missing = str(lack)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is a finding, and the others are to run as well
            violations = [*world.broken, Violation("promise", "", "".join(traceback.format_exception(error)[-3:]))]
        history = keep_history(world, fault, server[0]) if keep or (violations and keep_failed) else None
    return Run(fault, server[0], seed, len(world.jobs), time.monotonic() - begun, violations, missing, history)


def keep_history(world: World, fault: Fault, server: str) -> Path:
    """Write the history and the logs of a run where they outlive it."""
    path = KEPT / f"{fault.number:02}-{server}-{world.seed}.jsonl"
    world.history.write(path)
    for process in world.processes:
        target = path.with_suffix("") / process.service.log.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(process.service.log.read_bytes())
    return path


async def run_all(
    faults: Sequence[Fault],
    servers: Sequence[tuple[str, Path]],
    seed: int,
    *,
    runs: int = 1,
    keep: bool = False,
    old: str = "",
) -> list[Run]:
    """Each fault on each server, with a line for each run."""
    done = []
    for server in servers:
        for fault in faults:
            for number in range(runs):
                print(f"{fault.number:>3} {fault.title} on {server[0]} ...", end=" ", flush=True)
                run = await run_fault(fault, server, seed + number, keep=keep, old=old)
                print(f"{run.verdict} ({run.jobs} jobs, {run.seconds:.1f} s)", flush=True)
                tell(run)
                done.append(run)
    return done


def tell(run: Run) -> None:
    """What a run found, and where its history is."""
    if run.missing:
        print(f"      {run.missing}")
    for violation in run.violations[:12]:
        print(f"      {violation}")
    if len(run.violations) > 12:
        print(f"      and {len(run.violations) - 12} more")
    if run.history is not None:
        print(f"      history: {run.history}", flush=True)


def table(runs: Sequence[Run]) -> str:
    """All runs, a line for each fault and server."""
    lines = [f"{'':>3}  {'fault':<58} {'server':<8} {'runs':>4} {'jobs':>5} {'s':>6}  {'seed':>6}  invariants"]
    for key in dict.fromkeys((run.fault.number, run.server) for run in runs):
        same = [run for run in runs if (run.fault.number, run.server) == key]
        first = same[0]
        verdict = next((run.verdict for run in same if run.verdict != "hold"), "hold")
        relaxed = f"; given up: {first.fault.relaxes}" if first.fault.relaxes else ""
        lines.append(
            f"{first.fault.number:>3}  {first.fault.title:<58.58} {first.server:<8} {len(same):>4} "
            f"{sum(run.jobs for run in same):>5} {sum(run.seconds for run in same):>6.1f}  {first.seed:>6}  "
            f"{verdict}{relaxed}"
        )
    return "\n".join(lines)
