"""Create, read and end jobs: what the gateway does with them."""

from shared.jobs.store import JobStore, NewJob

__all__ = ["JobStore", "NewJob"]
