"""Legacy words into the house's own: directions, outcomes, symbols, and the names one field goes by."""

import re
from functools import lru_cache

from engine.vocabulary import CloseReason, Direction, Outcome
from migrations.legacy.normal_form import System, Unusable

DIRECTION_FIELDS = ("signal", "signal_type", "type", "direction", "bias")
TIMEFRAME_FIELDS = ("timeframe", "tf")
ENTRY_FIELDS = ("entry_price", "entry")
STOP_FIELDS = ("sl_price", "sl", "stop_loss", "stop_loss_price")
TARGET_FIELDS = ("tp_price", "tp", "take_profit", "take_profit_price", "tp_prices")
NUMBERED_TARGET_FIELDS = ("tp1_price", "tp2_price", "tp3_price")
SHORT_NUMBERED_TARGET_FIELDS = ("tp1", "tp2", "tp3")
EXIT_FIELDS = ("exit_price",)
PNL_FIELDS = ("profit_loss_pct", "profit_pct", "profit_percent", "profit_loss_percent", "pnl_pct", "profit")
LOST_FIELDS = ("loss",)  # written with either sign
OUTCOME_FIELDS = ("outcome", "result")
STATUS_FIELDS = ("status",)
STATE_FIELDS = (*STATUS_FIELDS, *OUTCOME_FIELDS)
OPENED_FIELDS = ("timestamp", "opened_at", "entry_time", "entry_timestamp", "created_at")
VALID_UNTIL_FIELDS = ("valid_until",)
CLOSED_FIELDS = ("closed_at", "exit_timestamp", "exit_time")

DIRECTIONS = {
    **dict.fromkeys(("BUY", "STRONG_BUY", "LONG", "BULLISH"), Direction.LONG),
    **dict.fromkeys(("SELL", "STRONG_SELL", "SHORT", "BEARISH"), Direction.SHORT),
}
NO_DIRECTION = "HOLD"

OUTCOMES = {
    **dict.fromkeys(("WIN", "WON", "SUCCESS", "TP", "TP1", "TP2", "TP3", "TP_HIT", "TP_REACHED"), Outcome.WIN),
    **dict.fromkeys(("LOSS", "LOST", "FAILED", "SL", "SL_HIT"), Outcome.LOSS),
    **dict.fromkeys(("BREAKEVEN", "BE"), Outcome.BREAKEVEN),
}
BY_PNL = frozenset({"MANUAL_CLOSE", "EARLY_EXIT", "COMPLETED", "CLOSED"})
UNRESOLVED = frozenset(
    {"", "PENDING", "ACTIVE", "OPEN", "PARTIAL", "TIMEOUT", "EXPIRED", "CANCELLED", "80_PERCENT_ALERTED"}
)
CLOSE_REASONS = {
    **dict.fromkeys(("TP", "TP1", "TP2", "TP3", "TP_HIT", "TP_REACHED"), CloseReason.TAKE_PROFIT),
    **dict.fromkeys(("SL", "SL_HIT"), CloseReason.STOP_LOSS),
    **dict.fromkeys(("BE",), CloseReason.BREAK_EVEN),
    **dict.fromkeys(("MANUAL_CLOSE", "EARLY_EXIT"), CloseReason.MANUAL),
}

TEST_SYMBOLS = frozenset({"TEST", "FINAL_TEST", "OLD_FORMAT"})
# systems whose rule is to name the coin alone and to trade it against USDT
COIN_SYSTEMS = frozenset({System.SNIPER, System.ICT_MONITOR})
QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "EUR", "GBP", "TRY", "BRL", "BTC", "ETH", "BNB")

WORDS_REMEMBERED = 4_096
_SYMBOL = re.compile(r"[A-Z0-9]{2,30}")
_PAIR_SPELLING = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+)(?::[A-Z0-9]+)?")


def direction_of(word: str) -> Direction:
    """The direction a legacy word means; Unusable for HOLD and for words nobody wrote."""
    direction = DIRECTIONS.get(word) or DIRECTIONS.get(word.strip().upper())
    if direction is None:
        spelled = word.strip().upper()
        raise Unusable("HOLD is no trade" if spelled == NO_DIRECTION else f"{shown(word)} is no direction")
    return direction


@lru_cache(maxsize=WORDS_REMEMBERED)
def symbol_of(word: str, system: System) -> str:
    """The pair a legacy word means: 'BTC' is 'BTCUSDT' only where its system's own rule says so."""
    symbol = word.strip().upper()
    if symbol in TEST_SYMBOLS or symbol.startswith("TEST"):
        raise Unusable(f"test row: the symbol is {shown(word)}")
    if spelled := _PAIR_SPELLING.fullmatch(symbol):
        symbol = spelled[1] + spelled[2]
    if not _SYMBOL.fullmatch(symbol):
        raise Unusable(f"{shown(word)} is no symbol")
    if system in COIN_SYSTEMS and not _names_a_pair(symbol):
        return f"{symbol}USDT"
    if not _names_a_pair(symbol):
        raise Unusable(f"{shown(word)} names no quote currency, and this file's source has no rule for one")
    return symbol


def shown(value: object, limit: int = 40) -> str:
    """A foreign value as a receipt may show it: short, printable, never half a character."""
    text = ascii(value)
    return text if len(text) <= limit else f"{text[:limit]}..."


def _names_a_pair(symbol: str) -> bool:
    return any(symbol.endswith(quote) and symbol != quote for quote in QUOTES)
