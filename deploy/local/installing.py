"""Runs pip and says how far it is, or in one line why it failed. Imports only the standard library."""

import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from deploy.local.machine import disk_full, free_mb

_SHOWN_LINES = 8
_SIZE = re.compile(r"(?P<file>[^\s/]+) \((?P<number>[\d.]+) (?P<unit>kB|MB|bytes)\)")
_MEGABYTES = {"MB": 1.0, "kB": 1e-3, "bytes": 1e-6}
_INSTALLS = "Installing collected packages"
_REMEDIES = {
    r"DO NOT MATCH THE HASHES": (
        "The package index gave other files than the locked ones. Use another index or mirror: PIP_INDEX_URL."
    ),
    r"Max retries|NewConnectionError|NameResolution|name resolution|Timeout|timed out|ProxyError|SSLError"
    r"|Could not find a version|No matching distribution": (
        "The packages could not be fetched. Check the network, or name a proxy or another index: HTTPS_PROXY, "
        "PIP_INDEX_URL, PIP_CERT."
    ),
}
_DISK_FULL = re.compile(r"No space left|Errno 28|Errno 122|quota exceeded", re.IGNORECASE)


def install(python: Path, locks: Sequence[Path], fetch_mb: int, begin: Callable[[], None]) -> str | None:
    """Install what the lock files pin into the environment of this Python; return why that failed, for people.

    ``fetch_mb`` is what they come to. ``begin`` is called when everything was fetched, before the first file is
    written.
    """
    command = [str(python), "-u", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    command += ["--progress-bar=off", "--require-hashes", "--no-deps", *(f"--requirement={lock}" for lock in locks)]
    last: deque[str] = deque(maxlen=200)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        errors="replace",
    ) as pip:  # fmt: skip
        try:
            for line in _shown(pip.stdout or (), fetch_mb):
                last.append(line)
                if line.startswith(_INSTALLS):
                    begin()
        except BaseException:
            pip.terminate()
            raise
    return None if pip.returncode == 0 else _explained(list(last), python)


def _shown(output: Iterable[str], fetch_mb: int) -> Iterator[str]:
    fetched_mb = 0.0
    for line in output:
        if (found := _SIZE.search(line)) and not line.startswith("WARNING"):
            fetched_mb += float(found["number"]) * _MEGABYTES[found["unit"]]
            _tell(f"  {min(fetched_mb, fetch_mb):.0f} of {fetch_mb} MB: {found['file'].split('-')[0]}")
        elif line.startswith(_INSTALLS):
            _tell("  Installing")
        yield line
    _tell("")


def _tell(text: str) -> None:
    """Show the text in place of the former one. Where nobody watches, nothing is said until it is done."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


def _explained(lines: Sequence[str], python: Path) -> str:
    said = "".join(lines)
    if _DISK_FULL.search(said):
        return disk_full(min(python.parent, Path(tempfile.gettempdir()), key=free_mb))
    remedy = next((text for pattern, text in _REMEDIES.items() if re.search(pattern, said)), "pip failed.")
    told = [line.rstrip() for line in lines if line.startswith(("ERROR", "WARNING", "  "))] or list(lines)
    return "\n  ".join([remedy, "pip said:", *(line.rstrip() for line in told[-_SHOWN_LINES:])])
