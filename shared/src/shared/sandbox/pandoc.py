"""The one place that knows how pandoc is started. It comes as a binary inside a wheel."""

from collections.abc import Sequence

import pypandoc

from shared.contracts.errors import PermanentError
from shared.sandbox.child import Ended, Limits, Sandbox

_HEAP = ("+RTS", "-M768M", "-RTS")
"""The runtime's own limit; it reserves address space beyond it, which is why the one of the process is higher."""
LIMITS = Limits(memory_bytes=2 << 30, cpu_seconds=30, seconds=60.0)


def pandoc_path() -> str:
    """Where the binary is; raises OSError where the wheel is not installed."""
    return str(pypandoc.get_pandoc_path())


class RenderingFailedError(PermanentError):
    code = "rendering_failed"
    meaning = "pandoc could not write the reference list or a file"
    advice = "Read the message; report it if the document is an ordinary one"


class Pandoc:
    """Converts documents; reads no file but those named by an option, and opens no connection."""

    def __init__(self, sandbox: Sandbox, limits: Limits = LIMITS) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._path = pandoc_path()

    async def ended(self, source: str, target: str, given: bytes, *options: str) -> Ended:
        """Convert, and say how it ended."""
        return await self._sandbox.run(command(self._path, source, target, *options), given, self._limits)

    async def convert(self, source: str, target: str, given: bytes, *options: str) -> bytes:
        """Convert what is our own; raises RenderingFailedError where it does not work."""
        ended = await self.ended(source, target, given, *options)
        if ended.reason is not None:
            raise RenderingFailedError(f"pandoc could not make {target} ({ended.reason}): {ended.complaint[-300:]}")
        return ended.output


def command(path: str, source: str, target: str, *options: str) -> Sequence[str]:
    """The arguments of a conversion from standard input to standard output."""
    return (path, "--sandbox", "--from", source, "--to", target, "--output", "-", *options, *_HEAP)
