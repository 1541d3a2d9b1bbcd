"""``python -m tests.chaos``: faults against real processes; exits with 1 where a promise was not kept."""

import argparse
import asyncio
import random
import sys
from pathlib import Path

from tests.chaos.driver import run_all, table, tell
from tests.chaos.faults import FAULTS
from tests.chaos.long import Plan, run_long
from tests.chaos.mutate import NOTICED_BY, mutation_table, run_mutants, survived
from tests.support.servers import server_binaries


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--faults", default="", help="numbers, separated by commas; all by default")
    parser.add_argument("--server", default="valkey9", help="valkey9 (default), redis7, redis8, or all at hand")
    parser.add_argument("--seed", type=int, help="the same seed, the same jobs and choices; random by default")
    parser.add_argument("--runs", type=int, default=1, help="of each fault, with seeds that follow each other")
    parser.add_argument("--keep", action="store_true", help="keep the histories of good runs too")
    parser.add_argument("--long", action="store_true", help="everything at random, see --jobs and --minutes")
    parser.add_argument("--jobs", type=int, default=1_000, help="of a long run")
    parser.add_argument("--minutes", type=float, default=10, help="of a long run, until all is submitted")
    parser.add_argument("--mutate", action="store_true", help="take out the guards of the scripts, one at a time")
    parser.add_argument("--old", default="", help="the commit whose services fault 23 runs beside the present ones")
    return parser.parse_args()


def _servers(asked: str) -> list[tuple[str, Path]]:
    at_hand = server_binaries()
    if asked == "all":
        return list(at_hand.items())
    if asked not in at_hand:
        sys.exit(f"server {asked} is not at hand; these are: {', '.join(at_hand)}")
    return [(asked, at_hand[asked])]


def main() -> int:
    """The exit status."""
    options = _options()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    servers = _servers(options.server)
    if options.mutate:
        return _mutate(servers, seed)
    if options.long:
        return _long(servers, seed, Plan(options.jobs, options.minutes))
    numbers = [int(number) for number in options.faults.split(",") if number] or sorted(FAULTS)
    if unknown := set(numbers) - set(FAULTS):
        sys.exit(f"no faults {sorted(unknown)}; these are: {sorted(FAULTS)}")
    faults = [FAULTS[number] for number in numbers]
    done = asyncio.run(run_all(faults, servers, seed, runs=options.runs, keep=options.keep, old=options.old))
    print(f"\n{table(done)}")
    return 1 if any(run.violations for run in done) else 0


def _long(servers: list[tuple[str, Path]], seed: int, plan: Plan) -> int:
    done = []
    for server in servers:
        print(f"{plan.jobs} jobs in {plan.minutes} minutes on {server[0]}", flush=True)
        done.append(asyncio.run(run_long(server, seed, plan)))
        tell(done[-1])
    print(f"\n{table(done)}")
    return 1 if any(run.violations for run in done) else 0


def _mutate(servers: list[tuple[str, Path]], seed: int) -> int:
    done = [each for server in servers for each in asyncio.run(run_mutants(list(NOTICED_BY), server, seed))]
    print(f"\n{mutation_table(done)}")
    return 1 if any(survived(run) for _, run in done) else 0


if __name__ == "__main__":
    sys.exit(main())
