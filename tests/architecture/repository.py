"""The repository as the architecture tests read it: its files, its syntax trees, its Markdown tables."""

import ast
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = tuple(
    ROOT / name
    for name in ("shared/src", "services/gateway/src", "services/outline_worker/src", "services/document_worker/src")
)
SHIPPED = (*SOURCES, ROOT / "deploy")
EVERYTHING = (*SHIPPED, ROOT / "tests")
LUA = ROOT / "shared/src/shared/redis/lua"


def read(name: str) -> str:
    """A file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def repository_files() -> Iterator[Path]:
    """Every file that git would not ignore, committed or not. Without git, so that a source archive passes too."""
    ignored = [".git", *(line.strip("/") for line in read(".gitignore").split())]
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored)]
        yield from (Path(folder, name) for name in files if not any(fnmatch(name, pattern) for pattern in ignored))


def python_files(folders: tuple[Path, ...]) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def trees(folders: tuple[Path, ...]) -> Iterator[tuple[str, ast.Module]]:
    """Each module's path and syntax."""
    for path in python_files(folders):
        yield relative(path), tree(path)


def nodes(folders: tuple[Path, ...]) -> Iterator[tuple[str, int, ast.AST]]:
    """Every node of every module, with its path and line."""
    for path, module in trees(folders):
        for node in ast.walk(module):
            yield path, getattr(node, "lineno", 0), node


def imported(module: ast.Module) -> set[str]:
    """Top-level names of the packages a module imports."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def taken_from(node: ast.AST, module: str) -> set[str]:
    """What a node takes out of a module: ``module.name`` or ``from module import name``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module:
        return {node.attr}
    if isinstance(node, ast.ImportFrom) and node.module == module:
        return {alias.name for alias in node.names}
    return set()


def under(text: str, heading: str) -> str:
    """What stands under a Markdown heading, given with its hashes, up to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    lines = text.splitlines()
    start = lines.index(heading) + 1
    end = start
    while end < len(lines) and not (lines[end].startswith("#") and lines[end].split(" ")[0].count("#") <= level):
        end += 1
    return "\n".join(lines[start:end])


def rows(text: str) -> list[list[str]]:
    """The cells of the Markdown tables in a text, without their heads; code marks are taken off."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if set("".join(cells)) <= set("-: "):
            found.pop()
        else:
            found.append([cell.replace("`", "") for cell in cells])
    return found
