"""The worker runtime: claims jobs, runs a handler on each, writes its events, settles it."""

from shared.streams.consumer import Consumer
from shared.streams.session import Handler, Session

__all__ = ["Consumer", "Handler", "Session"]
