import re
from pathlib import Path

import pytest

from deploy.local.env_file import FileVariable, read_env_file
from deploy.local.errors import LaunchError
from deploy.local.settings import OWN_VARIABLES, read_settings

EXAMPLE = Path(__file__).parents[3] / ".env.example"


def test_empty_variables_are_unset() -> None:
    own = ("PORT", "PROMPT", "CONTEXT", "ONCE", "REVIEW")
    names = (*own, "REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")
    settings = read_settings(dict.fromkeys(names, "") | {"HOME": "/home"})
    assert settings == read_settings({"HOME": "/home"})
    assert (settings.port, settings.once, settings.context) == (8000, False, ())
    assert (settings.redis_url, settings.model_name, settings.prompt) == (None, None, None)
    assert settings.inherited == {"HOME": "/home"}


def test_variables_are_read() -> None:
    given = {"PORT": "1", "PROMPT": " Bees ", "CONTEXT": "a.txt, b/c.pdf,", "ONCE": "1", "REDIS_URL": "redis://r"}
    settings = read_settings(given | {"REVIEW": "1"})
    assert (settings.port, settings.prompt, settings.once, settings.review) == (1, "Bees", True, True)
    assert settings.context == (Path("a.txt"), Path("b/c.pdf"))
    assert settings.inherited == {"REDIS_URL": "redis://r"}


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8e3", "80 80", "٨٠٠٠"])
def test_a_port_out_of_range_is_refused(port: str) -> None:
    with pytest.raises(LaunchError, match=f"PORT={port} is no port. Give a number from 1 to 65535"):
        read_settings({"PORT": port})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"OPENAI_API_KEY": "k"}, "OPENAI_API_KEY is set, but not OPENAI_MODEL"),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://m/v1"},
            "OPENAI_API_KEY and OPENAI_BASE_URL are set, but not OPENAI_MODEL",
        ),
        ({"OPENAI_MODEL": "m"}, "neither OPENAI_API_KEY nor OPENAI_BASE_URL"),
        ({"REVIEW": "maybe"}, "REVIEW=maybe is neither yes nor no"),
        ({"EDITOR": "vi '"}, "EDITOR=vi ' is no command: No closing quotation"),
        ({"ONCE": "maybe"}, "ONCE=maybe is neither yes nor no"),
        ({"DRAFTLINE_GRACE_SECONDS": "soon"}, "DRAFTLINE_GRACE_SECONDS=soon is no number of seconds"),
        ({"DRAFTLINE_GRACE_SECONDS": "inf"}, "DRAFTLINE_GRACE_SECONDS=inf is no number of seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        read_settings(given)


def test_a_model_and_an_endpoint_without_a_key_are_enough() -> None:
    given = {"OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://m/v1"}
    settings = read_settings(given)
    assert settings.model_name == "m"
    assert settings.inherited == given


@pytest.mark.parametrize(
    ("given", "editor"),
    [
        ({"VISUAL": "code --wait", "EDITOR": "nano"}, ("code", "--wait")),
        ({"VISUAL": " ", "EDITOR": "'my editor' -x"}, ("my editor", "-x")),
        ({"PATH": "/nowhere"}, None),
    ],
)
def test_the_editor_is_the_one_other_programs_use(given: dict[str, str], editor: tuple[str, ...] | None) -> None:
    assert read_settings(given).editor == editor


def test_vi_is_the_editor_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "vi").touch(mode=0o755)
    assert read_settings({"PATH": str(tmp_path)}).editor == ("vi",)


def in_file(**values: str) -> dict[str, FileVariable]:
    """Variables of a file, one a line."""
    return {name: FileVariable(value, line) for line, (name, value) in enumerate(values.items(), start=1)}


def test_the_environment_wins_over_the_file_unless_it_is_empty() -> None:
    file = in_file(PORT="8100", PROMPT="Bees", ONCE="1", REDIS_URL="redis://r", DRAFTLINE_LOG_LEVEL="debug", OTHER="o")
    settings = read_settings({"PORT": "9000", "PROMPT": "", "REDIS_URL": " ", "OTHER": "mine"}, file)
    assert (settings.port, settings.prompt, settings.once, settings.redis_url) == (9000, "Bees", True, "redis://r")
    assert settings.inherited == {"REDIS_URL": "redis://r", "DRAFTLINE_LOG_LEVEL": "debug", "OTHER": "mine"}
    assert settings.from_file == ("PROMPT", "ONCE", "REDIS_URL", "DRAFTLINE_LOG_LEVEL")


def test_a_flag_of_the_file_can_be_turned_off() -> None:
    assert not read_settings({"REVIEW": "0"}, in_file(REVIEW="1")).review


def test_the_editor_may_stand_in_the_file() -> None:
    assert read_settings({"PATH": "/nowhere"}, in_file(EDITOR="nano -w")).editor == ("nano", "-w")


def test_services_of_one_machine_cannot_share_a_metrics_port() -> None:
    settings = read_settings({}, in_file(DRAFTLINE_METRICS_PORT="9100"))
    assert (settings.inherited, settings.from_file) == ({}, ())


@pytest.mark.parametrize(
    ("environ", "file", "message"),
    [
        ({}, in_file(REVIEW="1", PORT="http"), r"^PORT=http is no port\. .* From \.env: PORT \(line 2\)\.$"),
        ({}, in_file(ONCE="maybe"), r"^ONCE=maybe is neither .* From \.env: ONCE \(line 1\)\.$"),
        ({"PORT": "http"}, in_file(PORT="8000"), r"such as PORT=8000\.$"),
        (
            {"OPENAI_API_KEY": "k"},
            in_file(OPENAI_BASE_URL="http://m/v1"),
            r"^OPENAI_API_KEY and OPENAI_BASE_URL are set, .* From \.env: OPENAI_BASE_URL \(line 1\)\.$",
        ),
    ],
)
def test_a_variable_that_makes_no_sense_is_named_with_its_line(
    environ: dict[str, str], file: dict[str, FileVariable], message: str
) -> None:
    with pytest.raises(LaunchError, match=message):
        read_settings(environ, file)


def test_an_unchanged_copy_of_the_example_changes_nothing() -> None:
    assert read_settings({}, read_env_file(EXAMPLE)) == read_settings({})


def test_every_variable_of_the_example_reaches_the_launcher_or_the_services(tmp_path: Path) -> None:
    variables = dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    values = {name: value or "given" for name, value in variables.items()}
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    settings = read_settings({}, read_env_file(file))
    expected = {name: value for name, value in values.items() if name != "DRAFTLINE_METRICS_PORT"}
    assert len(expected) > 50
    kept = {name: expected[name] for name in OWN_VARIABLES}
    assert kept == {
        "PORT": str(settings.port),
        "PROMPT": settings.prompt,
        "CONTEXT": "given",
        "ONCE": "0",
        "REVIEW": "0",
    }
    assert (settings.context, settings.once, settings.review) == ((Path("given"),), False, False)
    assert {**kept, **settings.inherited} == expected
    assert set(settings.from_file) == set(expected)
