"""The real scripts against the model of the state machine, driven by hypothesis."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pydantic import SecretStr

from shared.redis import runner as script_runner
from shared.redis.client import connections
from shared.redis.failures import REFUSED
from shared.settings import RedisSettings
from tests.architecture.repository import read
from tests.integration.redis.test_lua_files import COMMANDS
from tests.support.machine.moves import MOVES, NOWHERE
from tests.support.machine.mutants import MUTANTS, Mutant
from tests.support.machine.rules import StateMachine
from tests.support.machine.walks import WALKS
from tests.support.machine.world import World
from tests.support.servers import Server

EXAMPLES = 100
"""Always the same ones, unless another number is asked for."""
MACHINE = settings(
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
FIRST_FAILURE = settings(MACHINE, max_examples=10 * EXAMPLES, phases=[Phase.generate], report_multiple_bugs=False)
_ARROW = re.compile(r"^ +(\S+) --> (\S+): (.*)$", re.MULTILINE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A run of many examples may take its time."""
    if "examples" in metafunc.fixturenames:
        asked = metafunc.config.getoption("--state-machine-examples")
        drawn = settings(MACHINE, max_examples=EXAMPLES)
        if asked is not None:
            drawn = settings(MACHINE, max_examples=asked, derandomize=False, print_blob=True)
        in_time = pytest.mark.timeout(120 + 2 * drawn.max_examples)
        metafunc.parametrize("examples", [pytest.param(drawn, marks=in_time, id=str(drawn.max_examples))])


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        opened = connections(RedisSettings(url=SecretStr(server.url)))
        yield World(runner, runner.run(opened.__aenter__()))
        runner.run(opened.__aexit__(None, None, None))


def _machine(on: World) -> type[StateMachine]:
    class OnWorld(StateMachine):
        world = on

    return OnWorld


def test_scripts_keep_to_the_model(world: World, examples: settings) -> None:
    run_state_machine_as_test(_machine(world), settings=examples)
    assert world.moves <= MOVES.keys()


def test_walks_make_every_move_of_the_diagram(world: World) -> None:
    for walk in WALKS:
        machine = _machine(world)()
        walk(machine)
        machine.agrees()
        machine.drain()
    drawn = {
        (begin, end, script.strip())
        for begin, end, label in _ARROW.findall(read("docs/state-machine.md"))
        for script in label.split(",")
        if script.strip() != "no script"
    }
    # The diagram draws no arrow where a record is forgotten: a purge ends no run.
    assert {move for move in world.moves if move[1] != NOWHERE} == drawn
    assert world.moves == MOVES.keys()


@pytest.mark.ci
@pytest.mark.one_server
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_scripts_without_a_guard_are_noticed(world: World, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(map(mutant.touches, COMMANDS))
    # A mutant is another script: there is no other way in, and production is to have none.
    monkeypatch.setattr(script_runner, "source", mutant.source)
    with pytest.raises((AssertionError, REFUSED)):
        run_state_machine_as_test(_machine(world), settings=FIRST_FAILURE)
