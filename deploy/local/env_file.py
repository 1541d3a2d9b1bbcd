"""Reads `.env`, the file of variables that Docker Compose reads too."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from deploy.local.errors import LaunchError

ENV_FILE = Path(".env")
"""In the current folder, which is the root of the checkout under `make`."""
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_NEWLINE = re.compile(r"\r\n|\n|\r")
_REPLACED_BY_COMPOSE = re.compile(r"\$[A-Za-z_{$]|\\\$")
"""In a value without single quotes: a variable that Docker Compose inserts, or an escaped dollar sign."""


@dataclass(frozen=True, slots=True)
class FileVariable:
    """A variable as the file gives it."""

    value: str
    """Without quotes and escapes."""
    line: int
    """The first line of the file is 1."""


def read_env_file(path: Path = ENV_FILE) -> Mapping[str, FileVariable]:
    """Return the variables of the file by name. Blank values are left out because a blank variable counts as unset.

    A file that does not exist gives no variables. Raises LaunchError for a file that cannot be read and for a line
    that is no variable.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return {}
        msg = f"Cannot read {path}: {error.strerror}. Nothing was started. Make the file readable, or remove it."
        raise LaunchError(msg) from error
    found: dict[str, FileVariable] = {}
    for binding in parse_stream(io.StringIO(_text(path, content))):
        line = _line(binding)
        if binding.error or (binding.key is not None and not _NAME.fullmatch(binding.key)):
            msg = f"Line {line} of {path} cannot be read. Write NAME=value, with the value in quotes if it needs any."
            raise LaunchError(msg)
        if binding.key is not None and binding.value is not None:
            # Of a name that stands there twice the last value counts, be it blank.
            found[binding.key] = FileVariable(_checked(path, line, binding), line)
    return {name: variable for name, variable in found.items() if variable.value.strip()}


def _text(path: Path, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        msg = f"Line {line} of {path} is not UTF-8. Save the file as UTF-8."
        raise LaunchError(msg) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = f"Line {line} of {path} contains a NUL byte, which no variable can hold. Save the file as UTF-8."
        raise LaunchError(msg)
    return text


def _line(binding: Binding) -> int:
    """Return the line of a variable. The parser gives that of the blank lines before it."""
    statement = binding.original.string
    before = statement[: len(statement) - len(statement.lstrip())]
    return binding.original.line + len(_NEWLINE.findall(before))


def _checked(path: Path, line: int, binding: Binding) -> str:
    """Return the value. Raise LaunchError where Docker Compose would insert a variable, which the launcher does not."""
    assert binding.value is not None
    written = binding.original.string.partition("=")[2].lstrip()
    if not written.startswith("'") and _REPLACED_BY_COMPOSE.search(binding.value):
        msg = (
            f"Line {line} of {path}: the value of {binding.key} contains a $, which Docker Compose would replace and "
            "this launcher would not. Put the value in single quotes to keep the $, or write out what it stands for."
        )
        raise LaunchError(msg)
    return binding.value
