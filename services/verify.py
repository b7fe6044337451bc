"""The book's identities, always true to this minute: asked anew of a small book, of a large one after the hourly look.

A look over a whole large book takes long, so it is a job. Whoever asks in between gets what it found, and every
identity asked again of what has been written since.
"""

from dataclasses import dataclass

from engine.params import Params
from engine.timeframes import DAY_MS
from ml.features import FEATURES_VERSION
from storage.book import Book
from storage.health import row_count, size_bytes
from storage.identities import Identity, covered, identities, integrity
from storage.stores import Stores
from storage.training import count_labelled
from storage.verified import Verified, last_verified

ON_THE_SPOT_ROWS = 50_000
ON_THE_SPOT_BYTES = 8_000_000
"""Up to this size SQLite looks over the whole file every time; of a larger one it looks over every hourly backup."""

LOOKED_AGAIN_MS = 2 * DAY_MS
"""A close that is booked late, after the bot was down, lies this far back at the most."""


@dataclass(frozen=True, slots=True)
class Truths:
    """The identities as they are now; `verified_ms` is when the whole book was looked through, None for just now."""

    identities: tuple[Identity, ...]
    labelled: int
    verified_ms: int | None

    @property
    def difference(self) -> str | None:
        """The first that does not hold, in words; None when all do."""
        broken = next((truth for truth in self.identities if not truth.holds), None)
        return None if broken is None else f"{broken.name}: {broken.detail or broken.value}"


def verify_book(book: Book, params: Params, now_ms: int) -> Verified:
    """Look through the whole book; takes seconds for a million rows, and nobody waits for it."""
    with book.reading() as view:
        return verify(view, params, now_ms)


def verify(view: Stores, params: Params, now_ms: int) -> Verified:
    """The same on a view that is open already."""
    return Verified(
        at_ms=now_ms,
        covered=covered(view, now_ms - LOOKED_AGAIN_MS),
        truths=identities(view),
        labelled=count_labelled(view.connection, FEATURES_VERSION, params.hash),
    )


def truths(view: Stores, params: Params, now_ms: int) -> Truths:
    """The identities of the book as it stands in this view, in a time that does not grow with the book."""
    if row_count(view) <= ON_THE_SPOT_ROWS:
        now = verify(view, params, now_ms)
        sound = integrity(view) if size_bytes(view) <= ON_THE_SPOT_BYTES else ()
        return Truths((*sound, *now.truths), now.labelled, None)
    last = last_verified(view.meta)
    if last is None:
        now = verify(view, params, now_ms)
        return Truths(now.truths, now.labelled, None)
    newer = {truth.name: truth for truth in identities(view, last.covered)}
    found = tuple(_both(truth, newer.pop(truth.name, truth)) for truth in last.truths)
    return Truths((*found, *newer.values()), last.labelled, last.at_ms)


def _both(whole: Identity, newer: Identity) -> Identity:
    """What held over the whole book must hold for what is newer, too."""
    return newer if whole.holds and not newer.holds else whole
