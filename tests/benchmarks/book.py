"""The figures on disk: docs/benchmarks.json holds the last of each line, the page and the picture come from it."""

from pathlib import Path

from pydantic import TypeAdapter

from tests.benchmarks.line import Book
from tests.benchmarks.page import page
from tests.benchmarks.picture import picture

NAME = "benchmarks"
_BOOKS = TypeAdapter(Book)


def read(folder: Path) -> Book:
    """The book so far, or an empty one."""
    path = folder / f"{NAME}.json"
    return _BOOKS.validate_json(path.read_bytes()) if path.exists() else Book()


def write(folder: Path, book: Book) -> None:
    """The figures, the page and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.json").write_bytes(_BOOKS.dump_json(book, indent=1) + b"\n")
    (folder / f"{NAME}.md").write_text(page(book), encoding="utf-8")
    (folder / f"{NAME}.svg").write_text(picture(book), encoding="utf-8")
