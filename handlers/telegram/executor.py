"""The executor block: a signal in the form that programs which copy channels into orders read.

The pair on the first line, then `Entry Zone:`, `Take-Profit Targets:` and `Stop Targets:`, each with its prices below.
Prices are plain decimals of exactly the signal's floats: such a program takes an exponent or a thousands separator for
something else. A block is taken back by a reply that begins with `Cancel`, a filled one with `Close`.
"""

from collections.abc import Iterator

from engine.leverage import most_leverage
from engine.vocabulary import Direction, Market, Signal
from handlers.telegram.figures import exact
from services.announce import MessageKind

QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "EUR", "TRY", "BRL", "BTC", "ETH", "BNB")
"""What pairs are quoted in; of those that end a symbol the first one counts."""
EXECUTOR_KINDS = (MessageKind.ORDER, MessageKind.ORDER_CANCEL, MessageKind.ORDER_CLOSE)
NO_LEVERAGE = 1


def executor_lines(kind: MessageKind, signal: Signal, *, leverage: bool) -> tuple[str, ...]:
    """The lines of a message of one of EXECUTOR_KINDS; `leverage` puts the most in that is safe, else there is none."""
    match kind:
        case MessageKind.ORDER:
            return tuple(_order(signal, most_leverage(signal) if leverage else None))
        case MessageKind.ORDER_CANCEL:
            return (f"Cancel #{pair(signal.symbol)}",)
        case MessageKind.ORDER_CLOSE:
            return (f"Close #{pair(signal.symbol)}",)
        case _:
            raise ValueError(f"{kind.value} is nothing an executor reads")


def pair(symbol: str) -> str:
    """`BTCUSDT` as `BTC/USDT`; a symbol of unknown quote as it is."""
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return f"{symbol.removesuffix(quote)}/{quote}"
    return symbol


def _order(signal: Signal, leverage: int | None) -> Iterator[str]:
    yield f"#{pair(signal.symbol)}"
    yield f"Signal Type: Regular ({'Long' if signal.direction is Direction.LONG else 'Short'})"
    if signal.market is not Market.SPOT:
        yield f"Leverage: Isolated ({leverage or NO_LEVERAGE}X)"
    yield ""
    yield "Entry Zone:"
    yield f"{exact(signal.zone_low)} - {exact(signal.zone_high)}"
    yield ""
    yield "Take-Profit Targets:"
    for target in signal.targets:
        yield f"{target.no}) {exact(target.price)}"
    yield ""
    yield "Stop Targets:"
    yield f"1) {exact(signal.stop_loss)}"
