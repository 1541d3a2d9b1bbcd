"""The settings of the launcher. The only place in deploy/local that reads the environment."""

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.env_file import ENV_FILE, FileVariable
from deploy.local.errors import LaunchError

DEFAULT_PORT = 8000
DEFAULT_HOST = "127.0.0.1"
DEFAULT_GRACE_SECONDS = 30.0
MODEL_VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")

OWN_VARIABLES = ("PORT", "PROMPT", "CONTEXT", "ONCE", "REVIEW")
_SHARED_VARIABLES = ("REDIS_URL", "DRAFTLINE_HOST", "DRAFTLINE_GRACE_SECONDS", *MODEL_VARIABLES)
_PER_SERVICE = "DRAFTLINE_METRICS_PORT"
"""The services of one machine need a port each, so the launcher chooses them and a setting has no effect."""
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class LauncherSettings:
    """The variables of the launcher; one that is empty counts as unset, since make exports them so."""

    host: str
    port: int
    prompt: str | None
    """None: the sample prompt."""
    context: tuple[Path, ...]
    once: bool
    """End after the sample document."""
    review: bool
    """Let a person see, change and approve the outline before the sample document is written."""
    editor: tuple[str, ...] | None
    """The program that the person edits with, and its arguments; None: there is none."""
    redis_url: str | None
    """None: start a Valkey."""
    model_name: str | None
    """None: start the embedded model."""
    grace_seconds: float
    """How long the services may take to drain."""
    inherited: Mapping[str, str]
    """What every child process finds in its environment before its own variables."""
    from_file: tuple[str, ...] = ()
    """Names of the variables that `.env` supplied, in its order."""


class VariableError(LaunchError):
    """A variable makes no sense, or several do not go together."""

    def __init__(self, message: str, *names: str) -> None:
        super().__init__(message)
        self.names = names


def read_settings(
    environ: Mapping[str, str] = os.environ, file: Mapping[str, FileVariable] | None = None
) -> LauncherSettings:
    """Return the settings from the environment and, for variables that are unset or empty there, from `.env`.

    Raises LaunchError for a variable that makes no sense.
    """
    supplied = {
        name: variable
        for name, variable in (file or {}).items()
        if name != _PER_SERVICE and not environ.get(name, "").strip()
    }
    try:
        settings = _checked({**environ, **{name: variable.value for name, variable in supplied.items()}})
    except VariableError as error:
        places = [f"{name} (line {supplied[name].line})" for name in error.names if name in supplied]
        msg = f"{error} From {ENV_FILE}: {', '.join(places)}." if places else str(error)
        raise LaunchError(msg) from error
    return replace(settings, from_file=tuple(supplied))


def _checked(environ: Mapping[str, str]) -> LauncherSettings:
    given = {
        name: value.strip() for name in (*OWN_VARIABLES, *_SHARED_VARIABLES) if (value := environ.get(name, "")).strip()
    }
    return LauncherSettings(
        host=given.get("DRAFTLINE_HOST", DEFAULT_HOST),
        port=_port(given.get("PORT", str(DEFAULT_PORT))),
        prompt=given.get("PROMPT"),
        context=tuple(Path(name.strip()) for name in given.get("CONTEXT", "").split(",") if name.strip()),
        once=_flag("ONCE", given.get("ONCE", "")),
        review=_flag("REVIEW", given.get("REVIEW", "")),
        editor=_editor(environ),
        redis_url=given.get("REDIS_URL"),
        model_name=_model_name(given),
        grace_seconds=_seconds(
            "DRAFTLINE_GRACE_SECONDS", given.get("DRAFTLINE_GRACE_SECONDS", str(DEFAULT_GRACE_SECONDS))
        ),
        inherited=_inherited(environ, given),
    )


def _inherited(environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The launcher's own variables stay here; empty shared ones go, as libraries read them as values."""
    concerned = {*OWN_VARIABLES, *_SHARED_VARIABLES}
    rest = {name: value for name, value in environ.items() if name not in concerned}
    return rest | {name: given[name] for name in _SHARED_VARIABLES if name in given}


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    msg = f"PORT={text} is no port. Give a number from 1 to 65535, such as PORT={DEFAULT_PORT}."
    raise VariableError(msg, "PORT")


def _flag(name: str, text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    msg = f"{name}={text} is neither yes nor no. Give {name}=1, or leave it out."
    raise VariableError(msg, name)


def _editor(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """As other programs choose it; vi is the one that a Unix has, if it has any."""
    for name in ("VISUAL", "EDITOR"):
        text = environ.get(name, "").strip()
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            msg = f"{name}={text} is no command: {error}."
            raise VariableError(msg, name) from error
        if words:
            return words
    return ("vi",) if shutil.which("vi", path=environ.get("PATH")) else None


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return seconds
    msg = f"{name}={text} is no number of seconds."
    raise VariableError(msg, name)


def _model_name(given: Mapping[str, str]) -> str | None:
    present = [name for name in MODEL_VARIABLES if name in given]
    if not present:
        return None
    if "OPENAI_MODEL" not in given:
        msg = (
            f"{' and '.join(present)} {'is' if len(present) == 1 else 'are'} set, but not OPENAI_MODEL. "
            "Name the model, as in OPENAI_MODEL=gpt-4.1-mini, or unset all OPENAI_* to use the embedded one."
        )
        raise VariableError(msg, *present)
    if len(present) == 1:
        msg = (
            "OPENAI_MODEL is set, but neither OPENAI_API_KEY nor OPENAI_BASE_URL: there is nothing to call. "
            "Set the key, the address of an OpenAI-compatible endpoint or both, or unset OPENAI_MODEL."
        )
        raise VariableError(msg, *present)
    return given["OPENAI_MODEL"]
