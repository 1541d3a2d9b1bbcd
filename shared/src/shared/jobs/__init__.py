"""Create, read, list and end jobs: what the gateway does with them."""

from shared.jobs.listing import JobLists, Page
from shared.jobs.store import JobStore

__all__ = ["JobLists", "JobStore", "Page"]
