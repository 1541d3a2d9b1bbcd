"""Starts a program that dies with the launcher, even if the launcher is killed.

Run as a script: ``tether.py <launcher's pid> <program> <argument>...``. The kernel's promise is asked for in the
process that then becomes the program; asking between fork and exec would run Python code in a forked child.
SIGKILL, since a worker that drained for half a minute would hold its port while the launcher is started again;
its jobs are taken over as after any crash. Linux only: elsewhere the program is just started.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(launcher: int, program: list[str]) -> None:
    """Become the program, unless the launcher has died meanwhile."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != launcher:
            sys.exit(1)
    os.execv(program[0], program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
