"""Tests replace parts of our own code only where no argument reaches them, and say why."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("shared", "gateway", "outline_worker", "document_worker", "deploy")
MOST = 10


def _imported(tree: ast.Module) -> set[str]:
    """Names of a module that stand for something of ours."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name for alias in node.names if alias.name.partition(".")[0] in OURS}
    return found


def _patches(text: str) -> Iterator[int]:
    """Lines that replace something of ours."""
    tree = ast.parse(text)
    ours = _imported(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr not in {"setattr", "object"}:
            continue
        match node.args[0]:
            case ast.Name(id=name) if name in ours:
                yield node.lineno
            case ast.Constant(value=str(name)) if name.partition(".")[0] in OURS:
                yield node.lineno


def test_few_patches_of_our_own_code_each_with_its_reason() -> None:
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for number in _patches(text):
            found.append(f"{path.relative_to(ROOT)}:{number}")
            assert lines[number - 2].lstrip().startswith("#"), f"{found[-1]} gives no reason above it"
    assert len(found) <= MOST, found


def test_patches_are_seen() -> None:
    by_name = "from gateway import x\nimport os\nm.setattr(x, 'A', 1)\nm.setattr(os, 'B', 2)\n"
    assert list(_patches(by_name)) == [3]
    assert list(_patches("m.setattr('shared.search.A', 1)\npatch.object(y, 'A')\n")) == [1]
