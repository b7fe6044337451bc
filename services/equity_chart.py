"""The equity curve of a report as PNG: the account's balance, and below it what each period made in R."""

from itertools import pairwise

from services.chart_canvas import HEIGHT, WIDTH, Anchor, Canvas, Weight
from services.chart_layout import MONTHS, Box, price_ticks
from services.chart_panel import (
    BAD,
    FACTS,
    FAINT,
    GOOD,
    GREY,
    MARGIN,
    NOTE,
    PANEL,
    SMALL,
    SUBTITLE,
    TITLE,
    WHITE,
)
from services.equity import Equity, PeriodResult
from storage.snapshots import SnapshotPeriod

BALANCE = Box(MARGIN, 600.0, 900.0, 1100.0)
RESULTS = Box(MARGIN, 150.0, 900.0, 500.0)
SCALE_LEFT = BALANCE.right + 16.0
TICKS = 6
DATES = 6
PADDING_RATIO = 0.08
FLAT_RATIO = 0.01  # a balance that never moved is shown in the middle of this share of itself
LEAST_R = 0.5  # results smaller than this do not fill the frame
BODY_RATIO = 0.7
TITLES = {SnapshotPeriod.DAY: "Daily", SnapshotPeriod.WEEK: "Weekly", SnapshotPeriod.MONTH: "Monthly"}


def equity_chart(equity: Equity) -> bytes:
    """PNG of 1080 x 1350; the same input gives the same bytes."""
    return draw_equity(equity).png()


def draw_equity(equity: Equity) -> Canvas:
    """The canvas behind `equity_chart`."""
    canvas = Canvas()
    _paint_header(canvas, equity)
    last = _columns(equity)[-1]
    for frame in (BALANCE, RESULTS):
        canvas.rectangle(Box(last[0], frame.bottom, last[1], frame.top), WHITE, 0.06)
    _paint_balance(canvas, equity)
    _paint_results(canvas, equity)
    _paint_dates(canvas, equity)
    return canvas


def _paint_header(canvas: Canvas, equity: Equity) -> None:
    result, top = equity.results[-1], HEIGHT - 66.0
    color = _color(result.total_r)
    box = Box(WIDTH - MARGIN - 190.0, HEIGHT - 170.0, WIDTH - MARGIN, HEIGHT - 32.0)
    x, room = box.middle[0], box.width - 24.0
    canvas.pill(box, PANEL, color, radius=18.0)
    big = f"{result.total_r:+.2f}R" if result.n else "-"
    canvas.text(x, box.top - 54.0, big, TITLE, color, weight=Weight.BOLD, anchor=Anchor.CENTER, width=room)
    closed = f"{result.n} closed"
    canvas.text(x, box.bottom + 32.0, closed, NOTE, GREY, anchor=Anchor.CENTER, width=room)
    width = box.left - MARGIN - 24.0
    title = f"{TITLES[equity.period]} {result.first:%Y-%m-%d}"
    canvas.text(MARGIN, top, title, TITLE, WHITE, weight=Weight.BOLD, width=width)
    canvas.text(MARGIN, top - 62.0, _account(equity), SUBTITLE, WHITE, width=width)
    canvas.text(MARGIN, top - 108.0, f"after costs  ·  days of {equity.zone}", FACTS, GREY, width=width)


def _paint_balance(canvas: Canvas, equity: Equity) -> None:
    """The balance as steps, each level until the next change."""
    if not equity.balances:
        return
    amounts = [balance.amount for balance in equity.balances]
    low, high = _range(min(amounts), max(amounts))
    canvas.text(BALANCE.left, BALANCE.top + 24.0, "balance", SMALL, GREY)

    def y(amount: float) -> float:
        return BALANCE.bottom + (amount - low) / (high - low) * BALANCE.height

    ticks, decimals = price_ticks(low, high, TICKS)
    for tick in ticks:
        canvas.line([(BALANCE.left, y(tick)), (BALANCE.right, y(tick))], FAINT, 1.0)
        canvas.text(SCALE_LEFT, y(tick), f"{tick:,.{decimals}f}", SMALL, GREY, width=WIDTH - SCALE_LEFT - 8.0)
    points = [(_x(equity, equity.balances[0].at_ms), y(amounts[0]))]
    for before, after in pairwise(equity.balances):
        x = _x(equity, after.at_ms)
        points += [(x, y(before.amount)), (x, y(after.amount))]
    points.append((BALANCE.right, y(amounts[-1])))
    canvas.line([(BALANCE.left, y(amounts[0])), (BALANCE.right, y(amounts[0]))], GREY, 1.5, dashes=True)
    canvas.line(points, _color(amounts[-1] - amounts[0]), 4.0)


def _paint_results(canvas: Canvas, equity: Equity) -> None:
    """One column a period, up for what was won and down for what was lost, with the sum on each end of the scale."""
    totals = [result.total_r for result in equity.results]
    most = max(LEAST_R, *map(abs, totals))
    middle = RESULTS.middle[1]
    canvas.text(RESULTS.left, RESULTS.top + 24.0, f"R a {equity.period.value}", SMALL, GREY)
    for value in (most, 0.0, -most):
        level = middle + value / most * RESULTS.height / 2
        canvas.line([(RESULTS.left, level), (RESULTS.right, level)], FAINT if value else GREY, 1.0)
        canvas.text(SCALE_LEFT, level, f"{value:+.1f}R" if value else "0", SMALL, GREY)
    for (left, right), total in zip(_columns(equity), totals, strict=True):
        if total:
            inset = (right - left) * (1 - BODY_RATIO) / 2
            end = middle + total / most * RESULTS.height / 2
            canvas.rectangle(Box(left + inset, min(middle, end), right - inset, max(middle, end)), _color(total), 0.9)


def _paint_dates(canvas: Canvas, equity: Equity) -> None:
    columns = list(zip(_columns(equity), equity.results, strict=True))
    step = -(-len(columns) // DATES)
    for (left, right), result in reversed(columns[::-step]):
        canvas.text((left + right) / 2, RESULTS.bottom - 26.0, _date(equity, result), SMALL, GREY, anchor=Anchor.CENTER)
    canvas.line([(MARGIN, 76.0), (WIDTH - MARGIN, 76.0)], FAINT, 1.5)
    canvas.text(MARGIN, 42.0, "every sent signal that closed, each at its own risk", NOTE, GREY)


def _account(equity: Equity) -> str:
    if not equity.balances:
        return "no paper account yet"
    return f"paper account {equity.balances[-1].amount:,.2f}, was {equity.balances[0].amount:,.2f}"


def _date(equity: Equity, result: PeriodResult) -> str:
    month = MONTHS[result.first.month - 1]
    return month if equity.period is SnapshotPeriod.MONTH else f"{result.first.day} {month}"


def _columns(equity: Equity) -> list[tuple[float, float]]:
    """Left and right of every period."""
    return [(_x(equity, result.span.from_ms), _x(equity, result.span.to_ms)) for result in equity.results]


def _x(equity: Equity, at_ms: int) -> float:
    span = equity.span
    return BALANCE.left + (at_ms - span.from_ms) / (span.to_ms - span.from_ms) * BALANCE.width


def _range(low: float, high: float) -> tuple[float, float]:
    margin = max(PADDING_RATIO * (high - low), FLAT_RATIO * max(abs(high), 1.0) if high == low else 0.0)
    return low - margin, high + margin


def _color(value: float) -> str:
    if not value:
        return WHITE
    return GOOD if value > 0 else BAD
