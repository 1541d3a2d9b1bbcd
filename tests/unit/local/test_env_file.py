""".env is read as Docker Compose reads it; what cannot be read is named with its line."""

import importlib.util
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.env_file import FileVariable, read_env_file
from deploy.local.errors import LaunchError

AS_COMPOSE = [
    "A=b",
    "A='b c'",
    'A="b c"',
    "A=b # comment",
    "A=b#c",
    "A='b' # comment",
    "A=  b  ",
    "  A = b",
    "export A=b",
    "A=",
    "A=b=c",
    "A=x\\ny",
    "A='x\\ny'",
    'A="x\\ny"',
    "A='it\\'s'",
    'A="say \\"hi\\""',
    'A="two\nlines"\nB=c',
    'A={"own-model": {"prompt": 0.4, "completion": 1.6}}',
    "A=$(date) `date`",
    "A=5$ or 5$6",
    "A='$B ${B} $$ \\$'",
    "A=b\nA=c",
    "A=b\nA=",
    "A=\r\nB=c\r\n",
    "\ufeffA=b",
    "A=蜂",
    "# comment\n\n\nA=b\n",
    "A\nB=c\n",
]
REPLACED = ["A=a$b", 'A="a$b"', "A=${B:-x}", "A=a$$b", 'A="\\$"', "A=\\$b", "A=$_", "A=${"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def read(file: Path, content: str | bytes) -> Mapping[str, FileVariable]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_env_file(file)


def read_by_compose(file: Path, content: str) -> dict[str, str]:
    """What Docker Compose gives a service; it needs no engine for that."""
    file.write_bytes(content.encode())
    service = {"image": "any", "env_file": file.name}
    file.with_name("compose.json").write_text(json.dumps({"name": "any", "services": {"any": service}}))
    package = importlib.util.find_spec("compose")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).with_name("docker-compose")
    command = (program, "--env-file", os.devnull, "-f", "compose.json", "config", "--format", "json")
    done = subprocess.run(command, cwd=file.parent, env={}, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, str] = json.loads(done.stdout)["services"]["any"].get("environment") or {}
    # Its output is a Compose file again, where a dollar sign is written twice.
    return {name: value.replace("$$", "$") for name, value in found.items()}


@pytest.mark.parametrize("content", AS_COMPOSE)
def test_a_file_is_read_as_compose_reads_it(file: Path, content: str) -> None:
    expected = {name: value for name, value in read_by_compose(file, content).items() if value}
    assert {name: variable.value for name, variable in read(file, content).items()} == expected


@pytest.mark.parametrize("content", REPLACED)
def test_a_dollar_sign_that_compose_would_replace_is_refused(file: Path, content: str) -> None:
    with pytest.raises(LaunchError, match=r"Line 2 of .*\.env: the value of A contains a \$.* in single quotes"):
        read(file, f"# comment\n{content}\n")


@pytest.mark.parametrize(
    "content",
    ['A="open', "A='open\nB=c", "A='b' c", "A B=c", "=b", "A: b", "A:b", "sk-live/1", "A+=b", "'A B'=c"],
)
def test_a_line_that_is_no_variable_is_named(file: Path, content: str) -> None:
    with pytest.raises(LaunchError, match=r"^Line 4 of .*\.env cannot be read\. Write NAME=value"):
        read(file, f"FIRST=1\n\r\n\n{content}\nLAST=1\n")


def test_a_refused_line_does_not_show_its_value(file: Path) -> None:
    for content in ("OPENAI_API_KEY=sk-$ecret", "OPENAI_API_KEY: sk-$ecret", 'OPENAI_API_KEY="sk-$ecret'):
        with pytest.raises(LaunchError) as refused:
            read(file, content)
        assert "ecret" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("A=b\nC=\u00e9".encode("latin-1"), r"^Line 2 of .*\.env is not UTF-8"),
        ("A=b\n".encode("utf-16"), r"^Line 1 of .*\.env is not UTF-8"),
        (b"A=b\n\nC=\0", r"^Line 3 of .*\.env contains a NUL byte"),
    ],
)
def test_bytes_that_are_no_text_are_named(file: Path, content: bytes, message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        read(file, content)


def test_lines_are_counted_from_one(file: Path) -> None:
    variables = read(file, 'A=1\n\n# comment\n\nB="two\nlines"\r\nC=3\nA=4\n')
    assert {name: variable.line for name, variable in variables.items()} == {"A": 8, "B": 5, "C": 7}


def test_no_file_gives_no_variables(file: Path) -> None:
    assert read_env_file(file) == {}


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    file.symlink_to("missing")
    with pytest.raises(LaunchError, match=r"^Cannot read .*\.env: No such file or directory"):
        read_env_file(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(LaunchError, match=r"^Cannot read .*\.env: Is a directory"):
        read_env_file(file)
