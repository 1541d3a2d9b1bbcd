"""Files made of finished documents, beside the jobs."""

from shared.exports.making import AT_ONCE, Exporter, ExportLimits, ExportMaker

__all__ = ["AT_ONCE", "ExportLimits", "ExportMaker", "Exporter"]
