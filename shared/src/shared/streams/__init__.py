"""The worker runtime: claims jobs, runs a handler on each, writes its events, settles it."""

from shared.streams.consumer import Consumer, Worker
from shared.streams.desk import Desk
from shared.streams.exporting import Exporter
from shared.streams.outcome import HandOver
from shared.streams.session import Handler, Session
from shared.streams.worker import run_worker

__all__ = ["Consumer", "Desk", "Exporter", "HandOver", "Handler", "Session", "Worker", "run_worker"]
