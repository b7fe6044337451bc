"""Files of other bots, and the small ones: state files with a balance, counters, users, settings, task lists."""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping

from migrations.legacy import words
from migrations.legacy.fakes import TEST_USER_ID
from migrations.legacy.json_stream import Broken, Element, Member, Piece
from migrations.legacy.normal_form import (
    LegacyAccount,
    LegacySettings,
    LegacyUser,
    Reading,
    RecordVerdict,
    System,
    Unusable,
)
from migrations.legacy.outline import Outline, Source
from migrations.legacy.raw_text import packed
from migrations.legacy.reading import (
    Found,
    Judge,
    Judged,
    broken,
    found_records,
    judged,
    judged_one,
    quarantined,
    raw_of,
)
from migrations.legacy.report_files import report_judge
from migrations.legacy.rows import Row
from migrations.legacy.signal_files import COUNTERS_ONLY, trade_judge
from migrations.legacy.times import Clock
from migrations.legacy.words import shown

SNIPER_MARKS = frozenset({"conditions", "positions", "initial_balance", "trades_executed"})
MONITOR_STATE_MARKS = frozenset({"paper_balance", "scan_count", "last_update"})
MONITOR_DAY_MARKS = frozenset({"date", "final_scan_count", "final_paper_balance"})
MONITOR_COUNTER_MARKS = frozenset({"scan_count", "signals_today", "trading_journal"})
RISK_MARKS = frozenset(
    {"max_position_size_pct", "max_daily_loss_pct", "max_concurrent_trades", "min_risk_reward_ratio",
     "risk_per_trade_pct", "portfolio_balance"}
)  # fmt: skip
RISK_PARAMETER_MARKS = frozenset({"risk_management", "market_conditions", "quant_enhancements"})
FEWEST_MARKS = 2
USER_WORD = "user"
HIGHEST_USER_ID = 2**52  # Telegram's own promise
NO_TRADING_DATA = "a task list is no trading data: kept to be read"
LARGEST_BALANCE = 1e12


def is_sniper_state(outline: Outline, _: str) -> bool:
    return len(outline.names & SNIPER_MARKS) > FEWEST_MARKS


def read_sniper_state(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """Armed orders, open positions, then the account that the rest of the file describes."""
    trade = trade_judge(source.clock, System.SNIPER, needs_timeframe=False)
    judges = {"conditions": _order_judge(trade), "positions": trade}
    rest = yield from _lists_and_rest(pieces, judges)
    yield judged_one(rest, _account_judge(source.clock, System.SNIPER, "sniper-bot", "balance", "saved_at"))


def is_monitor_state(outline: Outline, _: str) -> bool:
    return outline.names >= MONITOR_STATE_MARKS


def read_monitor_state(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    rest = yield from _lists_and_rest(pieces, {})
    yield judged_one(
        rest, _account_judge(source.clock, System.ICT_MONITOR, "ict-monitor", "paper_balance", "last_update")
    )


def is_paper_results(outline: Outline, _: str) -> bool:
    portfolio = outline.members.get("portfolio")
    return isinstance(portfolio, dict) and {"balance", "trades"} <= portfolio.keys()


def read_paper_results(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """The trades of a paper session, then the account it left."""
    trade = trade_judge(source.clock, System.ICT_MONITOR, needs_timeframe=False)
    rest = yield from _lists_and_rest(pieces, {})
    portfolio = rest.value.get("portfolio") if isinstance(rest.value, dict) else None
    portfolio = portfolio if isinstance(portfolio, dict) else {}
    trades = portfolio.get("trades")
    for index, row in enumerate(trades if isinstance(trades, list) else ()):
        yield judged_one(Found(f"/portfolio/trades/{index}", row, raw_of(row)), trade)
    account = {**portfolio, "final_timestamp": source.outline.members.get("final_timestamp")}
    judge = _account_judge(source.clock, System.ICT_MONITOR, "ict-monitor-paper", "balance", "final_timestamp")
    yield judged_one(Found(rest.place, account, rest.raw), judge)


def is_monitor_day(outline: Outline, _: str) -> bool:
    return outline.names >= MONITOR_DAY_MARKS


def read_monitor_day(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    rest = yield from _lists_and_rest(pieces, {})
    yield judged_one(rest, report_judge(source.clock, f"report of {System.ICT_MONITOR.value}"))


def is_monitor_counters(outline: Outline, _: str) -> bool:
    return outline.names >= MONITOR_COUNTER_MARKS


def read_monitor_counters(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    trade = trade_judge(source.clock, System.ICT_MONITOR, needs_timeframe=False)
    rest = yield from _lists_and_rest(pieces, {"trading_journal": trade})
    yield quarantined(rest, COUNTERS_ONLY)


def is_risk_settings(outline: Outline, _: str) -> bool:
    return len(outline.names & RISK_MARKS) >= FEWEST_MARKS or len(outline.names & RISK_PARAMETER_MARKS) >= FEWEST_MARKS


def read_risk_settings(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    name = "risk_parameters" if source.outline.names & RISK_PARAMETER_MARKS else "risk_config"

    def judge(row: Row, found: Found) -> Judged:
        content = hashlib.sha256(found.raw.encode()).hexdigest()
        return Judged(LegacySettings(name, found.raw), f"settings|{name}|{content}")

    rest = yield from _lists_and_rest(pieces, {})
    yield judged_one(rest, judge)


def is_user_list(outline: Outline, file: str) -> bool:
    """A list of ids is a list of users only where its file says so: numbers alone could be anything."""
    looked_at = outline.arrays.get(None, ())
    return USER_WORD in file.lower() and bool(looked_at) and any(_user_id(value) is not None for value in looked_at)


def read_user_list(pieces: Iterable[Piece], _: Source) -> Iterator[Reading]:
    for found in found_records(pieces, None):
        yield broken(found) if isinstance(found, Broken) else _user(found)


def is_task_list(outline: Outline, _: str) -> bool:
    return {"tasks", "completed"} <= outline.names


def read_task_list(pieces: Iterable[Piece], _: Source) -> Iterator[Reading]:
    for found in found_records(pieces, "tasks", "completed"):
        yield broken(found) if isinstance(found, Broken) else quarantined(found, NO_TRADING_DATA)


def _lists_and_rest(pieces: Iterable[Piece], judges: Mapping[str, Judge]) -> Generator[Reading, None, Found]:
    """Judge the records of the named arrays; everything else together is one more record, returned unjudged."""
    rest: dict[str, object] = {}
    arrays: dict[str, list[object]] = {}
    for piece in pieces:
        match piece:
            case Broken():
                yield broken(piece)
            case Element(key=str(key)) if key in judges:
                yield judged_one(Found(piece.place, piece.value, piece.raw), judges[key])
            case Element(key=str(key)):
                arrays.setdefault(key, []).append(piece.value)
            case Member(key=str(key)) if key in judges and isinstance(piece.value, dict):
                yield from judged(found_records((piece,), key), judges[key])
            case Member(key=str(key)):
                rest[key] = piece.value
            case _:
                pass
    rest |= arrays
    return Found("/", rest, raw_of(rest))


def _order_judge(judge_trade: Judge) -> Judge:
    """Armed orders give stop and target in percent of the trigger price, whatever their direction."""

    def judge(row: Row, found: Found) -> Judged:
        direction = words.direction_of(row.required_word(("direction",)))
        entry = row.price(("trigger_price",), "trigger")
        levels = {
            "entry_price": entry,
            "stop_loss_price": _price_beside(entry, row, "stop_loss_pct", -direction.sign),
            "take_profit_price": _price_beside(entry, row, "take_profit_pct", direction.sign),
        }
        return judge_trade(Row({**row.fields, **levels}, row.repairs), found)

    return judge


def _price_beside(entry: float, row: Row, field: str, sign: int) -> float:
    percent = row.number((field,))
    if percent is None or not 0 < percent < 100:
        raise Unusable(f"{field} {shown(percent)} is no distance in percent")
    return entry * (1 + sign * percent / 100)


def _account_judge(clock: Clock, system: System, name: str, balance_field: str, time_field: str) -> Judge:
    def judge(row: Row, _: Found) -> Judged:
        balance = row.number((balance_field,))
        if balance is None:
            raise Unusable(f"{balance_field} is missing")
        deposit = row.number(("initial_balance",))
        if max(abs(balance), abs(deposit or 0)) > LARGEST_BALANCE:
            raise Unusable(f"impossible balance {balance:g}")
        stated_us = row.instant((time_field,), clock)
        return Judged(
            LegacyAccount(system, name, balance, deposit, stated_us), f"account|{name}|{stated_us}|{balance!r}"
        )

    return judge


def _user(found: Found) -> Reading:
    telegram_id = _user_id(found.value)
    if telegram_id is None:
        return quarantined(found, f"{shown(found.value)} is no Telegram id")
    if telegram_id == TEST_USER_ID:
        return quarantined(found, f"test row: the made-up user {TEST_USER_ID}")
    repairs = ("the id was written as text",) if isinstance(found.value, str) else ()
    verdict = RecordVerdict.REPAIRED if repairs else RecordVerdict.IMPORTED
    return Reading(found.place, packed(found.raw), verdict, repairs, f"user|{telegram_id}", LegacyUser(telegram_id))


def _user_id(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 17:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < HIGHEST_USER_ID:
        return value
    return None
