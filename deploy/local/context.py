"""Reads the files named in CONTEXT."""

import base64
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deploy.local.errors import LaunchError
from shared.contracts.commands import MAX_CONTEXT_FILES, ContextFile

MAX_BYTES = 24 * 1024 * 1024
"""Of all files as sent: a little under the gateway's body limit of 25 MiB."""


def read_context(paths: Sequence[Path]) -> list[ContextFile]:
    """The files as a job takes them: text where they are UTF-8, else base64."""
    if len(paths) > MAX_CONTEXT_FILES:
        msg = f"CONTEXT names {len(paths)} files; a job takes at most {MAX_CONTEXT_FILES}."
        raise LaunchError(msg)
    names = Counter(path.name for path in paths)
    files = [_read(path, path.name if names[path.name] == 1 else str(path)) for path in paths]
    size = sum(len((file.text or "").encode()) + len(file.content_base64 or "") for file in files)
    if size > MAX_BYTES:
        msg = f"The files in CONTEXT come to {size / 2**20:.0f} MiB as sent; {MAX_BYTES // 2**20} MiB are allowed."
        raise LaunchError(msg)
    return files


def _read(path: Path, name: str) -> ContextFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"Cannot read {path}, named in CONTEXT: {error.strerror}. Give existing files, separated by commas."
        raise LaunchError(msg) from error
    try:
        return ContextFile(name=name, text=content.decode())
    except UnicodeDecodeError:
        return ContextFile(name=name, content_base64=base64.b64encode(content).decode())
