"""A row of a journal, a statistic or a position table, under whatever names, into one `LegacyTrade`."""

from dataclasses import dataclass

from engine.timeframes import Timeframe
from engine.vocabulary import BREAKEVEN_BAND_R, CloseReason, Direction, Outcome
from migrations.legacy import words
from migrations.legacy.fakes import made_up
from migrations.legacy.normal_form import LegacyClose, LegacyTrade, System, Unusable
from migrations.legacy.rows import Row
from migrations.legacy.times import US_PER_HOUR, Clock
from migrations.legacy.words import shown

MOST_TARGETS = 3
SIZE_REPAIR = "size unknown: booked at 100 USDT"
EXIT_TOLERANCE_PCT = 0.5  # fees lie between an exit price and the P/L a bot noted; more is a contradiction
EXIT_ROUNDING_PCT = 0.01
NOTED_PERCENT_LIMIT = 100.0
LONGEST_TRADE_HOURS = 10 * 365 * 24


@dataclass(frozen=True, slots=True)
class TradeRules:
    """How the rows of one file are to be read; a timeframe is None where the source has none."""

    system: System
    clock: Clock
    needs_timeframe: bool = True


def read_trade(row: Row, rules: TradeRules) -> LegacyTrade:
    """The trade of a row; Unusable with the reason when it cannot have been one."""
    symbol = words.symbol_of(row.required_word(("symbol", "coin")), rules.system)
    entry = row.price(words.ENTRY_FIELDS, "entry")
    if (reason := made_up(row.fields, symbol, entry)) is not None:
        raise Unusable(reason)
    direction = words.direction_of(row.required_word(words.DIRECTION_FIELDS))
    stop = row.price(words.STOP_FIELDS, "stop")
    targets = _targets(row, direction)
    _check_sides(direction, entry, stop, targets)
    opened_us = row.instant(words.OPENED_FIELDS, rules.clock)
    timeframe = timeframe_of(row, rules)
    confidence = confidence_of(row)
    valid_until_us = row.instant_until(words.VALID_UNTIL_FIELDS, rules.clock)
    trade = LegacyTrade(
        rules.system, symbol, timeframe, direction, opened_us, entry, stop, targets, confidence, valid_until_us, None
    )
    return end_of(trade, row, rules.clock)


def end_of(trade: LegacyTrade, row: Row, clock: Clock) -> LegacyTrade:
    """The trade with the end that the row records, or as it is where it records none.

    Unusable when outcome, P/L and exit price contradict each other.
    """
    ended = _outcome(row)
    if ended is None:
        return trade
    exit_price = row.price(words.EXIT_FIELDS, "exit") if row.has(words.EXIT_FIELDS) else None
    noted_pct = _noted_pct(row)
    pnl_pct = _pnl_pct(trade, ended, exit_price, noted_pct, row)
    outcome = ended.outcome or _outcome_of_sign(pnl_pct)
    price = _price_at(trade, pnl_pct)
    close = LegacyClose(
        closed_us=_closed_us(trade, row, clock),
        exit_price=price,
        pnl_pct=pnl_pct,
        outcome=outcome,
        reason=words.CLOSE_REASONS.get(ended.word, CloseReason.IMPORT),
        poll_priced=exit_price is None and ended.word not in words.CLOSE_REASONS,
    )
    _check_outcome(trade, close)
    row.repairs.append(SIZE_REPAIR)
    return LegacyTrade(*trade[:-1], close)


def r_multiple(trade: LegacyTrade) -> float | None:
    """The result in R, where the record allows one: never off a poll's price, never against the recorded outcome."""
    close = trade.close
    if close is None:
        return None
    result_r = close.pnl_pct / trade.risk_pct
    if close.outcome is not _outcome_of_r(result_r):
        return None
    if close.poll_priced and not (close.outcome is Outcome.BREAKEVEN and close.pnl_pct != 0):
        return None
    return result_r


def confidence_of(row: Row) -> float | None:
    """A confidence in percent, as all of these sources write it; Unusable outside 0..100."""
    confidence = row.number(("confidence",))
    if confidence is not None and not 0 <= confidence <= NOTED_PERCENT_LIMIT:
        raise Unusable(f"confidence {confidence:g} is outside 0..100")
    return confidence


def timeframe_of(row: Row, rules: TradeRules) -> Timeframe | None:
    word = row.word(words.TIMEFRAME_FIELDS)
    if word is None and not rules.needs_timeframe:
        return None
    if word is None:
        raise Unusable("timeframe is missing")
    return parsed_timeframe(word)


def parsed_timeframe(word: str) -> Timeframe:
    """The timeframe of a word; Unusable when it is none."""
    known = _TIMEFRAMES.get(word)
    if known is not None:
        return known
    try:
        return Timeframe.parse(word)
    except ValueError:
        raise Unusable(f"{shown(word)} is no timeframe") from None


_TIMEFRAMES = {timeframe.text: timeframe for timeframe in Timeframe}


@dataclass(frozen=True, slots=True)
class Ended:
    """The word a row ends with; `outcome` is None where the word leaves it to the sign of the P/L."""

    word: str
    outcome: Outcome | None


_ENDED = {word: Ended(word, outcome) for word, outcome in words.OUTCOMES.items()} | {
    word: Ended(word, None) for word in words.BY_PNL
}


def _outcome(row: Row) -> Ended | None:
    """How the row says it ended: its outcome first, then its status, then the sign of its P/L; None = unresolved."""
    by_outcome = _ended(row.word(words.OUTCOME_FIELDS))
    by_status = _ended(row.word(words.STATUS_FIELDS))
    for ended in (by_outcome, by_status):
        if ended is not None and ended.outcome is not None:
            if by_status is not None and by_status.outcome not in (None, ended.outcome):
                row.repairs.append(f"status said {by_status.word}, outcome {ended.word}: the outcome counts")
            return ended
    if by_outcome is None and by_status is None and row.has(words.STATE_FIELDS):
        return None
    if row.has((*words.PNL_FIELDS, *words.LOST_FIELDS, *words.EXIT_FIELDS)):
        row.repairs.append("no outcome noted: taken from the sign of its P/L")
        return by_outcome or by_status or Ended("", None)
    return None


def _ended(word: str | None) -> Ended | None:
    if word is None:
        return None
    spelled = word if word in _ENDED else word.strip().upper()
    if (ended := _ENDED.get(spelled)) is not None:
        return ended
    if spelled in words.UNRESOLVED:
        return None
    raise Unusable(f"{shown(word)} is no known outcome")


def _targets(row: Row, direction: Direction) -> tuple[float, ...]:
    prices = row.prices(words.TARGET_FIELDS, "target")
    for names in (words.NUMBERED_TARGET_FIELDS, words.SHORT_NUMBERED_TARGET_FIELDS):
        if not prices:
            prices = tuple(price for name in names for price in row.prices((name,), "target"))
    if not prices:
        raise Unusable("no target price")
    if len(prices) == 1:
        return prices
    ordered = tuple(sorted(set(prices), key=lambda price: price * direction.sign))
    if ordered != prices:
        row.repairs.append("targets were not in the order of their distance: sorted")
    if len(ordered) > MOST_TARGETS:
        row.repairs.append(f"only the nearest {MOST_TARGETS} of {len(ordered)} targets are booked")
    row.repairs.append("shares of the targets unknown: taken as equal")
    return ordered[:MOST_TARGETS]


def _check_sides(direction: Direction, entry: float, stop: float, targets: tuple[float, ...]) -> None:
    sign = direction.sign
    if (entry - stop) * sign <= 0:
        raise Unusable(f"wrong side: a {direction.value} at {entry:g} cannot have its stop at {stop:g}")
    if (targets[0] - entry) * sign <= 0:
        raise Unusable(f"wrong side: a {direction.value} at {entry:g} cannot have a target at {targets[0]:g}")


def _noted_pct(row: Row) -> float | None:
    noted_pct = row.number(words.PNL_FIELDS)
    if noted_pct is not None:
        return noted_pct
    lost_pct = row.number(words.LOST_FIELDS)
    return None if lost_pct is None else -abs(lost_pct)


def _pnl_pct(trade: LegacyTrade, ended: Ended, exit_price: float | None, noted_pct: float | None, row: Row) -> float:
    """The result in percent: as noted, else of the exit price, else of the level that the outcome names."""
    if noted_pct is None:
        return _pct_at(trade, exit_price) if exit_price is not None else _pnl_of_level(trade, ended, row)
    if abs(noted_pct) >= NOTED_PERCENT_LIMIT:
        raise Unusable(f"impossible P/L of {noted_pct:g} %")
    if exit_price is None:
        return noted_pct
    gap_pct = abs(_pct_at(trade, exit_price) - noted_pct)
    if gap_pct > EXIT_TOLERANCE_PCT:
        raise Unusable(f"contradiction: exit {exit_price:g} makes {_pct_at(trade, exit_price):+.2f} %, noted "
                       f"{noted_pct:+.2f} %")  # fmt: skip
    if gap_pct > EXIT_ROUNDING_PCT:
        row.repairs.append(f"exit {exit_price:g} moved to the price that its P/L of {noted_pct:+.2f} % names")
    return noted_pct


def _pnl_of_level(trade: LegacyTrade, ended: Ended, row: Row) -> float:
    match ended.outcome:
        case Outcome.WIN:
            hit = int(ended.word[2]) if ended.word in ("TP1", "TP2", "TP3") else 1
            level = trade.targets[min(hit, len(trade.targets)) - 1]
        case Outcome.LOSS:
            level = trade.stop
        case Outcome.BREAKEVEN:
            level = trade.entry
        case None:
            raise Unusable(f"it ended as {ended.word}, but neither P/L nor exit price is noted")
    row.repairs.append(f"no P/L noted: booked at the level its outcome names, {level:g}")
    return _pct_at(trade, level)


def _closed_us(trade: LegacyTrade, row: Row, clock: Clock) -> int:
    closed_us = row.instant_if_any(words.CLOSED_FIELDS, clock)
    if closed_us is None:
        closed_us = _closed_by_alert(row, clock)
    if closed_us is None:
        hours = row.number(("duration_hours",))
        if hours is None:
            row.repairs.append("no closing time noted: booked at the opening time")
            return trade.opened_us
        if not 0 <= hours <= LONGEST_TRADE_HOURS:
            raise Unusable(f"impossible duration of {hours:g} hours")
        closed_us = clock.checked(trade.opened_us + round(hours * US_PER_HOUR), "closing time")
    if closed_us < trade.opened_us:
        raise Unusable("contradiction: closed before it was opened")
    return closed_us


def _closed_by_alert(row: Row, clock: Clock) -> int | None:
    """The instant of the last final alert, which the second journal writer keeps instead of a closing time."""
    alerts = row.fields.get("final_alerts")
    if not isinstance(alerts, list) or not alerts or not isinstance(alerts[-1], dict):
        return None
    return Row(alerts[-1], row.repairs).instant_if_any(("timestamp",), clock)


def _check_outcome(trade: LegacyTrade, close: LegacyClose) -> None:
    """The book derives the outcome from the numbers; a record whose numbers say another is refused, not bent."""
    if close.outcome is _outcome_of_sign(close.pnl_pct):
        return
    if close.outcome is not _outcome_of_r(close.pnl_pct / trade.risk_pct):
        raise Unusable(f"contradiction: recorded as {close.outcome.value} with a P/L of {close.pnl_pct:+.2f} %")


def _outcome_of_sign(pnl_pct: float) -> Outcome:
    if pnl_pct == 0:
        return Outcome.BREAKEVEN
    return Outcome.WIN if pnl_pct > 0 else Outcome.LOSS


def _outcome_of_r(result_r: float) -> Outcome:
    if abs(result_r) < BREAKEVEN_BAND_R:
        return Outcome.BREAKEVEN
    return Outcome.WIN if result_r > 0 else Outcome.LOSS


def _pct_at(trade: LegacyTrade, price: float) -> float:
    return (price - trade.entry) / trade.entry * 100 * trade.direction.sign


def _price_at(trade: LegacyTrade, pnl_pct: float) -> float:
    return trade.entry * (1 + trade.direction.sign * pnl_pct / 100)
