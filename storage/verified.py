"""What the last look over the whole book found, and what checks of its backups said, kept for those who cannot wait."""

from dataclasses import asdict, dataclass
from typing import Any

from storage.backup import Depth
from storage.codec import decoded, encoded
from storage.identities import Covered, Identity
from storage.meta import Meta
from storage.publications import ChainCheck

VERIFIED_KEY = "verify.last"
SOUNDNESS_KEY = "soundness."


@dataclass(frozen=True, slots=True)
class Verified:
    """Every identity over the whole book as it stood at `at_ms`, up to the rows in `covered`; `labelled` trades then."""

    at_ms: int
    covered: Covered
    truths: tuple[Identity, ...]
    labelled: int


@dataclass(frozen=True, slots=True)
class Soundness:
    """What SQLite said of the newest backup; `problem` is None when it found none."""

    at_ms: int
    backup: str
    problem: str | None


def keep_verified(meta: Meta, verified: Verified) -> None:
    """Write it over the one before."""
    meta.set(VERIFIED_KEY, encoded(asdict(verified)))


def last_verified(meta: Meta) -> Verified | None:
    """The last look over the whole book; None when there was none."""
    text = meta.get(VERIFIED_KEY)
    if text is None:
        return None
    stored: dict[str, Any] = decoded(text)
    reach = stored["covered"]
    return Verified(
        at_ms=stored["at_ms"],
        covered=Covered(reach["ledger_id"], reach["fill_id"], ChainCheck(**reach["publications"]), reach["closed_ms"]),
        truths=tuple(Identity(**truth) for truth in stored["truths"]),
        labelled=stored["labelled"],
    )


def keep_soundness(meta: Meta, depth: Depth, found: Soundness) -> None:
    """Write it over the one before of the same depth."""
    meta.set(SOUNDNESS_KEY + depth.value, encoded(asdict(found)))


def last_soundness(meta: Meta, depth: Depth) -> Soundness | None:
    """What the last check of this depth said; None when there was none."""
    text = meta.get(SOUNDNESS_KEY + depth.value)
    return None if text is None else Soundness(**decoded(text))
