"""Earlier versions of the services, each as its commit has it, to run beside the present ones."""

import shutil
import subprocess
import sys
import tarfile
import venv
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.chaos.registry import NotAtHandError

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".draftline" / "versions"
PARTS = ("shared", "services")
LOCKS = ("gateway", "worker", "outline_worker", "document_worker", "build")
"""Lock files of what services need, as far as a commit has them."""
DISTRIBUTIONS = ("shared", "services/gateway", "services/outline_worker", "services/document_worker")


@dataclass(frozen=True, slots=True)
class Version:
    """How to start the services of a commit."""

    python: str
    environment: dict[str, str]


def earlier(commit: str) -> Version:
    """The services of a commit, in an environment of their own that is made of that commit's locks and kept.

    Without a commit those before the last change of the services, with the packages of today. Raises NotAtHandError.
    """
    try:
        return _of_commit(_git("rev-parse", "--verify", f"{commit}^{{commit}}").decode().strip()) if commit else _last()
    except (OSError, IndexError, subprocess.CalledProcessError) as error:
        lack = f"there is no earlier version to run: {error} {getattr(error, 'stderr', b'') or b''!r}"
        raise NotAtHandError(lack) from error


def _last() -> Version:
    before = _git("log", "--format=%H", "-n", "2", "--", *PARTS).decode().split()[1]
    folder = KEPT / before[:12]
    if not folder.exists():
        _extract(before, folder, PARTS)
    places = [str(folder / part / "src") for part in DISTRIBUTIONS]
    return Version(sys.executable, {"PYTHONPATH": ":".join(places)})


def _of_commit(commit: str) -> Version:
    folder = KEPT / f"{commit[:12]}-installed"
    python = folder / ".venv" / "bin" / "python"
    if not (folder / ".made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _extract(commit, folder, (*PARTS, "requirements"))
        venv.create(folder / ".venv", with_pip=True)
        locks = [folder / "requirements" / f"{name}.txt" for name in LOCKS]
        given = [option for lock in locks if lock.exists() for option in ("-r", str(lock))]
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--require-hashes", *given)
        _run(*pip, "--no-deps", "--no-build-isolation", *(str(folder / part) for part in DISTRIBUTIONS))
        (folder / ".made").touch()
    # The tests' own path would put the present services before those of the commit.
    return Version(str(python), {"PYTHONPATH": ""})


def _extract(commit: str, folder: Path, parts: tuple[str, ...]) -> None:
    with tarfile.open(fileobj=BytesIO(_git("archive", commit, *parts))) as tar:
        tar.extractall(folder, filter="data")


def _git(*command: str) -> bytes:
    return _run("git", "-C", str(ROOT), *command)


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout
