"""Readers of foreign file formats. They run in the limited child of ``shared.reading.reading`` and nowhere else."""
