"""Fetches what only PDF files need, once the first document is shown."""

import asyncio
import importlib.util
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.environment import PACKAGES, ROOT

FETCH = (sys.executable, "-m", "deploy.local.environment", "serve")


def missing() -> bool:
    """Return whether they can be fetched and are not there; only the environment of the checkout is ours to change."""
    return Path(sys.prefix) == ROOT / ".venv" and importlib.util.find_spec("typst") is None


async def fetch(say: Callable[[str], None], program: Sequence[str] = FETCH) -> None:
    """Install them. A failure is said and not raised, because everything else works without them."""
    say(f"Fetching what PDF files need, once: {PACKAGES['pdf'].fetch_mb} MB.")
    fetching = await asyncio.create_subprocess_exec(
        *program, cwd=ROOT, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
    )
    try:
        _, complaint = await fetching.communicate()
    except asyncio.CancelledError:
        fetching.terminate()
        await fetching.wait()
        raise
    if fetching.returncode != 0:
        say(f"{complaint.decode(errors='replace').strip()}\nServing without PDF files; the next start tries again.")
