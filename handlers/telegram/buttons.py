"""Buttons that prove themselves: each carries version, action, argument, owner, expiry and nonce under a MAC.

Telegram gives a bot 64 bytes a button and lets any client send any of them back, so nothing in it is believed that
the book's secret does not vouch for.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from engine.timeframes import DAY_MS, MINUTE_MS
from services.post import Button
from storage.codec import Json
from storage.events import SYSTEM
from storage.stores import Stores

VERSION = "1"
SECRET_KEY = "buttons.secret"
MOST_BYTES = 64
SECRET_BYTES = 32
NONCE_BYTES = 4
MAC_CHARACTERS = 10  # 60 bits: a guess takes longer than any button lives
EVERYBODY = 0
"""The owner of buttons that whoever is let in may press."""
LASTS_MS = DAY_MS
CONFIRMATION_LASTS_MS = 2 * MINUTE_MS
CONFIRMED = "+"
SEPARATOR = ":"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class ButtonError(Exception):
    """A button that is not done; `key` of the catalogue says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Press:
    """What a button says that proved itself; `once` names it among all there ever were."""

    action: str
    argument: str
    owner: int
    is_confirmed: bool
    once: str


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes buttons and reads them; `nonce` gives a text that no other button has."""

    secret: bytes
    now_ms: int
    nonce: Callable[[], str] = lambda: secrets.token_urlsafe(NONCE_BYTES)

    @staticmethod
    def of(stores: Stores, now_ms: int) -> "Mint":
        """The mint of a book that has its secret; LookupError when it does not."""
        held = stores.settings.get(SECRET_KEY)
        if held is None:
            raise LookupError("The book has no secret for buttons yet.")
        return Mint(_secret(held.value), now_ms)

    @staticmethod
    def ensured(tx: Stores, now_ms: int) -> "Mint":
        """The mint of a book, which gets its secret now if it has none."""
        if tx.settings.get(SECRET_KEY) is None:
            tx.settings.set(SECRET_KEY, secrets.token_hex(SECRET_BYTES), SYSTEM, now_ms)
        return Mint.of(tx, now_ms)

    def button(
        self,
        label: str,
        action: str,
        argument: str = "",
        owner: int = EVERYBODY,
        *,
        lasts_ms: int = LASTS_MS,
        is_confirmed: bool = False,
    ) -> Button:
        """A button for `owner` (a Telegram id); ValueError when its data would not fit into what Telegram carries."""
        expiry_min = -(-(self.now_ms + lasts_ms) // MINUTE_MS)
        name = action + (CONFIRMED if is_confirmed else "")
        parts = (VERSION, name, argument, in_36(owner), in_36(expiry_min), self.nonce())
        if any(SEPARATOR in part for part in parts):
            raise ValueError(f"{argument!r} cannot stand in a button")
        said = SEPARATOR.join(parts)
        data = f"{said}{SEPARATOR}{self._mac(said)}"
        if len(data.encode()) > MOST_BYTES:
            raise ValueError(f"a button carries {MOST_BYTES} bytes, not {data!r}")
        return Button(label, data)

    def read(self, data: str, user_id: int) -> Press:
        """What a pressed button says; ButtonError when it is forged, old, expired or somebody else's."""
        said, _, mac = data.rpartition(SEPARATOR)
        parts = said.split(SEPARATOR)
        if parts[0] != VERSION:
            raise ButtonError("button.old")
        if len(parts) != 6 or not hmac.compare_digest(mac.encode(), self._mac(said).encode()):
            raise ButtonError("button.forged")
        _, name, argument, owner, expiry_min, _ = parts
        if int(expiry_min, 36) * MINUTE_MS <= self.now_ms:
            raise ButtonError("button.expired")
        if int(owner, 36) not in (EVERYBODY, user_id):
            raise ButtonError("button.not_yours")
        return Press(name.removesuffix(CONFIRMED), argument, int(owner, 36), name.endswith(CONFIRMED), said)

    def _mac(self, said: str) -> str:
        digest = hmac.digest(self.secret, said.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode()[:MAC_CHARACTERS]


def in_36(number: int) -> str:
    """A number in as few letters and digits as `int(text, 36)` reads; ValueError below 0 (no button belongs to a group)."""
    if number < 0:
        raise ValueError(f"{number} is below 0")
    text = DIGITS[number % 36]
    while number := number // 36:
        text = DIGITS[number % 36] + text
    return text


def _secret(value: Json) -> bytes:
    return bytes.fromhex(str(value))
