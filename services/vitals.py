"""What this process takes of the machine, as the system tells it; where it does not, None."""

import os
import resource
import sys
from pathlib import Path

from storage.pulse import Vitals

STATM = Path("/proc/self/statm")
OPEN_FILES = Path("/proc/self/fd")
PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1_024


def vitals() -> Vitals:
    """Memory held now (where only the peak is told, the peak) and files open now."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Vitals(_memory_bytes(), _open_files(), None if most == resource.RLIM_INFINITY else most)


def _memory_bytes() -> int:
    if STATM.exists():
        resident_pages = int(STATM.read_text(encoding="ascii").split()[1])
        return resident_pages * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT_BYTES


def _open_files() -> int | None:
    return len(list(OPEN_FILES.iterdir())) if OPEN_FILES.is_dir() else None
