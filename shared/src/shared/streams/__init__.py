"""The worker runtime: claims jobs, runs a handler on each, writes its events, settles it."""

from shared.streams.desk import Desk
from shared.streams.outcome import HandOver
from shared.streams.session import Handler, Session
from shared.streams.worker import Tuning, Worker, WorkerRuntime, run_worker

__all__ = ["Desk", "HandOver", "Handler", "Session", "Tuning", "Worker", "WorkerRuntime", "run_worker"]
