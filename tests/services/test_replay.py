"""Replay: halves make the whole, again adds nothing, a crash leaves no trace, and what does not fit is refused."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest

from engine.candles import Candles
from engine.params import CheckpointParams, GateParams, Params, WindowParams
from engine.timeframes import DAY_MS, HOUR_MS, Timeframe
from engine.vocabulary import BookKind, PortfolioKind
from gateways.simulated_market import SimulatedMarket
from services.blackouts import Blackout
from services.replay import Replayed, ReplayError, replay
from storage.book import Book
from storage.database import Moment
from storage.identities import identities
from storage.summary import summary_of
from tests.services.books import Everything, everything

BEGIN_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
END_MS = BEGIN_MS + 45 * DAY_MS
PARAMS = Params(
    window=WindowParams(window_bars=300, memory_bars=150, min_bars=60, min_context_bars=10),
    gates=replace(GateParams(), min_rr=1.5, max_cost_r=0.6, send_from_confidence=50.0, store_from_confidence=30.0),
)
"""Gates wide enough for a busy book, and windows small enough for most bars to lie beyond them."""


@cache
def bars(symbol: str, timeframe: Timeframe = Timeframe.H1) -> Candles:
    return SimulatedMarket(7, lambda: END_MS).bars(symbol, timeframe, BEGIN_MS, END_MS)


def series() -> list[Candles]:
    return [bars("BTCUSDT"), bars("ETHUSDT"), bars("SOLUSDT")]


def into(book: Book, candles: list[Candles] | None = None, params: Params = PARAMS, **span: int) -> Replayed:
    return replay(book, series() if candles is None else candles, params, **span)


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS) as book:
        yield book


@cache
def uninterrupted() -> tuple[Replayed, Everything]:
    with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS) as book:
        return into(book), everything(book)


@pytest.fixture(scope="module")
def whole() -> Iterator[Book]:
    """The whole range in one go, for tests that only read it."""
    with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS) as book:
        into(book)
        yield book


def sentence_of(refused: Callable[[], object]) -> str:
    with pytest.raises(ReplayError) as caught:
        refused()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_the_sample_is_a_busy_one():
    summary = uninterrupted()[0].summary

    assert summary.looks == 3 * len(bars("BTCUSDT"))
    assert (summary.sent > 20, summary.wins > 2, summary.losses > 2) == (True, True, True)
    assert len(summary.stopped_by_gate) > 6


@pytest.mark.parametrize("cuts", [(0.5,), (0.1, 0.37), (0.33, 0.3312, 0.9)])
def test_parts_of_a_range_make_the_same_book_as_the_whole(book: Book, cuts: tuple[float, ...]):
    for cut in cuts:
        into(book, to_ms=BEGIN_MS + int(45 * cut * 24) * HOUR_MS)
    into(book)

    assert everything(book) == uninterrupted()[1]


def test_around_a_blackout_nothing_would_have_been_sent_and_the_reason_is_the_live_one():
    week_ms, until_ms = 7 * DAY_MS, BEGIN_MS + 14 * DAY_MS
    quiet = Blackout(BEGIN_MS + week_ms, "halving", week_ms, week_ms, ("ETHUSDT",))

    def told(blackouts: tuple[Blackout, ...]) -> tuple[dict[str, int], dict[str, int]]:
        with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS) as book:
            done = replay(book, series(), PARAMS, to_ms=until_ms, blackouts=blackouts)
            with book.reading() as view:
                sent = Counter(stored.signal.symbol for stored in view.signals.given_to_the_channel())
        return done.summary.stopped_by_gate, sent

    (calm, sent), (quieter, left) = told(()), told((quiet,))
    assert sent["ETHUSDT"] > 0
    assert left["ETHUSDT"] == 0
    assert calm.get("blackout", 0) == 0
    assert quieter["blackout"] > 0


def test_parts_make_the_whole_where_checkpoints_act_too():
    acting = replace(PARAMS, checkpoints=CheckpointParams(act=True))
    books = []
    for cuts in ((), (0.1, 0.37, 0.5, 0.77)):
        with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS) as book:
            for cut in cuts:
                into(book, params=acting, to_ms=BEGIN_MS + int(45 * cut * 24) * HOUR_MS)
            into(book, params=acting)
            books.append(everything(book))
            with book.reading() as view:
                assert all(truth.holds for truth in identities(view))

    assert books[0] == books[1]
    assert len(books[0]["checkpoints"]) > 10
    assert books[0]["checkpoints"] != uninterrupted()[1]["checkpoints"]


def test_parts_may_be_named_from_both_ends(book: Book):
    middle = BEGIN_MS + 20 * DAY_MS
    into(book, to_ms=middle)
    into(book, from_ms=middle)

    assert everything(book) == uninterrupted()[1]


def test_the_order_of_the_files_does_not_matter(book: Book):
    into(book, series()[::-1])

    assert everything(book) == uninterrupted()[1]


def test_a_replay_done_again_adds_nothing(book: Book):
    into(book)
    again = into(book)

    assert (again.decided, everything(book)) == (0, uninterrupted()[1])
    assert again.summary == uninterrupted()[0].summary


class Struck(Exception):
    """What the fault raises."""


class StrikeOnce:
    """A fault that raises once, after so many statements."""

    def __init__(self, statements: int) -> None:
        self.statements_left: int | None = statements

    def __call__(self, moment: Moment, sql: str) -> None:
        if self.statements_left is None:
            return
        self.statements_left -= 1
        if self.statements_left <= 0:
            self.statements_left = None
            raise Struck


@pytest.mark.parametrize("statements", [450, 1500, 4001])
def test_a_replay_that_broke_off_anywhere_goes_on_to_the_same_book(statements: int):
    with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS, fault=StrikeOnce(statements)) as book:
        with pytest.raises(Struck):
            into(book)
        into(book)

        assert everything(book) == uninterrupted()[1]


def test_only_closes_inside_the_range_are_decided(book: Book):
    first, end = BEGIN_MS + 10 * DAY_MS, BEGIN_MS + 12 * DAY_MS

    assert into(book, from_ms=first, to_ms=end).decided == 3 * 48
    with book.reading() as view:
        assert view.scans.span("BTCUSDT", "1h") == (first, end - HOUR_MS)


def test_without_a_range_every_close_is_decided(book: Book):
    into(book, [bars("BTCUSDT")])

    with book.reading() as view:
        assert view.scans.span("BTCUSDT", "1h") == (BEGIN_MS + HOUR_MS, END_MS)


def test_an_earlier_range_is_refused(book: Book):
    into(book, from_ms=BEGIN_MS + 10 * DAY_MS, to_ms=BEGIN_MS + 11 * DAY_MS)
    before = everything(book, outside=())

    sentence = sentence_of(lambda: into(book, from_ms=BEGIN_MS + 9 * DAY_MS, to_ms=BEGIN_MS + 10 * DAY_MS))
    assert "2026-01-11" in sentence
    assert everything(book, outside=()) == before


def test_other_parameters_are_refused(book: Book):
    into(book, to_ms=BEGIN_MS + DAY_MS)

    other = replace(PARAMS, gates=replace(PARAMS.gates, min_rr=2.0))
    assert "other parameters" in sentence_of(lambda: into(book, params=other))


def test_a_new_series_cannot_join_what_is_decided(book: Book):
    into(book, [bars("BTCUSDT")], to_ms=BEGIN_MS + 5 * DAY_MS)

    assert "without ETHUSDT 1h" in sentence_of(lambda: into(book, [bars("BTCUSDT"), bars("ETHUSDT")]))


def test_a_series_the_book_knows_may_not_be_left_out(book: Book):
    into(book, [bars("BTCUSDT"), bars("ETHUSDT")], to_ms=BEGIN_MS + 5 * DAY_MS)

    assert "knows ETHUSDT 1h too" in sentence_of(lambda: into(book, [bars("BTCUSDT")]))


def test_a_new_series_may_join_from_where_the_book_is_decided(book: Book):
    middle = BEGIN_MS + 5 * DAY_MS
    into(book, [bars("BTCUSDT")], to_ms=middle)
    done = into(book, [bars("BTCUSDT"), bars("ETHUSDT")], from_ms=middle, to_ms=middle + DAY_MS)

    assert done.decided == 2 * 24
    with book.reading() as view:
        assert view.scans.span("ETHUSDT", "1h") == (middle, middle + 23 * HOUR_MS)


def test_a_series_without_a_higher_timeframe_is_refused_before_anything_is_written(book: Book):
    empty = everything(book, outside=())
    weekly = replace(bars("BTCUSDT"), timeframe=Timeframe.W1)

    assert "no higher timeframe" in sentence_of(lambda: into(book, [weekly]))
    assert everything(book, outside=()) == empty


def test_the_finest_series_of_a_symbol_settles(book: Book):
    into(book, [bars("BTCUSDT"), bars("BTCUSDT", Timeframe.M15), bars("ETHUSDT")])

    with book.reading() as view:
        settled = view.connection.execute("SELECT DISTINCT symbol, settled_on FROM positions ORDER BY 1").fetchall()
    assert settled == [("BTCUSDT", "15m"), ("ETHUSDT", "1h")]


def test_a_finer_series_that_does_not_reach_over_the_coarser_one_does_not_settle(book: Book):
    late = bars("BTCUSDT", Timeframe.M15).window(45 * 96, 10 * 96)
    into(book, [bars("BTCUSDT"), late])

    with book.reading() as view:
        assert view.connection.execute("SELECT DISTINCT settled_on FROM positions").fetchall() == [("1h",)]


def test_every_identity_holds_and_the_balance_is_deposits_and_fills(whole: Book):
    with whole.reading() as view:
        assert all(truth.holds for truth in identities(view))
        paper = view.portfolios.of_kind(PortfolioKind.PAPER)
        pnl, fees = view.connection.execute(
            "SELECT SUM(CASE WHEN x.kind='ENTRY' THEN 0 ELSE (x.price-p.entry_price)*x.qty"
            " *(CASE p.direction WHEN 'LONG' THEN 1 ELSE -1 END) END), SUM(x.fee)"
            " FROM fills x JOIN positions p ON p.id=x.position_id WHERE p.portfolio_id=?",
            (paper.id,),
        ).fetchone()
    assert uninterrupted()[0].summary.balance == pytest.approx(PARAMS.account.deposit + pnl - fees, abs=1e-6)


def test_what_the_gates_stopped_adds_up_to_the_signals_not_sent():
    summary = uninterrupted()[0].summary
    by_gates = {name: count for name, count in summary.stopped_by_gate.items() if "." not in name}

    assert sum(by_gates.values()) == summary.signals - summary.sent
    assert {"bias", "confidence", "dedupe", "opposite", "rr"} <= set(by_gates)


def test_what_stopped_a_setup_before_it_was_a_signal_adds_up_to_its_looks(whole: Book):
    with whole.reading() as view:
        stages = dict(view.connection.execute("SELECT stage, COUNT(*) FROM scans GROUP BY stage"))
    stopped = uninterrupted()[0].summary.stopped_by_gate
    assert (stopped["setup.levels"], stopped["setup.confidence"]) == (stages["levels"], stages["confidence"])


def test_every_sent_signal_is_armed_or_says_which_account_gate_stopped_it(whole: Book):
    with whole.reading() as view:
        (armed,) = view.connection.execute(
            "SELECT COUNT(*) FROM conditions c JOIN portfolios f ON f.id=c.portfolio_id WHERE f.kind='paper'"
        ).fetchone()
        (refused_at_once,) = view.connection.execute(
            "SELECT COUNT(DISTINCT d.signal_id) FROM decisions d JOIN signals s ON s.id=d.signal_id"
            " WHERE d.gate LIKE 'account.%' AND d.passed=0 AND d.at_ms=s.created_ms"
        ).fetchone()
        (refused_at_the_fill,) = view.connection.execute(
            "SELECT COUNT(*) FROM conditions WHERE status='REJECTED'"
        ).fetchone()
        (refused,) = view.connection.execute(
            "SELECT COUNT(DISTINCT signal_id) FROM decisions WHERE gate LIKE 'account.%' AND passed=0"
        ).fetchone()
    assert armed + refused_at_once == uninterrupted()[0].summary.sent
    assert refused == refused_at_once + refused_at_the_fill


def test_a_zone_is_one_signal_with_every_verdict_and_an_order_in_the_shadow_book(whole: Book):
    with whole.reading() as view:
        signals = view.signals.latest(1000)
        verdicts = [{held.verdict.gate for held in view.signals.verdicts(stored.id)} for stored in signals]
        shadowed = [view.conditions.of_signal(stored.id)[-1].portfolio_kind for stored in signals]
    zones = {(stored.signal.symbol, stored.signal.timeframe, stored.signal.setup_key) for stored in signals}
    assert len(zones) == len(signals)
    assert all(len(gates) >= 12 for gates in verdicts)
    assert set(shadowed) == {PortfolioKind.SHADOW}


def test_nothing_is_sent(whole: Book):
    assert (everything(whole)["messages"], everything(whole)["outbox"]) == ([], [])


def test_the_summary_counts_the_paper_account_alone(whole: Book):
    with whole.reading() as view:
        summary = summary_of(view.connection)
        paper = view.portfolios.of_kind(PortfolioKind.PAPER).id
        closed = view.positions.closed_since(paper, 0)
        assert summary.positions == len(closed) + len(view.positions.open_positions(paper))
    assert summary.wins + summary.losses + summary.breakeven == len(closed)


def test_progress_is_told_to_the_end(book: Book):
    told: list[tuple[str, int, int]] = []
    into(book, progress=lambda what, done, total: told.append((what, done, total)))

    span_ms = told[0][2]
    assert told[0] == ("replaying", 0, span_ms)
    assert told[-1] == ("replaying", span_ms, span_ms)
    done = [done for _, done, _ in told]
    assert done == sorted(done)
    assert len(set(done)) > 5
