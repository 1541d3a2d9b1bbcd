"""Leases: how a job has one owner at a time, although owners die, stall and lose their network.

A worker that claims a job (fetch) gets a *fence*, a number that grows with every change of hands, and a *lease*,
an entry in the sorted set ``leases:<kind>`` whose score is the time the lease ends, by the clock of Redis.

Redis decides. Everything an owner writes (events, artifacts, checkpoints, the result, the end) goes through a script
that compares the owner's fence with the job's. A stale owner is refused there, whatever it believes, so two workers
may compute the same job but only one can write.

The worker is polite. A keeper renews the leases of all its jobs in one call, every third of the lease, on a connection
of its own, so that neither a blocking read nor a large write can delay it. From the moment *before* it sent the last
successful renewal it counts one lease by its own monotonic clock, less a margin for clocks that run at different
speeds; when that time is over it trusts its lease no longer and cancels the handler, even though no reply told it to.
So a worker that is cut off stops paying for model calls at about the time another may start.

Take-over needs no message. A lease that ended is found by the next fetch of any worker, which raises the fence,
counts an attempt and starts the job again from its checkpoint. The stream entry stays pending through all of this:
it says "not settled", never who works on it, so nothing has to be claimed or transferred in the pending list.

Release ends a lease at once instead of letting it run out: the job is queued again with its attempt given back, its
entry and so its place unchanged, and the workers are woken. Cancellation sets a flag: the owner hears of it through
the control stream or at the latest with its next renewal, stops, and settles; if the owner is dead, the next fetch
settles.

A lost reply is told apart from a crash. Each fetch of a worker has a number, which its claims leave in the record. When
a fetch went unanswered, the worker first gives back (reconcile) what was claimed under later numbers than the last
answered one: nobody works on those jobs, and their attempt was none. What a worker did receive is never given back so,
whatever became of it; there its lease runs out, and the attempt counts.
"""

from shared.leases.keeper import Ending, Held, LeaseKeeper

__all__ = ["Ending", "Held", "LeaseKeeper"]
