"""docs/errors.md explains every code that the code can give, and no other."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from gateway.errors import TITLES
from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from tests.architecture.repository import LUA, ROOT, SOURCES, nodes, read, rows, trees, under

DOCUMENT = "docs/errors.md"
GATEWAY = ROOT / "services/gateway/src"
JOB_ERRORS = {
    error.__name__: "yes" if error.retryable else "no" for error in (DraftlineError, PermanentError, TransientError)
}
_IN_LUA = re.compile(r"code = '(\w+)'.*?retryable = (true|false)", re.DOTALL)


def _documented(chapter: str) -> list[tuple[str, str]]:
    """Code and the second column of each row."""
    return [(row[0], row[1]) for row in rows(under(read(DOCUMENT), f"## {chapter}"))]


def _functions() -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for _, module in trees(SOURCES):
        yield from (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _texts(value: ast.expr | None, function: ast.AST) -> set[str]:
    """The constants a code may be: given at the call, or assigned to a name in the same function."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return {value.value}
    if isinstance(value, ast.Name):
        assigned = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == value.id for target in node.targets)
        ]
        return {text for given in assigned if not isinstance(given, ast.Name) for text in _texts(given, function)}
    return set()


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _job_errors() -> set[tuple[str, str]]:
    """Code and whether it is retryable, of every error that is built."""
    found: set[tuple[str, str]] = set()
    for function in _functions():
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            if call.func.id in JOB_ERRORS and call.args:
                found |= {(code, JOB_ERRORS[call.func.id]) for code in _texts(call.args[0], function)}
            if call.func.id == "JobError":
                again = _keyword(call, "retryable")
                retryable = "yes" if isinstance(again, ast.Constant) and again.value else "no"
                found |= {(code, retryable) for code in _texts(_keyword(call, "code"), function)}
    for script in LUA.glob("*.lua"):
        found |= {(code, "yes" if again == "true" else "no") for code, again in _IN_LUA.findall(script.read_text())}
    return found


def test_every_job_error_is_documented() -> None:
    documented = _documented("Job errors")
    assert len(documented) == len(set(documented))
    assert set(documented) == _job_errors()


def test_every_problem_is_documented() -> None:
    documented = [code for code, _ in _documented("Problems")]
    assert len(documented) == len(set(documented))
    assert set(documented) == set(TITLES)


def _problems() -> set[tuple[str, str]]:
    """Code and status of the problems that are built with both written out."""
    found = set()
    for _, _, node in nodes((GATEWAY,)):
        match node:
            case ast.Call(
                func=ast.Name(id="ProblemError"), args=[ast.Constant(value=status), ast.Constant(value=code), *_]
            ):
                found.add((str(code), str(status)))
    return found


def test_problems_have_the_documented_status() -> None:
    built = _problems()
    assert len(built) > 10
    assert built <= set(_documented("Problems"))


@pytest.mark.parametrize(("code", "status"), _documented("Problems"))
def test_a_documented_status_is_one(code: str, status: str) -> None:
    assert code in TITLES
    assert status == "4xx" or HTTPStatus(int(status)) >= HTTPStatus.BAD_REQUEST
