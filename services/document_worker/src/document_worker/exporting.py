"""Files of finished documents, as they are asked for."""

from dataclasses import dataclass

from pydantic import ConfigDict

from document_worker.export import Exporter
from shared.contracts.document import DocumentResult
from shared.contracts.exports import ExportFormat
from shared.lifecycle.clock import Clock


class _Result(DocumentResult):
    """As it is stored: with the usage that the settling script added."""

    model_config = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True)
class DocumentExporter:
    """What the export desk calls."""

    exporter: Exporter
    clock: Clock

    async def __call__(self, result: bytes, file_format: ExportFormat, /) -> bytes:
        """The file; raises ExportFailedError or ExportFontMissingError."""
        document = _Result.model_validate_json(result).document
        made = await self.exporter.export(document, file_format, self.clock.now())
        return made.content
