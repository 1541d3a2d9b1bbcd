"""What a machine needs before anything is downloaded. Imports only the standard library."""

import errno
import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deploy.local.errors import LaunchError

MODEL_NEEDS_MB = 600
"""The embedded model with its context for four calls at once (measured: 545 to 575 MB resident)."""
_PROCESSORS = ("x86_64", "amd64", "aarch64", "arm64")
_OLDEST_GLIBC = (2, 28)
"""That of the manylinux tags of the wheels."""
_MEGABYTE = 1_000_000
_NOTHING_LEFT_MB = 4
_CPU_INFO = Path("/proc/cpuinfo")
_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_machine(root: Path, *, fetch_mb: int, disk_mb: int, embedded_model: bool) -> None:
    """Raise LaunchError for the first thing that this machine lacks, with its remedy in the same line."""
    for lack in _lacks(root, fetch_mb, disk_mb, embedded_model=embedded_model):
        raise LaunchError(lack)


def _lacks(root: Path, fetch_mb: int, disk_mb: int, *, embedded_model: bool) -> Iterator[str]:
    yield from _without_platform()
    yield from _without_venv()
    yield from _without_rights(root)
    yield from _without_space(root, disk_mb)
    yield from _without_space(Path(tempfile.gettempdir()), fetch_mb, "or name a roomier folder in TMPDIR")
    if embedded_model:
        yield from lacks_of_the_model()


def _without_platform() -> Iterator[str]:
    if sys.implementation.name != "cpython" or sys.maxsize < 2**32:
        yield "The packages need a 64-bit CPython. Name one: make PYTHON=python3.12 run"
    if platform.machine().lower() not in _PROCESSORS:
        yield (
            f"There are no packages for the processor {platform.machine()}, only for x86-64 and 64-bit ARM. Run the "
            "services from images built on this machine (docker-compose.yml)."
        )
    name, version = platform.libc_ver()
    if name == "glibc" and tuple(map(int, version.split(".")[:2])) < _OLDEST_GLIBC:
        oldest = ".".join(map(str, _OLDEST_GLIBC))
        yield f"The packages need glibc {oldest} and this system has {version}: use a newer one, such as Debian 12."


def _without_venv() -> Iterator[str]:
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        yield (
            f"{sys.executable} cannot make virtual environments: install its venv module "
            f"(Debian and Ubuntu: apt install python{version}-venv)."
        )


def _without_rights(root: Path) -> Iterator[str]:
    try:
        tempfile.TemporaryFile(dir=root).close()
    except PermissionError:
        yield f"This user may not write to {root}, where .venv goes. Copy the checkout to a folder of your own."
    except OSError as error:
        yield disk_full(root) if is_disk_full(error) else f"Cannot write to {root}: {error.strerror}."


def _without_space(folder: Path, needed_mb: int, otherwise: str = "or move the checkout") -> Iterator[str]:
    free = free_mb(folder)
    if free < needed_mb:
        yield f"Disk full: {folder} has {free} MB free and {needed_mb} MB are needed. Free some, {otherwise}."


def lacks_of_the_model(cpu_info: Path = _CPU_INFO) -> Iterator[str]:
    """Yield what the processor lacks for the embedded model, whose library is built for AVX2."""
    try:
        described = cpu_info.read_text() if platform.machine() == "x86_64" else ""
    except OSError:
        return
    if "flags" in described and " avx2" not in described:
        yield (
            "This processor has no AVX2, which the embedded model needs. Name another model: set OPENAI_MODEL, with "
            "OPENAI_BASE_URL and OPENAI_API_KEY."
        )


def memory_mb(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return how much memory processes may use here: what it has, or a container's limit; None: unknown."""
    try:
        total = int((proc / "meminfo").read_text().split("MemTotal:")[1].split()[0]) * 1024
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except (OSError, LookupError, ValueError):
        return None
    for _, controllers, path in (line.split(":", 2) for line in lines):
        folder, limit = (groups / "memory", "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        for own in (path.lstrip("/"), ""):  # a container may see its own group as the root
            with suppress(OSError, ValueError):
                total = min(total, int((folder / own / limit).read_text()))
    return total // _MEGABYTE


def is_disk_full(error: BaseException) -> bool:
    """Whether that is why something could not be written."""
    return isinstance(error, OSError) and error.errno in _FULL


def free_mb(folder: Path) -> int:
    """What this user may still write on the disk that the folder is on."""
    return shutil.disk_usage(folder).free // _MEGABYTE


def disk_full(folder: Path) -> str:
    """One line that says so, and where."""
    folder = folder.resolve()
    free = free_mb(folder)
    return f"Disk full: {free} MB are free where {folder} is. Free some and start again; accepted jobs are kept."


def full_disk_line(folder: Path) -> str | None:
    """Return that line where nearly nothing is left, else None. Valkey ends then, and what needs it fails after it."""
    return disk_full(folder) if free_mb(folder) < _NOTHING_LEFT_MB else None
