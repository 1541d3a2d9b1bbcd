"""How Redis fails, sorted by what one can do about it."""

import copy

from redis import exceptions


class RefusedForNowError(exceptions.RedisError):
    """The server takes no writes at the moment: its disk is full, its replicas are away, a script blocks it."""


class UnconfirmedError(exceptions.RedisError):
    """The master has the write, but no replica said in time that it has it too."""


REDIS_UNAVAILABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.ClusterError,
    exceptions.AskError,
    exceptions.TryAgainError,
    RefusedForNowError,
)
"""Redis cannot be used now; the same command may pass later."""
UNAVAILABLE = (*REDIS_UNAVAILABLE, OSError)
"""The same, with what the sockets raise by themselves."""
OUT_OF_MEMORY = exceptions.OutOfMemoryError
"""The server is full and refuses what would grow it."""
REFUSED = exceptions.ResponseError
"""The server understood and said no."""
NO_SCRIPT = exceptions.NoScriptError
"""The server was restarted, or is another one, and does not know the script."""
ANY = exceptions.RedisError
"""Everything redis-py raises."""

ELSEWHERE = (exceptions.ReadOnlyError, exceptions.ClusterError, exceptions.AskError, exceptions.TryAgainError)
"""Not carried out: another server is in charge now (MOVED is an ASK to redis-py), or will be."""
TIMED_OUT = (exceptions.TimeoutError, TimeoutError)
"""Nobody answered, and asking again takes as long."""
NO_REDIS = (exceptions.InvalidResponse, ValueError)
"""What answers does not speak Redis's protocol."""
LOST_BEFORE_WRITING = RuntimeError
"""What uvloop raises, where asyncio raises an OSError, when a connection ends between connect and the first write."""

_MAY_PASS = ("MISCONF", "NOREPLICAS", "BUSY ")


def told_when_it_may_pass(error: Exception) -> Exception:
    """The error as it is to be raised: refusals that may pass, for which redis-py has no class, get one of their own.

    Always a copy: one failure is told to many tasks, and each adds its frames.
    """
    if isinstance(error, REFUSED) and str(error).startswith(_MAY_PASS):
        return RefusedForNowError(str(error))
    return copy.copy(error)
