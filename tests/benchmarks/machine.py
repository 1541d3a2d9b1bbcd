"""What the figures were measured on."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from tests.support.servers import server_binaries

LIBRARIES = ("redis", "hiredis", "uvloop", "langgraph", "openai", "httpx2", "uvicorn", "fastapi", "pydantic")


def machine() -> dict[str, str]:
    """Processor, cores, memory, kernel."""
    return {
        "processor": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.processor() or "unknown",
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _memory(),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Python, the server, and the libraries that matter for speed."""
    server = subprocess.run(
        [server_binaries()["valkey9"], "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"v=(\S+)", server)
    libraries = {name: importlib.metadata.version(name) for name in LIBRARIES if _installed(name)}
    return {"Python": platform.python_version(), "Valkey": found[1] if found else "unknown", **libraries}


def _installed(name: str) -> bool:
    return any(importlib.metadata.Distribution.discover(name=name))


def _memory() -> str:
    found = _first(r"MemTotal:\s+(\d+)", Path("/proc/meminfo"))
    return f"{int(found) / 2**20:.1f} GiB" if found else "unknown"


def _first(pattern: str, path: Path) -> str | None:
    found = re.search(pattern, path.read_text(encoding="utf-8")) if path.exists() else None
    return found[1].strip() if found else None
