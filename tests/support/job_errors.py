"""``python -m tests.support.job_errors``: write the table of job errors in docs/errors.md from the classes."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import document_worker
import outline_worker
import shared
from shared.contracts.errors import DraftlineError, PermanentError, TransientError

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/errors.md"
GROUPS = (DraftlineError, PermanentError, TransientError)
"""Classes that sort errors by who has to react; none of them has a code."""
_PACKAGES: tuple[ModuleType, ...] = (shared, outline_worker, document_worker)
_TEXTS = ("code", "meaning", "advice")
_BEGIN = "<!-- The classes of job errors, written by `python -m tests.support.job_errors` -->"
_END = "<!-- End of the job errors -->"
_HEAD = ["| code | retryable | meaning | what to do |", "|---|---|---|---|"]


def job_errors() -> list[type[DraftlineError]]:
    """Every error that the workers' code defines, sorted by code; those that tests define are left out."""
    for package in _PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    names = {package.__name__ for package in _PACKAGES}
    ours = [error for error in _under(DraftlineError) if error.__module__.partition(".")[0] in names]
    return sorted(ours, key=lambda error: getattr(error, "code", ""))


def job_errors_table() -> str:
    """The Markdown table of all job errors. Raises ValueError for a class that cannot be documented."""
    errors = job_errors()
    if found := faults(errors):
        raise ValueError("; ".join(found))
    rows = [
        f"| `{error.code}` | {'yes' if error.retryable else 'no'} | {error.meaning} | {error.advice} |"
        for error in errors
    ]
    return "\n".join([*_HEAD, *rows])


def documented_table(text: str) -> str:
    """The table as docs/errors.md has it, without its markers."""
    _, begin, rest = text.partition(_BEGIN)
    table, end, _ = rest.partition(_END)
    if not begin or not end:
        msg = f"docs/errors.md lacks {_END if begin else _BEGIN}"
        raise ValueError(msg)
    return table.strip("\n")


def faults(errors: Iterable[type[DraftlineError]]) -> list[str]:
    """What keeps classes out of the table: a missing or broken text, another class's code, a name that is not the
    code's.
    """
    found: list[str] = []
    by_code: dict[str, str] = {}
    for error in errors:
        # Inherited texts would describe two classes in the same words.
        found += [f"{error.__name__} has no {text}" for text in _TEXTS if not vars(error).get(text)]
        found += [
            f"{error.__name__}.{text} breaks its cell" for text in _TEXTS if set(vars(error).get(text, "")) & set("|\n")
        ]
        code = vars(error).get("code", "")
        if code and error.__name__ != name_for(code):
            found.append(f"{error.__name__} has the code of {name_for(code)}")
        if code in by_code:
            found.append(f"{by_code[code]} and {error.__name__} share the code {code}")
        by_code[code] = error.__name__
    return found


def name_for(code: str) -> str:
    """The class's name for a code: ``work_lost`` is ``WorkLostError``, ``internal_error`` is ``InternalError``."""
    return re.sub(r"(?:Error)?$", "Error", "".join(word.capitalize() for word in code.split("_")), count=1)


def _under(error: type[DraftlineError]) -> Iterator[type[DraftlineError]]:
    for each in error.__subclasses__():
        if each not in GROUPS:
            yield each
        yield from _under(each)


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text.replace(documented_table(text), job_errors_table()), encoding="utf-8")
