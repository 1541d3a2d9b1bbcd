"""A section's text while it is written."""

from collections.abc import Callable

from document_worker.pipeline.state import DocumentContext

REVISIONS_PER_FENCE = 1_000


class StreamedText:
    """A section's text on its way to the readers. Its revisions grow over attempts without being stored: each claim
    has a higher fence.
    """

    def __init__(self, context: DocumentContext, section_id: str) -> None:
        self._context = context
        self._section_id = section_id
        self._base = ""
        self.revision = context.revisions.get(section_id, context.fence * REVISIONS_PER_FENCE - 1) + 1
        context.revisions[section_id] = self.revision
        self.shown = ""
        self.on_first: Callable[[], None] | None = None
        """Called once, when the first text has come."""

    def write(self, text: str) -> None:
        self.shown += text
        self._context.pace.written(self._section_id, len(self.shown))
        if self.on_first is not None:
            self.on_first()
            self.on_first = None
        self._context.desk.text(self._section_id, self.revision, text)

    def restart(self) -> None:
        """The answer under way begins again; what was whole before it stays."""
        self.replace(self._base)

    def keep(self) -> None:
        """What is shown now is whole."""
        self._base = self.shown

    def begin(self, text: str) -> None:
        """Show another text, which is whole; an answer that follows is added to it."""
        self.replace(text)
        self.keep()

    def replace(self, text: str) -> None:
        """Show another text from the beginning."""
        self.revision += 1
        self._context.revisions[self._section_id] = self.revision
        self.shown = ""
        # A text that is written again is not nearly finished.
        self._context.pace.written(self._section_id, 0)
        if text:
            self.write(text)
