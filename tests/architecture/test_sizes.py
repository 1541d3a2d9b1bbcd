"""What fits on a screen can be read at once."""

import ast

from tests.architecture.repository import EVERYTHING, LUA, nodes, python_files, relative

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 40
MAX_LUA_LINES = 120


def test_python_files_are_short() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in python_files(EVERYTHING)}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{path}:{line} {node.name}": _lines(node)
        for path, line, node in nodes(EVERYTHING)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(lengths) > 100
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_lua_files_are_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in LUA.glob("*.lua")}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LUA_LINES} == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From ``def`` to the last line, without the docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = _span(first) if documented else 0
    return _span(function) - docstring


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
