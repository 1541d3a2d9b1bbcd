""".env.example lists every variable of the settings classes, with its default and its meaning."""

import importlib
import re
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deploy.local.settings import OWN_VARIABLES
from shared.settings.base import EnvironmentSettings
from tests.architecture.repository import read

MODULES = ("shared.settings", "gateway.settings", "outline_worker.settings", "document_worker.settings")
LAUNCHER = "deploy.local.settings.LauncherSettings"
_HEADING = re.compile(r"# .+ \(([\w.]+\.settings\.[\w.]+)\)")
_VARIABLE = re.compile(r"(# )?([A-Z][A-Z0-9_]*)=(.*)")

Variable = tuple[str, bool, str, str]
"""Name, whether it has a default, the default as text, the description."""


def _expected() -> dict[str, list[Variable]]:
    for module in MODULES:
        importlib.import_module(module)
    classes = [found for found in EnvironmentSettings.__subclasses__() if found.__module__.startswith(MODULES)]
    return {
        f"{settings.__module__}.{settings.__name__}": [
            _variable(name, field) for name, field in settings.model_fields.items()
        ]
        for settings in classes
    }


def _variable(name: str, field: FieldInfo) -> Variable:
    alias = field.validation_alias if isinstance(field.validation_alias, str) else f"DRAFTLINE_{name.upper()}"
    return alias, field.default is not PydanticUndefined, _shown(field.default), field.description or ""


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return "" if default is None or default is PydanticUndefined else str(default)


def _listed() -> dict[str, list[Variable]]:
    """Sections by class; a variable without a default stands without a comment sign."""
    sections: dict[str, list[Variable]] = {}
    section: list[Variable] = []
    said: list[str] = []
    for line in read(".env.example").splitlines():
        heading, variable = _HEADING.fullmatch(line), _VARIABLE.fullmatch(line)
        if heading:
            section = sections.setdefault(heading[1], [])
        elif variable:
            section.append((variable[2], bool(variable[1]), variable[3], " ".join(said)))
        if line.startswith("# ") and not (heading or variable):
            said.append(line.removeprefix("# "))
        else:
            said = []
    return sections


def test_every_variable_is_listed() -> None:
    listed = _listed()
    del listed[LAUNCHER]
    assert listed == _expected()


def test_every_variable_of_the_launcher_alone_is_listed_and_described() -> None:
    listed = {name: description for name, _, _, description in _listed()[LAUNCHER]}
    assert {*listed, "PORT"} == {*OWN_VARIABLES}
    assert all(listed.values())


def test_every_variable_is_described() -> None:
    variables = [variable for section in _expected().values() for variable in section]
    assert len(variables) > 20
    assert [name for name, _, _, description in variables if not description] == []
