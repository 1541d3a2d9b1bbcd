"""docs/errors.md explains every problem that the gateway can answer with, and no other."""

import ast
from http import HTTPStatus

import pytest

from gateway.http.errors import TITLES
from tests.architecture.repository import ROOT, nodes, read, rows, under

DOCUMENT = "docs/errors.md"
GATEWAY = ROOT / "services/gateway/src"


def _documented(chapter: str) -> list[tuple[str, str]]:
    """Code and the second column of each row."""
    return [(row[0], row[1]) for row in rows(under(read(DOCUMENT), f"## {chapter}"))]


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
