import pytest

from engine.gates import AccountView
from engine.vocabulary import CloseReason, Direction, FillKind, LedgerKind, Outcome, PortfolioKind
from storage.book import Book
from storage.database import IntegrityError
from storage.fills import Fill
from storage.portfolios import PortfolioStatus
from storage.positions import Ending, ExitQuality, Progress
from tests.storage.samples import DAY_MS, HOUR_MS, NOW_MS, opened, paper, recorded

STOPPED = Ending(
    exit_price=98.0,
    closed_ms=NOW_MS + HOUR_MS,
    reason=CloseReason.STOP_LOSS,
    pnl_pct=-2.0,
    realized_pnl=-4.0,
    r_multiple=-1.0,
    fees=0.2,
)


def ending(**changes: object) -> Ending:
    return Ending(**{**{name: getattr(STOPPED, name) for name in Ending.__slots__}, **changes})


def test_an_open_position_comes_back_as_it_was_opened(book: Book):
    with book.transaction() as tx:
        position = tx.positions.get(opened(tx, timeframe="1h", settled_ms=NOW_MS, settled_on="1m"))

    assert (position.symbol, position.direction, position.qty, position.entry_price) == (
        "BTCUSDT",
        Direction.LONG,
        2.0,
        100.0,
    )
    assert (position.initial_stop, position.stop_loss, position.risk_amount) == (98.0, 98.0, 4.0)
    assert (position.settled_ms, position.settled_on, position.is_open) == (NOW_MS, "1m", True)
    assert (position.outcome, position.close_reason, position.closed_ratio) == (None, None, 0.0)


def test_progress_moves_the_stop_and_the_settled_instant(book: Book):
    with book.transaction() as tx:
        position_id = opened(tx)
        tx.positions.update_progress(position_id, Progress(100.0, 0.4, 104.0, NOW_MS + HOUR_MS, "1m", 2.0, -0.3))
        position = tx.positions.get(position_id)

    assert (position.stop_loss, position.initial_stop, position.closed_ratio) == (100.0, 98.0, 0.4)
    assert (position.mark_price, position.settled_ms, position.settled_on) == (104.0, NOW_MS + HOUR_MS, "1m")
    assert (position.mfe_r, position.mae_r) == (2.0, -0.3)


@pytest.mark.parametrize(
    ("r_multiple", "pnl_pct", "outcome"),
    [
        (0.1, 1.0, Outcome.WIN),
        (0.0999, 1.0, Outcome.BREAKEVEN),
        (-0.0999, -1.0, Outcome.BREAKEVEN),
        (-0.1, -1.0, Outcome.LOSS),
        (None, 0.01, Outcome.WIN),
        (None, -0.01, Outcome.LOSS),
        (None, 0.0, Outcome.BREAKEVEN),
    ],
)
def test_the_book_words_the_outcome_from_the_net_result(
    book: Book, r_multiple: float | None, pnl_pct: float, outcome: Outcome
):
    with book.transaction() as tx:
        position_id = opened(tx)

        assert tx.positions.close(position_id, ending(r_multiple=r_multiple, pnl_pct=pnl_pct)) is outcome
        assert tx.positions.get(position_id).outcome is outcome


def test_a_position_is_closed_once(book: Book):
    with book.transaction() as tx:
        position_id = opened(tx)
        tx.positions.close(position_id, STOPPED)
        position = tx.positions.get(position_id)

        with pytest.raises(LookupError, match="is not open"):
            tx.positions.close(position_id, STOPPED)
    assert (position.is_open, position.closed_ratio, position.close_reason) == (False, 1.0, CloseReason.STOP_LOSS)
    assert (position.realized_pnl, position.pnl_pct, position.r_multiple, position.fees) == (-4.0, -2.0, -1.0, 0.2)


def test_a_position_cannot_close_before_it_opened(book: Book):
    with book.transaction() as tx:
        position_id = opened(tx)

        with pytest.raises(IntegrityError, match="CHECK"):
            tx.positions.close(position_id, ending(closed_ms=NOW_MS - 1))


def test_open_positions_are_told_by_portfolio_and_symbol(book: Book):
    with book.transaction() as tx:
        shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
        first = opened(tx, symbol="ETHUSDT", opened_ms=NOW_MS + 1)
        second = opened(tx)
        third = opened(tx, portfolio_id=shadow, exclusive=False, opened_ms=NOW_MS + 2)
        positions = tx.positions

        assert [found.id for found in positions.open_positions()] == [second, first, third]
        assert [found.id for found in positions.open_positions(shadow)] == [third]
        assert [found.id for found in positions.open_positions(paper(tx), "ETHUSDT")] == [first]


def test_a_signals_positions_are_told_for_every_portfolio(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
        ids = [opened(tx, signal_id=signal_id), opened(tx, signal_id=signal_id, portfolio_id=shadow)]

        assert [found.id for found in tx.positions.of_signal(signal_id)] == ids


def test_the_account_gates_see_load_risk_and_todays_result(book: Book):
    with book.transaction() as tx:
        account = paper(tx)
        tx.ledger.post(account, LedgerKind.DEPOSIT, 10_000.0, NOW_MS, "deposit")
        lost_yesterday, lost_today = opened(tx, opened_ms=NOW_MS - 2 * DAY_MS, exclusive=False), opened(tx)
        tx.positions.close(lost_yesterday, ending(closed_ms=NOW_MS - DAY_MS, realized_pnl=-50.0))
        tx.positions.close(lost_today, STOPPED)
        opened(tx)
        half_gone = opened(tx, symbol="ETHUSDT", direction=Direction.SHORT, entry_price=50.0, stop_loss=52.0)
        tx.positions.update_progress(half_gone, Progress(52.0, 0.5, 49.0, NOW_MS, "1m", 0, 0))
        at_break_even = opened(tx, symbol="SOLUSDT")
        tx.positions.update_progress(at_break_even, Progress(101.0, 0.0, 103.0, NOW_MS, "1m", 0, 0))

        view = tx.positions.account_view(account, "BTCUSDT", NOW_MS)
    assert view == AccountView(
        balance=10_000.0,
        open_in_symbol=1,
        open_in_all=3,
        exposure=2 * 100.0 + 1 * 50.0 + 2 * 100.0,
        open_risk=2 * 2.0 + 1 * 2.0,
        realized_today=-4.0,
    )


def test_an_empty_account_has_no_load(book: Book):
    with book.transaction() as tx:
        assert tx.positions.account_view(paper(tx), "BTCUSDT", NOW_MS) == AccountView(0.0, 0, 0, 0.0, 0.0, 0.0)


def test_fills_are_written_once_and_told_in_order(book: Book):
    with book.transaction() as tx:
        position_id = opened(tx)
        entry = Fill(position_id, NOW_MS, FillKind.ENTRY, 2.0, 100.0, f"entry:{position_id}", fee=0.1)
        target = Fill(position_id, NOW_MS + 1, FillKind.TARGET, 0.8, 103.0, "target", target_no=1, ambiguous=True)
        tx.fills.add(target)
        tx.fills.add(entry)

        assert tx.fills.of_position(position_id) == (entry, target)
        with pytest.raises(IntegrityError, match="idem_key"):
            tx.fills.add(entry)


def test_the_balance_is_the_sum_of_what_was_posted_once(book: Book):
    with book.transaction() as tx:
        account = paper(tx)
        posted = [tx.ledger.post(account, LedgerKind.DEPOSIT, 100.0, NOW_MS, "deposit") for _ in range(2)]
        tx.ledger.post(account, LedgerKind.WITHDRAWAL, -30.0, NOW_MS + 1, "withdrawal", note="rent")

        assert posted == [True, False]
        assert tx.ledger.balance(account) == 70.0
        assert [entry.note for entry in tx.ledger.entries(account)] == [None, "rent"]


def test_a_profit_without_its_fill_cannot_be_posted(book: Book):
    with book.transaction() as tx, pytest.raises(IntegrityError, match="CHECK"):
        tx.ledger.post(paper(tx), LedgerKind.REALIZED_PNL, 5.0, NOW_MS, "pnl")


def test_a_portfolio_is_made_once_and_may_be_paused(book: Book):
    with book.transaction() as tx:
        legacy = tx.portfolios.ensure(PortfolioKind.LEGACY, "legacy", "USDT", NOW_MS)
        again = tx.portfolios.ensure(PortfolioKind.LEGACY, "legacy", "USDT", NOW_MS + 9)
        tx.portfolios.set_status(legacy.id, PortfolioStatus.PAUSED)

        assert again == legacy
        assert tx.portfolios.of_kind(PortfolioKind.LEGACY).status is PortfolioStatus.PAUSED
        with pytest.raises(LookupError, match="no real portfolio"):
            tx.portfolios.of_kind(PortfolioKind.REAL)


def test_the_quality_of_an_exit_price_is_kept(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        tx.positions.close(opened(tx, signal_id=signal_id), ending(quality=ExitQuality.POLL))

        assert tx.journal.rows()[0].exit_quality is ExitQuality.POLL
