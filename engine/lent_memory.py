"""Memory for what a run writes, lent again to the next one as soon as nobody looks at it any more.

Fresh memory is paid for page by page, when it is first written to: the system clears each page before it hands it out.
In a run over a million bars that is a sixth of all the time.
"""

from weakref import finalize

import numpy as np
from numpy.typing import NDArray

Piece = NDArray[np.uint8]


class Lender:
    """Keeps the piece that came back last; every array made of a piece keeps it from coming back."""

    def __init__(self) -> None:
        self._spare: list[Piece] = []

    def piece(self, size: int) -> Piece:
        """At least `size` bytes, aligned for every number, with anything in them."""
        try:
            memory = self._spare.pop()  # at once, so that of two threads one alone gets it
        except IndexError:
            memory = np.empty(size, np.uint8)
        if memory.size < size:
            memory = np.empty(size, np.uint8)
        # not a view of the array: arrays made of one would hold on to the array itself, and nothing would tell their end
        piece = np.frombuffer(memory.data, np.uint8)
        finalize(piece, self._take_back, memory).atexit = False
        return piece

    def _take_back(self, memory: Piece) -> None:
        self._spare[:] = [memory]
