"""Work on foreign bytes, done in child processes that cannot take more than their share.

Parsers and renderers meet files that nobody has vouched for. They run with limits on memory, CPU, output and time,
without the service's environment (and so without its keys), and are killed with their process group.
"""

from shared.sandbox.child import Ended, Limits, Reason, Sandbox
from shared.sandbox.pandoc import Pandoc, RenderingFailedError

__all__ = ["Ended", "Limits", "Pandoc", "Reason", "RenderingFailedError", "Sandbox"]
