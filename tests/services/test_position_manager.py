"""Settlement: what candles say is booked once, in order, whole, and the same wherever it was interrupted."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as rehearsed
from hypothesis import strategies as st

from engine.params import AccountParams, Params
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import (
    BookKind,
    CloseReason,
    ConditionStatus,
    FillKind,
    LedgerKind,
    Outcome,
    PortfolioKind,
    Position,
    SignalStatus,
)
from services.announce import Announcements
from services.position_manager import Settlement
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.fills import Fill
from storage.identities import identities
from storage.stores import Stores
from tests.drawing import Row
from tests.services.books import armed, candles_of, everything, settle, with_deposit
from tests.services.strikes import StrikeAfter, Struck
from tests.storage.samples import LONG, NOW_MS, SHORT

# LONG enters at 100 with its stop at 98 and targets at 103, 106 and 110.
FILL: Row = (101.0, 101.0, 99.5, 100.5)
CALM: Row = (100.5, 101.0, 100.2, 100.5)
FIRST_TARGET: Row = (100.5, 103.5, 100.4, 103.0)
SECOND_TARGET: Row = (103.0, 106.5, 102.0, 106.0)
LAST_TARGET: Row = (106.0, 110.5, 105.0, 110.0)
STOP: Row = (100.5, 100.6, 97.5, 98.0)
BACK_TO_ENTRY: Row = (103.0, 103.2, 99.8, 100.2)
STOP_AND_TARGET: Row = (100.5, 103.5, 97.5, 100.0)
AWAY: Row = (101.0, 104.0, 100.5, 103.5)
PAPER_ID, SHADOW_ID = 1, 2
FEE_RATIO = Params().costs.fee_ratio
SLIPPAGE_RATIO = Params().follow.slippage_ratio


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield with_deposit(book)


def follow(book: Book, *rows: Row, status: SignalStatus = SignalStatus.SENT, **options) -> tuple[Position, ...]:
    """The positions that LONG's order makes of these hourly candles, the paper one first."""
    with book.transaction() as tx:
        armed(tx, LONG, status, **options)
    settle(book, {"BTCUSDT": candles_of(rows)}, NOW_MS + len(rows) * HOUR_MS)
    with book.reading() as view:
        return view.positions.of_signal(1)


def fills(book: Book, position: Position) -> tuple[Fill, ...]:
    with book.reading() as view:
        return view.fills.of_position(position.id)


def posted(book: Book) -> list[tuple[LedgerKind, float]]:
    with book.reading() as view:
        return [(entry.kind, entry.amount) for entry in view.ledger.entries(PAPER_ID)]


def status(book: Book) -> SignalStatus:
    with book.reading() as view:
        return view.signals.get(1).status


def test_an_order_risks_one_percent_of_the_balance(book: Book):
    paper, shadow = follow(book, FILL)

    assert (paper.qty, paper.risk_amount) == (50.0, 100.0)  # 2 between entry and stop
    assert (shadow.qty, shadow.risk_amount) == (0.5, 1.0)


def test_every_fill_has_its_fee_and_its_rows_in_the_ledger(book: Book):
    paper, _ = follow(book, FILL, FIRST_TARGET, SECOND_TARGET, LAST_TARGET)

    made = [(fill.kind, fill.qty, fill.price) for fill in fills(book, paper)]
    assert made == [
        (FillKind.ENTRY, 50.0, 100.0),
        (FillKind.TARGET, pytest.approx(20.0), 103.0),
        (FillKind.TARGET, pytest.approx(17.5), 106.0),
        (FillKind.TARGET, pytest.approx(12.5), 110.0),
    ]
    fees = [FEE_RATIO * qty * price for _, qty, price in made]
    assert posted(book) == [
        (LedgerKind.DEPOSIT, 10_000.0),
        (LedgerKind.FEE, pytest.approx(-fees[0])),
        (LedgerKind.REALIZED_PNL, pytest.approx(60.0)),
        (LedgerKind.FEE, pytest.approx(-fees[1])),
        (LedgerKind.REALIZED_PNL, pytest.approx(105.0)),
        (LedgerKind.FEE, pytest.approx(-fees[2])),
        (LedgerKind.REALIZED_PNL, pytest.approx(125.0)),
        (LedgerKind.FEE, pytest.approx(-fees[3])),
    ]
    assert paper.realized_pnl == pytest.approx(290.0 - sum(fees))
    assert paper.fees == pytest.approx(sum(fees))
    assert paper.r_multiple == pytest.approx(paper.realized_pnl / 100.0)
    assert (paper.close_reason, paper.outcome) == (CloseReason.TAKE_PROFIT, Outcome.WIN)


def test_the_balance_is_the_deposit_and_the_net_results(book: Book):
    paper, _ = follow(book, FILL, STOP)

    with book.reading() as view:
        assert view.ledger.balance(PAPER_ID) == pytest.approx(10_000.0 + paper.realized_pnl, abs=1e-9)
        assert all(truth.holds for truth in identities(view))


def test_a_stop_pays_slippage_and_costs_a_little_more_than_one_r(book: Book):
    paper, _ = follow(book, FILL, STOP)

    [_, stopped] = fills(book, paper)
    assert (stopped.kind, stopped.price) == (FillKind.STOP, pytest.approx(98.0 * (1 - SLIPPAGE_RATIO)))
    assert stopped.slippage == pytest.approx(98.0 * SLIPPAGE_RATIO, rel=1e-3)
    assert -1.1 < paper.r_multiple < -1.0
    assert (paper.close_reason, paper.outcome) == (CloseReason.STOP_LOSS, Outcome.LOSS)


def test_inside_one_candle_the_stop_comes_before_the_target_and_the_fill_says_so(book: Book):
    paper, _ = follow(book, FILL, STOP_AND_TARGET)

    assert [fill.kind for fill in fills(book, paper)] == [FillKind.ENTRY, FillKind.STOP]
    assert fills(book, paper)[-1].ambiguous


def test_after_the_first_target_the_rest_leaves_at_the_entry(book: Book):
    paper, _ = follow(book, FILL, FIRST_TARGET, BACK_TO_ENTRY)

    assert paper.close_reason is CloseReason.BREAK_EVEN
    assert [fill.kind for fill in fills(book, paper)] == [FillKind.ENTRY, FillKind.TARGET, FillKind.STOP]
    assert paper.stop_loss == 100.0
    assert paper.r_multiple == pytest.approx(0.6, abs=0.07)  # 40 % of 1.5R, less costs


def test_the_shadow_book_has_the_same_result_in_r_and_no_ledger(book: Book):
    paper, shadow = follow(book, FILL, FIRST_TARGET, BACK_TO_ENTRY)

    assert shadow.r_multiple == pytest.approx(paper.r_multiple)
    assert (shadow.outcome, shadow.close_reason) == (paper.outcome, paper.close_reason)
    with book.reading() as view:
        assert view.ledger.entries(SHADOW_ID) == ()


def test_an_open_position_is_marked_where_it_was_settled_to(book: Book):
    paper, _ = follow(book, FILL, CALM, (100.5, 102.0, 100.1, 101.5))

    assert (paper.is_open, paper.mark_price, paper.settled_ms) == (True, 101.5, NOW_MS + 3 * HOUR_MS)
    assert (paper.settled_on, paper.mfe_r, paper.mae_r) == ("1h", 1.0, 0.25)


def test_an_order_that_is_not_reached_expires(book: Book):
    assert follow(book, *[CALM] * 26) == ()

    with book.reading() as view:
        assert {(c.status, c.status_ms) for c in view.conditions.of_signal(1)} == {
            (ConditionStatus.EXPIRED, LONG.valid_until_ms)
        }
    assert status(book) is SignalStatus.EXPIRED


def test_an_order_whose_target_came_first_is_cancelled(book: Book):
    assert follow(book, AWAY) == ()
    assert status(book) is SignalStatus.CANCELLED


def test_the_signal_says_what_became_of_it(book: Book):
    follow(book, FILL)
    executed = status(book)
    settle(book, {"BTCUSDT": candles_of([FILL, STOP])}, NOW_MS + 2 * HOUR_MS)

    assert (executed, status(book)) == (SignalStatus.EXECUTED, SignalStatus.CLOSED)


def test_every_happening_has_its_event(book: Book):
    follow(book, FILL, FIRST_TARGET, BACK_TO_ENTRY)

    with book.reading() as view:
        happened = [event.type for event in view.events.of_signal(1) if event.portfolio_id == PAPER_ID]
    assert happened == [
        EventType.POSITION_OPENED, EventType.TARGET_HIT, EventType.STOP_MOVED, EventType.POSITION_CLOSED,
    ]  # fmt: skip


def test_what_was_not_sent_is_followed_in_the_shadow_book_and_keeps_its_status(book: Book):
    [shadow] = follow(book, FILL, STOP, status=SignalStatus.REJECTED, kinds=(PortfolioKind.SHADOW,))

    assert (shadow.portfolio_id, shadow.outcome) == (SHADOW_ID, Outcome.LOSS)
    assert status(book) is SignalStatus.REJECTED


def test_nothing_is_told_of_what_was_not_sent(book: Book):
    assert messages_of(book, SignalStatus.SUPPRESSED, (PortfolioKind.SHADOW,)) == []


def test_the_channel_is_told_once_whatever_the_account_does(book: Book):
    both = (PortfolioKind.PAPER, PortfolioKind.SHADOW)

    assert messages_of(book, SignalStatus.SENT, both) == ["close", "entry", "stop_moved", "target"]


def test_the_channel_is_told_although_the_account_had_no_room(book: Book):
    assert messages_of(book, SignalStatus.SENT, (PortfolioKind.SHADOW,)) == ["close", "entry", "stop_moved", "target"]


def messages_of(book: Book, status: SignalStatus, kinds: tuple[PortfolioKind, ...]) -> list[str]:
    with book.transaction() as tx:
        signal_id = armed(tx, LONG, status, kinds)
        chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
        if status is SignalStatus.SENT:
            Announcements((chat_id,)).signal(tx, signal_id, LONG, NOW_MS)
    candles = {"BTCUSDT": candles_of([FILL, FIRST_TARGET, BACK_TO_ENTRY])}
    settle(book, candles, NOW_MS + 3 * HOUR_MS, announcements=Announcements((chat_id,)))
    with book.reading() as view:
        return sorted(message.kind for message in view.messages.all() if message.kind not in ("signal", "status"))


def test_a_second_order_in_a_symbol_finds_no_room_at_its_fill(book: Book):
    with book.transaction() as tx:
        armed(tx, LONG)
        armed(tx, replace(LONG, setup_key="another zone", entry=99.8))
    settle(book, {"BTCUSDT": candles_of([FILL])}, NOW_MS + HOUR_MS)

    with book.reading() as view:
        [paper, shadow] = view.conditions.of_signal(2)
        assert paper.status is ConditionStatus.REJECTED
        assert paper.status_reason == "account.open_in_symbol at the fill: 1, limit 1"
        assert shadow.status is ConditionStatus.TRIGGERED
        stopped = [held.verdict.gate for held in view.signals.verdicts(2) if not held.verdict.passed]
        assert "account.open_in_symbol" in stopped


def test_the_day_s_losses_are_asked_again_at_the_fill(book: Book):
    strict = Params(account=AccountParams(max_daily_loss_ratio=0.005))
    later = replace(LONG, symbol="ETHUSDT", setup_key="later")
    with book.transaction() as tx:
        armed(tx, LONG)
        armed(tx, later)
    candles = {"BTCUSDT": candles_of([FILL, STOP, CALM]), "ETHUSDT": candles_of([CALM, CALM, FILL], "ETHUSDT")}
    settle(book, candles, NOW_MS + 3 * HOUR_MS, strict)

    with book.reading() as view:
        assert view.conditions.of_signal(2)[0].status_reason.startswith("account.daily_loss at the fill")


def test_symbols_are_settled_together_in_the_order_of_time(book: Book):
    """BTC's stop comes an hour after ETH's fill: at that fill the account was still unhurt."""
    strict = Params(account=AccountParams(max_daily_loss_ratio=0.005))
    with book.transaction() as tx:
        armed(tx, LONG)
        armed(tx, replace(LONG, symbol="ETHUSDT", setup_key="later"))
    candles = {"BTCUSDT": candles_of([FILL, CALM, STOP]), "ETHUSDT": candles_of([CALM, FILL, CALM], "ETHUSDT")}
    settle(book, candles, NOW_MS + 3 * HOUR_MS, strict)

    with book.reading() as view:
        assert view.conditions.of_signal(2)[0].status is ConditionStatus.TRIGGERED


def test_candles_after_the_instant_asked_for_are_not_booked(book: Book):
    with book.transaction() as tx:
        armed(tx, LONG)
    settle(book, {"BTCUSDT": candles_of([FILL, STOP])}, NOW_MS + 2 * HOUR_MS - 1)

    with book.reading() as view:
        assert all(position.is_open for position in view.positions.of_signal(1))


def test_a_candle_that_opened_before_the_order_does_not_fill_it(book: Book):
    armed_ms = NOW_MS + 15 * MINUTE_MS
    late = replace(LONG, timeframe=Timeframe.M15, candle_close_ms=armed_ms, valid_until_ms=armed_ms + 6 * HOUR_MS)
    with book.transaction() as tx:
        armed(tx, late)
    settle(book, {"BTCUSDT": candles_of([FILL, CALM])}, NOW_MS + 2 * HOUR_MS)

    with book.reading() as view:
        assert view.positions.of_signal(1) == ()


def test_a_symbol_without_candles_stays_as_it_is(book: Book):
    follow(book, FILL)
    before = everything(book)

    settle(book, {}, NOW_MS + 9 * HOUR_MS)
    assert everything(book) == before


def test_a_close_by_hand_is_the_same_close(book: Book):
    paper, _ = follow(book, FILL, FIRST_TARGET)
    with book.transaction() as tx:
        candles = {"BTCUSDT": candles_of([FILL, FIRST_TARGET])}
        settlement = Settlement(tx, candles, Params(), Announcements())
        outcome = settlement.close_by_hand(paper.id, NOW_MS + 2 * HOUR_MS, 103.0, CloseReason.MANUAL)

    with book.reading() as view:
        closed = view.positions.get(paper.id)
        assert all(truth.holds for truth in identities(view))
    assert (closed.close_reason, closed.outcome, outcome) == (CloseReason.MANUAL, Outcome.WIN, Outcome.WIN)
    last = fills(book, closed)[-1]
    assert (last.kind, last.qty) == (FillKind.CLOSE, pytest.approx(30.0))
    assert last.price == pytest.approx(103.0 * (1 - SLIPPAGE_RATIO))
    assert posted(book)[-2] == (LedgerKind.REALIZED_PNL, pytest.approx((last.price - 100.0) * last.qty))


def test_a_close_by_hand_needs_no_candles(book: Book):
    paper, _ = follow(book, FILL)
    with book.transaction() as tx:
        Settlement(tx, {}, Params(), Announcements()).close_by_hand(
            paper.id, NOW_MS + 2 * HOUR_MS, 100.5, CloseReason.MANUAL
        )

    with book.reading() as view:
        assert view.positions.get(paper.id).settled_on == "1h"


def test_only_what_is_open_can_be_closed_by_hand(book: Book):
    paper, _ = follow(book, FILL, STOP)

    with book.transaction() as tx, pytest.raises(LookupError, match=f"Position {paper.id} is not open"):
        Settlement(tx, {}, Params(), Announcements()).close_by_hand(paper.id, NOW_MS, 100.0, CloseReason.MANUAL)


def by_candles(tx: Stores) -> None:
    rows = [FILL, FIRST_TARGET, BACK_TO_ENTRY]
    Settlement(tx, {"BTCUSDT": candles_of(rows)}, Params(), Announcements((1,))).rest(NOW_MS + 3 * HOUR_MS)


def by_hand(tx: Stores) -> None:
    settlement = Settlement(tx, {}, Params(), Announcements((1,)))
    for position in tx.positions.open_positions():
        settlement.close_by_hand(position.id, NOW_MS + 3 * HOUR_MS, 101.0, CloseReason.MANUAL)


@pytest.mark.parametrize(("close", "told"), [(by_candles, 2), (by_hand, 3)])
def test_a_close_that_fails_after_any_statement_never_happened(close, told: int):
    fault = StrikeAfter()
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS, fault=fault) as book:
        with with_deposit(book).transaction() as tx:
            signal_id = armed(tx, LONG)
            chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
            Announcements((chat_id,)).signal(tx, signal_id, LONG, NOW_MS)
        settle(book, {"BTCUSDT": candles_of([FILL, FIRST_TARGET])}, NOW_MS + 2 * HOUR_MS)
        before, statement = everything(book), 0
        while True:
            fault.statements_left = statement
            try:
                with book.transaction() as tx:
                    close(tx)
            except Struck:
                assert everything(book) == before
                statement += 1
            else:
                break

        with book.reading() as view:
            assert all(truth.holds for truth in identities(view))
            assert view.positions.open_positions() == ()
            assert sum(message.kind != "status" for message in view.messages.all()) == told
    assert statement > 20


price = st.integers(950, 1120).map(lambda tenths: tenths / 10)
row = st.tuples(price, price, price, price).map(lambda p: (p[0], max(p), min(p), p[3]))
ENDS = 40


@given(
    st.lists(row, min_size=ENDS, max_size=ENDS),
    st.lists(row, min_size=ENDS, max_size=ENDS),
    st.sets(st.integers(1, ENDS - 1), max_size=12),
)
@rehearsed(max_examples=20, deadline=None)
def test_a_restart_in_any_place_books_the_same_rows(btc, eth, cuts):
    candles = {"BTCUSDT": candles_of(btc), "ETHUSDT": candles_of(eth, "ETHUSDT")}

    assert settled_at(candles, {*cuts, ENDS}) == settled_at(candles, {ENDS})


def settled_at(candles, instants: set[int]):
    """The whole book after settlements at these hours, each a new one that reads the book anew."""
    signals = [
        LONG,
        replace(SHORT, symbol="ETHUSDT", setup_key="short"),
        replace(LONG, setup_key="lower", entry=99.0, zone_low=98.8, zone_high=99.2),
        replace(LONG, symbol="ETHUSDT", setup_key="long", entry=99.5),
    ]
    params = Params(account=AccountParams(max_daily_loss_ratio=0.02))
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        with with_deposit(book).transaction() as tx:
            chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
            for signal in signals:
                armed(tx, signal)
        for hour in sorted(instants):
            settle(book, candles, NOW_MS + hour * HOUR_MS, params, Announcements((chat_id,)))
        with book.reading() as view:
            assert all(truth.holds for truth in identities(view))
        return everything(book)


def test_settling_again_adds_nothing(book: Book):
    follow(book, FILL, FIRST_TARGET)
    before = everything(book)

    settle(book, {"BTCUSDT": candles_of([FILL, FIRST_TARGET])}, NOW_MS + 2 * HOUR_MS)
    assert everything(book) == before
