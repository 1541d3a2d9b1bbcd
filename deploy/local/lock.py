"""Only one launcher may use a data folder: two Valkeys on one append-only file would ruin it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import LaunchError
from deploy.local.machine import is_disk_full


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder; raises LaunchError naming the process that has it. The kernel lets go when we die."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = (folder / "lock").open("a+")
    except OSError as error:
        if is_disk_full(error):
            raise
        msg = f"Cannot keep data in {folder}: {error.strerror}. Draftline needs to write to the folder it runs in."
        raise LaunchError(msg) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            msg = (
                f"Another launcher (process {holder}) uses {folder}. Use that one, or stop it with Ctrl-C "
                f"or `kill {holder}` and try again."
            )
            raise LaunchError(msg) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
