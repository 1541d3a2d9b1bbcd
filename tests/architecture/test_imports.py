"""Who imports whom, by the linter's contracts and by what a gateway really loads."""

import json
import subprocess
import sys
from pathlib import Path

from tests.architecture.locks import pins
from tests.architecture.repository import ROOT

FOREIGN_TO_THE_GATEWAY = ("langgraph", "langchain", "langsmith", "openai")
_LIST_MODULES = "import gateway.__main__, json, sys; print(json.dumps(sorted(sys.modules)))"


def test_import_contracts_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_gateway_is_installed_without_graph_and_model() -> None:
    assert [name for name in pins("gateway.txt") if name.startswith(FOREIGN_TO_THE_GATEWAY)] == []


def test_gateway_loads_no_graph_and_no_model() -> None:
    ran = subprocess.run([sys.executable, "-c", _LIST_MODULES], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(ran.stdout)
    assert "gateway.__main__" in loaded
    assert [name for name in loaded if name.startswith((*FOREIGN_TO_THE_GATEWAY, "shared.llm"))] == []
