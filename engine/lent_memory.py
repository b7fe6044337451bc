"""Memory for what a run writes, lent again to the next one as soon as nobody looks at it any more.

Fresh memory is paid for page by page, when it is first written to: the system clears each page before it hands it out.
In a run over a million bars that is a sixth of all the time.
"""

import threading
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

Piece = NDArray[np.uint8]


class Lender(threading.local):
    """Keeps the newest piece of each thread; every array made of a piece keeps it from being lent again."""

    def __init__(self) -> None:
        self._memory: Piece = np.empty(0, np.uint8)
        self._lent: ReferenceType[Piece] | None = None

    def piece(self, size: int) -> Piece:
        """At least `size` bytes, aligned for every number, with anything in them."""
        if self._memory.size < size or (self._lent is not None and self._lent() is not None):
            self._memory = np.empty(size, np.uint8)
        # not a view of the array: arrays made of one would hold on to the array itself, and nothing would tell their end
        piece = np.frombuffer(self._memory.data, np.uint8)
        self._lent = ref(piece)
        return piece
