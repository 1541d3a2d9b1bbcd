"""Where things lie, and what may stand where."""

import ast

from tests.architecture.repository import (
    EVERYTHING,
    LUA,
    ROOT,
    SHIPPED,
    SOURCES,
    imported,
    nodes,
    python_files,
    relative,
    repository_files,
    taken_from,
    trees,
)

TOP_LEVEL = {
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", "docker-compose.yml",
    "pyproject.toml", ".env.example", ".gitignore", ".dockerignore", ".ci", "requirements", "docs", "shared",
    "services", "tests", "deploy",
}  # fmt: skip
NEEDED = {
    "Makefile",
    "docker-compose.yml",
    "pyproject.toml",
    "requirements",
    "docs",
    "shared",
    "services",
    "tests",
    "deploy",
}
FOLDERS = {
    "services": {"gateway", "outline_worker", "document_worker"},
    "deploy": {"local", "compose", "redis", "helm", "prometheus", "grafana"},
    "tests": {
        "support",
        "unit",
        "integration",
        "conformance",
        "e2e",
        "chaos",
        "benchmarks",
        "architecture",
        "bare",
        "eval",
    },
}
MEANINGLESS = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv"}
ENVIRONMENT_READERS = {"deploy/local/settings.py", "deploy/local/environment.py"}
"""The second one runs before what the first one needs is installed."""
ENVIRONMENT_WRITER = "shared/src/shared/checkpoints/__init__.py"
KEY_PREFIX = "draftline:"
KEYS = "shared/src/shared/redis/keys.py"


def test_top_level_holds_what_the_architecture_names() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in repository_files()}
    assert found - TOP_LEVEL == set()
    assert NEEDED - found == set()


def test_second_level_holds_what_the_architecture_names() -> None:
    parts = [path.relative_to(ROOT).parts for path in repository_files()]
    for folder, allowed in FOLDERS.items():
        assert {part[1] for part in parts if part[0] == folder and len(part) > 2} - allowed == set()


def test_no_module_has_a_name_that_says_nothing() -> None:
    paths = [path.relative_to(ROOT).with_suffix("") for path in python_files(EVERYTHING)]
    assert [str(path) for path in paths if MEANINGLESS & set(path.parts)] == []


def test_only_settings_read_the_environment() -> None:
    readers = {path for path, _, node in nodes(SHIPPED) if taken_from(node, "os") & ENVIRONMENT}
    assert readers == ENVIRONMENT_READERS | {ENVIRONMENT_WRITER}


def test_what_writes_the_environment_does_not_read_it() -> None:
    module = next(tree for path, tree in trees(SHIPPED) if path == ENVIRONMENT_WRITER)
    uses = [node for node in ast.walk(module) if taken_from(node, "os") & ENVIRONMENT]
    written = [
        target.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Subscript)
    ]
    assert uses
    assert all(any(use is value for value in written) for use in uses)


def test_keys_are_spelled_in_one_place() -> None:
    spelled = {
        path
        for path, _, node in nodes(SHIPPED)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(KEY_PREFIX)
    }
    spelled |= {relative(path) for path in LUA.glob("*.lua") if KEY_PREFIX in path.read_text()}
    assert spelled == {KEYS}


def test_one_package_imports_redis() -> None:
    importers = {path for path, module in trees(SHIPPED) if "redis" in imported(module)}
    assert importers
    assert {path for path in importers if not path.startswith("shared/src/shared/redis/")} == set()


def test_one_package_imports_openai() -> None:
    importers = {path for path, module in trees(SHIPPED) if "openai" in imported(module)}
    assert importers
    assert {path for path in importers if not path.startswith("shared/src/shared/llm/")} == set()


def test_tasks_start_inside_a_task_group() -> None:
    loose = {"create_task", "ensure_future"}
    assert [f"{path}:{line}" for path, line, node in nodes(EVERYTHING) if taken_from(node, "asyncio") & loose] == []


def test_services_do_not_print() -> None:
    printing = [
        f"{path}:{line}"
        for path, line, node in nodes(SOURCES)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []
