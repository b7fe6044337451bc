"""Recording: one row per zone, the best first, every verdict kept, and an account without room silences nobody."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.gates import CHANNEL_GATES, GATE_ORDER
from engine.params import Params
from engine.timeframes import HOUR_MS, Timeframe
from engine.vocabulary import (
    BookKind,
    ChartFacts,
    ConditionStatus,
    Direction,
    PortfolioKind,
    Rejected,
    Signal,
    SignalStatus,
    Stage,
)
from ml.acting import Said
from services.announce import Announcements
from services.blackouts import Blackout
from services.pause import pause
from services.position_manager import Settlement
from services.record import Circumstances, Looked, Recorder, Told
from storage.book import Book
from storage.chats import ChatKind
from storage.preferences import Preferences
from tests.services.books import DEFAULTS, NOBODY, everything, with_deposit
from tests.storage.samples import LONG, NOW_MS, SHORT
from tests.storage.test_models import MODEL

GOOD = replace(LONG, base_confidence=100.0, chart=ChartFacts(atr=1.0, last_price=101.0, structure_trend=1))
NOTHING = Rejected(Stage.SETUP, "no zone completed on this candle")


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.REPLAY, now_ms=NOW_MS) as book:
        yield with_deposit(book)


def looked(result: Signal | Rejected, symbol: str | None = None) -> Looked:
    if isinstance(result, Signal):
        return Looked(result.symbol, result.timeframe, result.candle_close_ms, result)
    return Looked(symbol or "BTCUSDT", Timeframe.H1, NOW_MS, result)


def record(
    book: Book,
    *results: Signal | Rejected,
    announcements: Announcements = NOBODY,
    blackouts: tuple[Blackout, ...] = (),
    params: Params = DEFAULTS,
) -> tuple[Told, ...]:
    """One instant's looks in one transaction."""
    looks = [looked(result) for result in results]
    with book.transaction() as tx:
        settlement = Settlement(tx, {}, params, announcements)
        circumstances = Circumstances(announcements, blackouts)
        return Recorder(tx, settlement, params, circumstances).instant(looks, looks[0].candle_close_ms)


def later(signal: Signal, hours: float, **changes: object) -> Signal:
    at_ms = signal.candle_close_ms + int(hours * HOUR_MS)
    return replace(signal, candle_close_ms=at_ms, valid_until_ms=at_ms + 24 * HOUR_MS, **changes)


def statuses(book: Book) -> list[SignalStatus]:
    with book.reading() as view:
        return [stored.status for stored in reversed(view.signals.latest(100))]


def kinds_armed(book: Book, signal_id: int) -> list[PortfolioKind]:
    with book.reading() as view:
        return [order.portfolio_kind for order in view.conditions.of_signal(signal_id)]


def test_a_good_signal_is_sent_and_armed_in_both_books(book: Book):
    assert record(book, GOOD) == (Told.SENT,)
    assert statuses(book) == [SignalStatus.SENT]
    assert kinds_armed(book, 1) == [PortfolioKind.PAPER, PortfolioKind.SHADOW]


def test_the_same_zone_seen_again_is_the_same_row(book: Book):
    record(book, GOOD)
    before = everything(book)

    assert record(book, later(GOOD, 1), later(GOOD, 1)) == (Told.SEEN_AGAIN, Told.SEEN_AGAIN)
    after = everything(book)
    assert {name for name in after if after[name] != before[name]} == {"scans", "signals"}
    with book.reading() as view:
        [stored] = view.signals.latest(10)
        assert stored.last_seen_ms == NOW_MS + HOUR_MS
        assert stored.created_ms == NOW_MS


def test_a_weak_signal_is_kept_for_the_shadow_book_alone(book: Book):
    assert record(book, replace(GOOD, confidence=55.0)) == (Told.KEPT,)
    assert statuses(book) == [SignalStatus.REJECTED]
    assert kinds_armed(book, 1) == [PortfolioKind.SHADOW]
    with book.reading() as view:
        assert view.signals.get(1).status_reason == "confidence: 55.0, limit 60"


def test_every_gate_s_verdict_is_kept_whether_sent_or_not(book: Book):
    record(book, GOOD, replace(GOOD, symbol="ETHUSDT", rr=1.0))

    with book.reading() as view:
        gates = [{held.verdict.gate for held in view.signals.verdicts(number)} for number in (1, 2)]
    assert len(gates[0]) == len(GATE_ORDER)  # the account is asked about what is sent
    assert gates[1] == {gate.__name__ for gate in CHANNEL_GATES}


def test_a_rejection_is_a_scan_row_with_stage_reason_value_and_limit(book: Book):
    why = Rejected(Stage.DATA, "too few bars", "9", "120")
    assert record(book, why) == (Told.NOTHING,)

    with book.reading() as view:
        scan = view.scans.at("BTCUSDT", "1h", NOW_MS)
    assert (scan.rejected, scan.signals) == (why, 0)


def test_of_one_instant_the_best_are_sent_and_the_answers_keep_their_order(book: Book):
    looks = [replace(GOOD, symbol=f"COIN{n}", confidence=70.0 + n) for n in (1, 3, 2)]

    assert record(book, NOTHING, *looks) == (Told.NOTHING, Told.KEPT, Told.SENT, Told.SENT)
    with book.reading() as view:
        assert view.signals.latest(1)[0].status_reason == "cluster: 2 within the hour, limit 2"


def test_the_order_of_equally_good_signals_does_not_depend_on_the_order_of_looks(book: Book):
    looks = [replace(GOOD, symbol=symbol) for symbol in ("C", "A", "B")]
    record(book, *looks)
    with Book.temporary(BookKind.REPLAY, now_ms=NOW_MS) as other:
        record(with_deposit(other), *looks[::-1])

        assert everything(other) == everything(book)


def test_a_new_zone_with_the_same_idea_is_suppressed_within_the_cooldown(book: Book):
    record(book, GOOD)

    assert record(book, later(GOOD, 2, setup_key="another", entry=100.2)) == (Told.KEPT,)
    assert record(book, later(GOOD, 3, setup_key="far away", entry=101.0)) == (Told.SENT,)
    assert statuses(book)[1] is SignalStatus.SUPPRESSED


def test_an_opposite_signal_is_suppressed_while_the_other_is_armed(book: Book):
    record(book, GOOD)
    short = replace(SHORT, base_confidence=100.0, chart=replace(GOOD.chart, structure_trend=-1), htf_bias=-1)

    assert record(book, later(short, 2)) == (Told.KEPT,)
    with book.reading() as view:
        assert view.signals.get(2).status_reason == "opposite: 1 live, limit 0"


def test_an_account_without_room_does_not_silence_the_channel():
    with Book.temporary(BookKind.REPLAY, now_ms=NOW_MS) as broke:  # its account never got a deposit
        assert record(broke, GOOD) == (Told.SENT,)
        assert kinds_armed(broke, 1) == [PortfolioKind.SHADOW]
        with broke.reading() as view:
            stopped = [held.verdict.gate for held in view.signals.verdicts(1) if not held.verdict.passed]
        assert stopped == ["account.daily_loss", "account.portfolio_risk"][: len(stopped)]
        assert stopped


@pytest.mark.parametrize("symbol", [None, "BTCUSDT"])
def test_a_paused_bot_records_and_sends_nothing(book: Book, symbol: str | None):
    with book.transaction() as tx:
        pause(tx, "by the owner", "77", NOW_MS - 1, symbol=symbol)

    assert record(book, GOOD) == (Told.KEPT,)
    assert statuses(book) == [SignalStatus.SUPPRESSED]
    assert kinds_armed(book, 1) == [PortfolioKind.SHADOW]


def test_a_pause_of_another_symbol_and_one_that_is_over_keep_nothing_back(book: Book):
    with book.transaction() as tx:
        pause(tx, "", "77", NOW_MS - 2, symbol="ETHUSDT")
        pause(tx, "", "77", NOW_MS - 2, until_ms=NOW_MS)

    assert record(book, GOOD) == (Told.SENT,)


def test_a_blackout_keeps_a_signal_back_and_is_named(book: Book):
    news = Blackout(NOW_MS + HOUR_MS, "FOMC", HOUR_MS, HOUR_MS)

    assert record(book, GOOD, blackouts=(news,)) == (Told.KEPT,)
    with book.reading() as view:
        assert view.signals.get(1).status_reason == "blackout: FOMC, limit none"


WIDE = replace(DEFAULTS, gates=replace(DEFAULTS.gates, cluster_best=10))


def test_of_one_instant_the_best_three_are_sent_whatever_their_timeframe(book: Book):
    looks = [
        replace(GOOD, symbol=f"COIN{n}", timeframe=timeframe, confidence=70.0 + n)
        for n, timeframe in enumerate((Timeframe.H1, Timeframe.H4, Timeframe.H1, Timeframe.H2, Timeframe.H1))
    ]

    assert record(book, *looks, params=WIDE) == (Told.KEPT, Told.KEPT, Told.SENT, Told.SENT, Told.SENT)
    with book.reading() as view:
        stored = {known.signal.symbol: known for known in view.signals.latest(5)}
        stopped = view.signals.verdicts(stored["COIN0"].id)
    assert stored["COIN1"].status_reason == "best_three: rank 4, limit 3"
    assert stored["COIN0"].status_reason == "best_three: rank 5, limit 3"
    assert stored["COIN0"].status is SignalStatus.SUPPRESSED
    assert [held.verdict.gate for held in stopped if not held.verdict.passed] == ["best_three"]


def test_what_another_gate_stops_takes_no_place_among_the_best(book: Book):
    looks = [replace(GOOD, symbol=f"COIN{n}", confidence=70.0 + n, rr=1.0 if n > 2 else 5.0) for n in range(5)]

    assert record(book, *looks, params=WIDE) == (Told.SENT, Told.SENT, Told.SENT, Told.KEPT, Told.KEPT)


def test_a_signal_that_no_chat_wants_is_kept_and_not_sent(book: Book):
    with book.transaction() as tx:
        chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
        tx.chats.prefer(chat_id, Preferences(symbols=("ETHUSDT",)))

    assert record(book, GOOD, announcements=Announcements((chat_id,))) == (Told.KEPT,)
    assert kinds_armed(book, 1) == [PortfolioKind.SHADOW]
    with book.reading() as view:
        assert view.signals.get(1).status_reason == "audience: no chat wants it"
        assert view.messages.all() == ()


def test_a_sent_signal_is_queued_once_in_the_transaction_that_records_it(book: Book):
    with book.transaction() as tx:
        chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
    for hours in (0, 1):
        record(book, later(GOOD, hours), announcements=Announcements((chat_id,)))

    with book.reading() as view:
        [message] = view.messages.all()
    assert (message.kind, message.signal_id, message.expires_ms) == ("signal", 1, GOOD.valid_until_ms)
    assert statuses(book) == [SignalStatus.ACCEPTED]  # the sender makes it SENT


def test_stops_in_a_row_close_the_channel_for_a_day(book: Book):
    record(book, GOOD)
    with book.transaction() as tx:
        shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
        for number in range(4):
            signal = later(GOOD, -9, symbol=f"COIN{number}", setup_key=f"stopped {number}")
            stored = tx.signals.record(signal, (), SignalStatus.CLOSED, None, signal.candle_close_ms)
            tx.connection.execute(
                "INSERT INTO positions(portfolio_id, signal_id, symbol, direction, qty, entry_price, opened_ms, status,"
                " closed_ms, close_reason, exit_price, pnl_pct, r_multiple, exclusive)"
                " VALUES(?,?,?,'LONG',1,100,?,'CLOSED',?,'STOP_LOSS',98,-2,-1,0)",
                (shadow, stored.id, signal.symbol, signal.candle_close_ms, NOW_MS),
            )

    assert record(book, later(GOOD, 1, symbol="ETHUSDT", setup_key="new")) == (Told.KEPT,)
    assert statuses(book)[-1] is SignalStatus.SUPPRESSED
    assert record(book, later(GOOD, 25, symbol="XRPUSDT", setup_key="newer")) == (Told.SENT,)


def test_an_armed_order_waits_on_the_side_price_comes_from(book: Book):
    short = replace(
        SHORT, base_confidence=100.0, symbol="ETHUSDT", chart=replace(GOOD.chart, structure_trend=-1), htf_bias=-1
    )
    record(book, GOOD, short)

    with book.reading() as view:
        orders = {order.symbol: order for order in view.conditions.active(PortfolioKind.PAPER)}
    assert {symbol: order.trigger_op.value for symbol, order in orders.items()} == {
        "BTCUSDT": "BELOW",
        "ETHUSDT": "ABOVE",
    }
    assert all(order.status is ConditionStatus.ACTIVE for order in orders.values())
    assert {signal.direction for signal in (GOOD, short)} == set(Direction)


def test_what_a_model_said_is_kept_beside_its_signal_once(book: Book):
    moved = replace(GOOD, base_confidence=70.0, confidence=74.0)
    with book.transaction() as tx:
        model_id = tx.models.add(MODEL)
        for p_win in (0.6, 0.1):
            said = Said(model_id, p_win, 0.5, 4.0)
            settlement = Settlement(tx, {}, DEFAULTS, NOBODY)
            recorder = Recorder(tx, settlement, DEFAULTS, Circumstances(NOBODY))
            recorder.instant([replace(looked(moved), said=said)], moved.candle_close_ms)
        [stored] = tx.signals.latest(10)
        [word] = tx.predictions.of_signal(stored.id)

    assert (stored.signal.base_confidence, stored.signal.confidence) == (70.0, 74.0)
    assert (word.model_id, word.p_win, word.weight, word.adjustment) == (model_id, 0.6, 0.5, 4.0)


def test_without_a_model_there_is_no_prediction_and_not_a_neutral_one(book: Book):
    record(book, GOOD)

    with book.reading() as view:
        assert view.predictions.of_signal(1) == ()
