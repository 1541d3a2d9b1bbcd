"""Faults against real processes: `make chaos`. docs/promises.md says what has to hold, and which fault tests it."""
