"""Becomes another program, on one core, that does not outlive who started it:
`launch.py CORE COMMAND...`.

A program of its own rather than a function in the forked child: the parent has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execvp(sys.argv[2], sys.argv[2:])
