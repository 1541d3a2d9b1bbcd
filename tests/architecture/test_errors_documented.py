"""Errors are classes, and docs/errors.md explains each of them and no other."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from gateway.http.problems import HttpError, ProblemError
from shared.contracts.document import DegradationCode
from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from tests.architecture.repository import LUA, ROOT, SOURCES, nodes, read
from tests.support.error_tables import JOB_ERRORS, PROBLEMS, Table

_IN_LUA = re.compile(r"'code', '(\w+)'.*?'retryable', (true|false)", re.DOTALL)
_ABSTRACT = {group.__name__ for table in (JOB_ERRORS, PROBLEMS) for group in table.groups}
GATEWAY = (ROOT / "services/gateway/src",)
_PROBLEM_NAMES = {error.__name__ for error in PROBLEMS.errors()}
_BY_HAND = ["services/gateway/src/gateway/http/errors.py", "services/gateway/src/gateway/http/problems.py"]
"""The first makes problems of the framework's errors; in the second ``http_error`` takes over the status of one."""
_WIRE = "shared/src/shared/contracts/errors.py"
"""Alone turns an error into the JobError that is stored."""


def _retryable() -> dict[str, bool]:
    """Whether each code is retryable."""
    return {error.code: error.retryable for error in JOB_ERRORS.errors()}


def _of_scripts(script: str) -> set[tuple[str, bool]]:
    """The errors a script writes: code, and whether it is retryable."""
    return {(code, again == "true") for code, again in _IN_LUA.findall(script)}


def _name(node: ast.AST | None) -> str:
    """Of a class as it is raised or called, with its module or without."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) | ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _without_code(node: ast.AST) -> bool:
    """Whether an error is built or raised of which only the group is known."""
    raised = node.exc if isinstance(node, ast.Raise) else node if isinstance(node, ast.Call) else None
    return _name(raised) in _ABSTRACT


def _compared(node: ast.AST) -> Iterator[str]:
    """Texts with which an attribute ``code`` is compared."""
    match node:
        case ast.Compare(left=left, comparators=others) if _is_code(left) or any(map(_is_code, others)):
            parts: list[ast.AST] = [left, *others]
        case ast.Match(subject=subject, cases=cases) if _is_code(subject):
            parts = [case.pattern for case in cases]
        case _:
            return
    for part in parts:
        yield from (
            each.value for each in ast.walk(part) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )


def _is_code(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "code"


def _given_by_hand(node: ast.AST) -> bool:
    """Whether a problem gets a status or a code elsewhere than in its class, or the framework's error goes round it."""
    match node:
        case ast.Assign(targets=targets):
            return any(map(_is_of_a_problem, targets))
        case ast.AnnAssign(target=target, value=ast.expr()) | ast.AugAssign(target=target):
            return _is_of_a_problem(target)
        case ast.Call(func=ast.Name(id="setattr")):
            return True
        case ast.Call(keywords=keywords):
            literal = {word.arg: word.value.value for word in keywords if isinstance(word.value, ast.Constant)}
            status = literal.get("status_code")
            bare = isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST
            ours = _name(node) in _PROBLEM_NAMES and not literal.keys().isdisjoint({"status", "code"})
            return bare or ours or _name(node) == "HTTPException"
        case ast.ImportFrom(names=names):
            return "HTTPException" in {alias.name for alias in names}
        case ast.Raise(exc=ast.Name() | ast.Attribute() as raised):
            return _name(raised) == "HTTPException"
        case _:
            return False


def _is_of_a_problem(target: ast.AST) -> bool:
    return isinstance(target, ast.Attribute) and target.attr in {"status", "code"}


@pytest.mark.parametrize("table", [PROBLEMS, JOB_ERRORS], ids=lambda table: table.name)
def test_the_table_is_made_from_the_classes(table: Table) -> None:
    assert table.documented(read("docs/errors.md")) == table.markdown(), "run make docs"


def test_scripts_write_errors_that_have_a_class() -> None:
    written = {error for script in LUA.glob("*.lua") for error in _of_scripts(script.read_text(encoding="utf-8"))}
    assert written
    assert written <= set(_retryable().items())


def test_a_new_error_of_a_script_is_noticed() -> None:
    assert _of_scripts("object('code', 'unheard_of',\n 'message', 'x', 'retryable', true)") == {("unheard_of", True)}


def test_errors_are_raised_as_the_class_that_has_the_code() -> None:
    assert [f"{path}:{line}" for path, line, node in nodes(SOURCES) if _without_code(node)] == []


def test_status_and_code_of_a_problem_stand_in_its_class_alone() -> None:
    found = [f"{path}:{line}" for path, line, node in nodes(GATEWAY) if _given_by_hand(node)]
    assert [place.partition(":")[0] for place in found] == _BY_HAND, found


@pytest.mark.parametrize(
    "statement",
    [
        "error.status = 409",
        "error.code: str = 'gone'",
        "setattr(error, name, 'gone')",
        "raise HTTPException(404)",
        "from starlette.exceptions import HTTPException as Renamed",
        "Response(status_code=404)",
        "raise exceptions.HTTPException",
        "HttpError('x', status=418)",
        "problems.JobNotFoundError('x', code='gone')",
    ],
)
def test_a_status_or_code_given_by_hand_is_found(statement: str) -> None:
    assert any(map(_given_by_hand, ast.walk(ast.parse(statement))))


@pytest.mark.parametrize(
    "statement",
    ["HttpError('x', status=status)", "status = 409", "Refusal(status=error.status)", "Response(status_code=304)"],
)
def test_a_status_that_is_data_is_left_alone(statement: str) -> None:
    assert not any(map(_given_by_hand, ast.walk(ast.parse(statement))))


def test_stored_errors_come_from_a_class() -> None:
    built = {path for path, _, node in nodes(SOURCES) if isinstance(node, ast.Call) and _name(node) == "JobError"}
    assert built == {_WIRE}


def test_no_code_is_compared_with_a_text() -> None:
    codes = {*_retryable(), *ProblemError.by_code, *DegradationCode}
    found = [
        f"{path}:{line}: {text}" for path, line, node in nodes(SOURCES) for text in _compared(node) if text in codes
    ]
    assert found == []


@pytest.mark.parametrize(
    "statement",
    [
        "error.code == 'work_lost'",
        "'work_lost' != error.code",
        "error.code in ('budget_exceeded', 'work_lost')",
        "match error.code:\n    case 'a' | 'work_lost': pass",
    ],
)
def test_comparisons_are_found(statement: str) -> None:
    assert "work_lost" in [text for node in ast.walk(ast.parse(statement)) for text in _compared(node)]


@pytest.mark.parametrize(
    "statement",
    ["raise PermanentError", "raise errors.TransientError('x')", "DraftlineError('x')", "raise ProblemError('x')"],
)
def test_errors_without_a_code_are_found(statement: str) -> None:
    assert any(map(_without_code, ast.walk(ast.parse(statement))))


class BareError(PermanentError):
    pass


class HiveLostError(TransientError):
    code = "hive_lost"
    meaning = "The hive is gone"
    advice = "Look for it"


class InheritingError(HiveLostError):
    code = "inheriting"


class BrokenError(HiveLostError):
    code = "broken"
    meaning = "One | two"
    advice = "None"


class HiveGoneError(HiveLostError):
    code = "hive_lost"
    meaning = "The hive is gone"
    advice = "Look for it"


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([HiveLostError], []),
        ([BareError], ["BareError has no code", "BareError has no meaning", "BareError has no advice"]),
        ([InheritingError], ["InheritingError has no meaning", "InheritingError has no advice"]),
        ([BrokenError], ["BrokenError.meaning breaks its cell"]),
        (
            [HiveLostError, HiveGoneError],
            [
                "HiveGoneError has the code of HiveLostError",
                "HiveLostError and HiveGoneError share the code hive_lost",
            ],
        ),
    ],
)
def test_a_class_that_cannot_be_documented_is_noticed(errors: list[type[DraftlineError]], expected: list[str]) -> None:
    assert JOB_ERRORS.faults(errors) == expected


def test_classes_of_tests_are_left_out() -> None:
    assert HiveLostError not in JOB_ERRORS.errors()


def test_problems_have_a_status_of_errors() -> None:
    statuses = {error.code: error.status for error in PROBLEMS.errors() if error is not HttpError}
    assert len(statuses) > 30
    assert all(HTTPStatus(status) >= HTTPStatus.BAD_REQUEST for status in statuses.values())
