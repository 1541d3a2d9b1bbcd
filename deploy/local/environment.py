"""Makes `.venv`: ``python3 -m deploy.local.environment run``, ``serve`` or ``dev``.

Run by the Python that `make` names, before anything is installed, so it imports only the standard library. What stands
in `.venv` is noted in a file there: an environment that was moved, that another Python made or whose making was cut
short is made again.
"""

import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LaunchError
from deploy.local.installing import install
from deploy.local.machine import check_machine, disk_full, is_disk_full

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("shared/src", "services/gateway/src", "services/outline_worker/src", "services/document_worker/src")
_MODEL_NAMED = re.compile(r"^\s*(?:export\s+)?OPENAI_MODEL\s*=\s*[^\s#]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Packages:
    """Lock files that are installed together, and what their packages come to."""

    locks: tuple[str, ...]
    fetch_mb: int
    disk_mb: int


PACKAGES = {
    "run": Packages(("local.txt", "model.txt"), fetch_mb=193, disk_mb=580),
    "pdf": Packages(("pdf.txt",), fetch_mb=51, disk_mb=110),
    "dev": Packages(("dev.txt",), fetch_mb=71, disk_mb=350),
}
TARGETS = {"run": ("run",), "serve": ("run", "pdf"), "dev": ("run", "pdf", "dev")}
"""What each target of `make` needs. `make run` fetches what PDF files need once it has shown a document."""


def main() -> int:
    """Return the exit status: 0, 1 for what went wrong, 130 for Ctrl-C."""
    if len(sys.argv) != 2 or sys.argv[1] not in TARGETS:
        print(f"usage: python3 -m deploy.local.environment {{{','.join(TARGETS)}}}", file=sys.stderr)
        return 2
    try:
        with _alone():
            Environment(ROOT).bring(TARGETS[sys.argv[1]])
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        hint = f"Cannot set up {ROOT / '.venv'}: {error}. If the files are another user's, remove that folder."
        print(disk_full(ROOT) if is_disk_full(error) else hint, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


class Environment:
    """The virtual environment of a checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / ".venv"
        self._note = self._folder / "draftline.json"

    def bring(self, names: Sequence[str]) -> None:
        """Install the packages of these names that are missing or out of date.

        An environment that cannot be used is made again. Raises LaunchError with the remedy.
        """
        installed = self._installed()
        missing = [name for name in names if installed is None or installed.get(name) != self._wanted(name)]
        if not missing:
            return
        fetch_mb = sum(PACKAGES[name].fetch_mb for name in missing)
        disk_mb = sum(PACKAGES[name].disk_mb for name in missing)
        check_machine(self._root, fetch_mb=fetch_mb, disk_mb=disk_mb, embedded_model=self._embedded_model())
        print(f"Setting up .venv, once: {fetch_mb} MB to fetch, {disk_mb} MB on disk.", flush=True)
        if installed is None:
            self._make()
        self._install(missing, installed or {})

    def _installed(self) -> dict[str, str] | None:
        """Return the hashes of what is installed, by name; None where the environment must be made again."""
        try:
            note = json.loads(self._note.read_bytes())
            installed = note.pop("installed")
        except (OSError, ValueError, LookupError, AttributeError, TypeError):
            return None
        runs = (self._folder / "bin" / "python").exists()
        return installed if runs and note == self._made_by() and isinstance(installed, dict) else None

    def _made_by(self) -> dict[str, object]:
        """What an environment must have been made with: its scripts name its folder, its libraries fit one Python."""
        return {"folder": str(self._folder), "python": list(sys.version_info[:2]), "sources": list(SOURCES)}

    def _wanted(self, name: str) -> str:
        locks = (self._root / "requirements" / lock for lock in PACKAGES[name].locks)
        return hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()

    def _make(self) -> None:
        if self._folder.is_symlink() or self._folder.is_file():
            self._folder.unlink()
        elif self._folder.exists():
            print("The .venv that is here was moved, is of another Python or unfinished. Making it again.", flush=True)
            shutil.rmtree(self._folder)
        try:
            venv.create(self._folder, with_pip=True, symlinks=True)
        except subprocess.CalledProcessError as error:
            said = (error.output or b"").decode(errors="replace").strip()
            msg = f"{sys.executable} could not put pip into {self._folder}: {said[-500:] or error}"
            raise LaunchError(msg) from error
        packages = self._folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        # Relative, since Python 3.11 cannot start from a path with other letters than those of the locale.
        lines = (os.path.relpath(self._root / source, packages) for source in SOURCES)
        (packages / "draftline.pth").write_text("".join(f"{line}\n" for line in lines))
        self._write_note({})

    def _install(self, names: Sequence[str], installed: dict[str, str]) -> None:
        for name in names:
            locks = [self._root / "requirements" / lock for lock in PACKAGES[name].locks]
            # The note goes before pip writes its first file: where that is cut short, all is made again.
            forget = functools.partial(self._note.unlink, missing_ok=True)
            failure = install(self._folder / "bin" / "python", locks, PACKAGES[name].fetch_mb, forget)
            if failure is not None:
                raise LaunchError(failure)
            installed[name] = self._wanted(name)
            self._write_note(installed)

    def _write_note(self, installed: dict[str, str]) -> None:
        self._note.write_text(json.dumps({**self._made_by(), "installed": installed}))

    def _embedded_model(self) -> bool:
        """Whether it will be used, as far as can be told without the parser of `.env`."""
        try:
            file = (self._root / ".env").read_text(errors="replace")
        except OSError:
            file = ""
        return not os.environ.get("OPENAI_MODEL") and not _MODEL_NAMED.search(file)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the checkout: two that set it up at once would spoil it. The kernel releases it when this process ends."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make sets up .venv. Waiting for it.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main())
