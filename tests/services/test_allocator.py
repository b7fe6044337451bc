"""Freed memory goes back: seen in a process of its own, by what the system says it holds."""

import platform
import subprocess
import sys

import pytest

PROBE = """
import ctypes, threading
from services.allocator import give_back
from services.vitals import vitals

BLOCKS, BYTES = 10_000, 2_000
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def work():
    blocks = [libc.malloc(BYTES) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BYTES)
    libc.malloc(BYTES)  # stands at the end of the pool, which therefore keeps what is below it
    for block in blocks:
        libc.free(block)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
kept = vitals().memory_bytes
give_back()
print(kept - vitals().memory_bytes)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps pools by thread")
def test_what_threads_freed_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True)
    assert int(done.stdout) > 15_000_000
