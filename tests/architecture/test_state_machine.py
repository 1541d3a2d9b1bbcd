"""The diagram, the table of allowed moves and the scripts tell of one state machine."""

import ast
import re

from shared.contracts.states import TERMINAL_STATES, TRANSITIONS, JobState
from tests.architecture.repository import LUA, SOURCES, read, rows, trees, under

DOCUMENT = "docs/state-machine.md"
_ARROW = re.compile(r"^\s*(\w+|\[\*\]) --> (\w+|\[\*\])(?:: (.*))?$")


def _arrows() -> list[tuple[str, str, str]]:
    diagram = read(DOCUMENT).partition("```mermaid\nstateDiagram-v2\n")[2].partition("```")[0]
    found = [_ARROW.match(line) for line in diagram.splitlines()]
    assert found
    assert all(found)
    return [(match[1], match[2], match[3] or "") for match in found if match]


def test_diagram_shows_the_allowed_moves() -> None:
    drawn = [(begin, end) for begin, end, _ in _arrows() if "[*]" not in (begin, end)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(begin.value, end.value) for begin, ends in TRANSITIONS.items() for end in ends}


def test_every_state_has_its_moves() -> None:
    assert set(TRANSITIONS) == set(JobState)


def test_diagram_ends_where_jobs_end() -> None:
    assert {begin for begin, end, _ in _arrows() if end == "[*]"} == {state.value for state in TERMINAL_STATES}


def test_diagram_names_scripts_that_exist() -> None:
    named = {name.strip() for *_, label in _arrows() for name in label.split(",") if name.strip()}
    assert named
    assert named - {path.stem for path in LUA.glob("*.lua")} - {"no script"} == set()


def test_every_state_is_explained() -> None:
    table = rows(under(read(DOCUMENT), "## States"))
    assert [row[0] for row in table] == [state.value for state in JobState]
    assert all(row[1] for row in table)


def test_every_state_has_a_docstring() -> None:
    module = next(tree for path, tree in trees(SOURCES) if path.endswith("shared/contracts/states.py"))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == "JobState")
    bare = [
        ast.unparse(member)
        for member, following in zip(body, [*body[1:], None], strict=True)
        if isinstance(member, ast.Assign)
        and not (isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant))
    ]
    assert bare == []
