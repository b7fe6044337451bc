"""Memory that was freed goes back to the system, in a process that runs for months.

glibc gives each thread a pool of its own, and each keeps the most that any job in it ever needed: looks, copies and
checks run in threads, so that a bot grows for weeks without holding more. Other C libraries are left alone.
"""

import ctypes
import sys


def give_back() -> None:
    """Hand what is free in the pools back to the system; milliseconds, in which other threads may have to wait."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc alone has it
        libc.malloc_trim(ctypes.c_size_t(0))
