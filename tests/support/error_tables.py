"""``python -m tests.support.error_tables``: write the tables of docs/errors.md from the classes of the errors."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import document_worker
import gateway
import outline_worker
import shared
from gateway.http.problems import HttpError, ProblemError
from shared.contracts.errors import DraftlineError, PermanentError, TransientError

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/errors.md"


@dataclass(frozen=True, slots=True)
class Table:
    """The errors of a kind: each is a class with a code."""

    name: str
    groups: Sequence[type[Exception]]
    """Classes that have no code; the first is the root of all."""
    packages: Sequence[ModuleType]
    """Where the classes are; those that tests define are left out."""
    texts: Sequence[str]
    """What each class has to say itself: inherited texts would describe two classes in the same words."""
    column: str
    """Head of the second column."""
    about: Callable[[Any], str]
    """What the second column says of an error."""

    def errors(self) -> list[Any]:
        """The classes, sorted by code."""
        for package in self.packages:
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)
        names = {package.__name__ for package in self.packages}
        ours = [error for error in self._under(self.groups[0]) if error.__module__.partition(".")[0] in names]
        return sorted(ours, key=lambda error: getattr(error, "code", ""))

    def markdown(self) -> str:
        """The table. Raises ValueError for a class that cannot be documented."""
        errors = self.errors()
        if found := self.faults(errors):
            raise ValueError("; ".join(found))
        rows = [f"| `{error.code}` | {self.about(error)} | {error.meaning} | {error.advice} |" for error in errors]
        return "\n".join([f"| code | {self.column} | meaning | what to do |", "|---|---|---|---|", *rows])

    def documented(self, text: str) -> str:
        """The table as docs/errors.md has it, without its markers."""
        first = f"<!-- The classes of {self.name}, written by `make docs` -->"
        last = f"<!-- End of the {self.name} -->"
        _, begin, rest = text.partition(first)
        table, end, _ = rest.partition(last)
        if not begin or not end:
            msg = f"docs/errors.md lacks {last if begin else first}"
            raise ValueError(msg)
        return table.strip("\n")

    def faults(self, errors: Iterable[type[Exception]]) -> list[str]:
        """What keeps classes out of the table: a missing or broken text, another class's code, a name that is not the
        code's.
        """
        found: list[str] = []
        by_code: dict[str, str] = {}
        for error in errors:
            own = vars(error)
            found += [f"{error.__name__} has no {text}" for text in self.texts if not own.get(text)]
            found += [
                f"{error.__name__}.{text} breaks its cell" for text in self.texts if set(own.get(text, "")) & set("|\n")
            ]
            code = own.get("code", "")
            if code and error.__name__ != name_for(code):
                found.append(f"{error.__name__} has the code of {name_for(code)}")
            if code in by_code:
                found.append(f"{by_code[code]} and {error.__name__} share the code {code}")
            by_code[code] = error.__name__
        return found

    def _under(self, error: type[Exception]) -> Iterator[type[Exception]]:
        for each in error.__subclasses__():
            if each not in self.groups:
                yield each
            yield from self._under(each)


PROBLEMS = Table(
    "problems", (ProblemError,), (gateway,), ("code", "title", "meaning", "advice"), "status",
    lambda error: "4xx" if error is HttpError else str(error.status),
)  # fmt: skip
JOB_ERRORS = Table(
    "job errors", (DraftlineError, PermanentError, TransientError), (shared, outline_worker, document_worker),
    ("code", "meaning", "advice"), "retryable", lambda error: "yes" if error.retryable else "no",
)  # fmt: skip


def name_for(code: str) -> str:
    """The class's name for a code: ``work_lost`` is ``WorkLostError``, ``internal_error`` is ``InternalError``."""
    return re.sub(r"(?:Error)?$", "Error", "".join(word.capitalize() for word in code.split("_")), count=1)


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    for table in (PROBLEMS, JOB_ERRORS):
        text = text.replace(table.documented(text), table.markdown())
    DOCUMENT.write_text(text, encoding="utf-8")
