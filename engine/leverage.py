"""The most leverage at which a signal is stopped before it is liquidated."""

from engine.vocabulary import Market, Signal

MOST_LEVERAGE = 10
MAINTENANCE_RATIO = 0.01
"""Margin an exchange wants left, as a fraction of the position; what most pairs ask for lies below it."""
STOP_MARGIN = 1.25
"""Liquidation stands at least this many times as far from the entry as the stop."""


def most_leverage(signal: Signal) -> int | None:
    """Whole multiples from 1 to 10 on isolated margin; None on spot, where nothing is borrowed.

    A long of leverage L is liquidated when price has lost about 1/L less the maintenance margin; a short mirrors it.
    """
    if signal.market is Market.SPOT:
        return None
    stop_ratio = signal.risk / signal.entry
    return max(1, min(MOST_LEVERAGE, int(1.0 / (STOP_MARGIN * stop_ratio + MAINTENANCE_RATIO))))
