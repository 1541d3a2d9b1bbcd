from pathlib import Path

import pytest

from deploy.local.errors import LaunchError
from deploy.local.settings import read_settings


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
