"""Checkpoints while positions are settled: each level once, told to those who handle positions, acted on only if allowed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import pytest

from engine.checkpoints import Recommendation, contributions_now
from engine.confidence import confidence_of
from engine.decide import Readings
from engine.looks import Looks
from engine.params import CheckpointParams, Params
from engine.timeframes import HOUR_MS, Timeframe
from engine.vocabulary import BookKind, CloseReason, Direction, PortfolioKind, Position, Rejected, Signal, Stage
from services.announce import Announcements, MessageKind, signal_key
from services.checkpoints import NOT_JUDGED, Checkpoints
from services.position_manager import Settlement
from storage.book import Book
from storage.chats import ChatKind
from storage.checkpoints import Action, Checkpoint
from storage.database import IntegrityError
from storage.events import EventType
from storage.identities import identities
from storage.stores import Stores
from storage.users import Role
from tests.drawing import Row
from tests.engine.market import PARAMS, corpus, read
from tests.services.books import armed, candles_of, with_deposit
from tests.storage.samples import LONG, NOW_MS

# LONG enters at 100 and goes for 103, 106 and 110: its checkpoints stand at 102.5, 105, 107.5 and 108.5.
FILL: Row = (101.0, 101.0, 99.5, 100.5)
TO_25: Row = (100.5, 102.8, 100.4, 102.6)
TO_50: Row = (102.6, 105.2, 102.5, 105.0)
TO_75: Row = (105.0, 107.8, 104.9, 107.6)
TO_85: Row = (107.6, 108.9, 107.5, 108.6)
STRAIGHT_TO_85: Row = (100.5, 108.9, 100.4, 108.6)
BACK: Row = (102.6, 102.7, 99.5, 99.8)
DEFAULTS, ACTING = Params(), Params(checkpoints=CheckpointParams(act=True))
OWNER, OPERATOR, SUBSCRIBER = 77, 78, 79


@cache
def with_it() -> Readings:
    """A chart whose own and higher timeframe go up, read long before the signal: nothing came after it."""
    looks = Looks(corpus()[0].stack, PARAMS, read)
    own = corpus()[0].stack.own
    found = (looks.readings_at(int(ms)) for ms in own.closed_ms[300:])
    return next(r for r in found if isinstance(r, Readings) and r.own.trend == r.context.trend == 1)


@cache
def confidence() -> float:
    return confidence_of(contributions_now(LONG, with_it(), DEFAULTS))


def losing(points: float) -> Signal:
    """A signal whose confidence has lost so many points since."""
    return replace(LONG, base_confidence=confidence() + points)


@dataclass
class Chart:
    """What a re-analysis is given to see, and what it asked for."""

    seen: Readings | Rejected
    asked: list[tuple[str, Timeframe, int]] = field(default_factory=list)

    def __call__(self, stores: Stores, symbol: str, timeframe: Timeframe, at_ms: int) -> Readings | Rejected:
        self.asked.append((symbol, timeframe, at_ms))
        return self.seen


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield with_deposit(book)


def follow(
    book: Book,
    signal: Signal,
    *rows: Row,
    params: Params = DEFAULTS,
    chart: Chart | None = None,
    to_channel: bool = False,
    at_once: bool = False,
) -> None:
    """Settle hour by hour, as a bot does that is never away, or all at once, as after a rest."""
    checkpoints = Checkpoints(chart or Chart(with_it()), to_channel)
    with book.transaction() as tx:
        armed(tx, signal)
    for hours in (len(rows),) if at_once else range(1, len(rows) + 1):
        with book.transaction() as tx:
            candles = {"BTCUSDT": candles_of(rows)}
            Settlement(tx, candles, params, Announcements((1,)), checkpoints).rest(NOW_MS + hours * HOUR_MS)


def rows_of(book: Book) -> tuple[Checkpoint, ...]:
    with book.reading() as view:
        [paper] = (p for p in view.positions.of_signal(1) if p.portfolio_id == paper_id(view))
        return view.checkpoints.of_position(paper.id)


def paper_id(view: Stores) -> int:
    return view.portfolios.of_kind(PortfolioKind.PAPER).id


def both(book: Book) -> tuple[Position, ...]:
    with book.reading() as view:
        assert all(truth.holds for truth in identities(view))
        return view.positions.of_signal(1)


def test_every_level_has_one_row_of_the_account_s_position(book: Book):
    follow(book, losing(10.0), FILL, TO_25, TO_50, TO_75, TO_85)

    rows = rows_of(book)
    assert [(row.level, row.recommendation) for row in rows[:2]] == [
        (25, Recommendation.HOLD),
        (50, Recommendation.HOLD),
    ]
    assert [row.level for row in rows] == [25, 50, 75, 85]
    assert [row.price for row in rows] == [102.6, 105.0, 107.6, 108.6]
    assert {row.confidence_delta for row in rows} == {-10.0}
    with book.reading() as view:
        assert view.connection.execute("SELECT COUNT(DISTINCT position_id) FROM checkpoints").fetchone() == (1,)
        assert len(view.events.latest(9, EventType.CHECKPOINT)) == 4


def test_a_re_analysis_sees_what_was_closed_when_its_candle_opened(book: Book):
    chart = Chart(with_it())
    follow(book, losing(10.0), FILL, TO_25, chart=chart)

    assert chart.asked == [("BTCUSDT", Timeframe.H1, NOW_MS + HOUR_MS)]
    assert rows_of(book)[0].at_ms == NOW_MS + 2 * HOUR_MS


def test_nothing_is_passed_in_the_candle_of_the_entry(book: Book):
    follow(book, losing(10.0), (101.0, 102.9, 99.5, 101.0))

    assert rows_of(book) == ()


def test_levels_passed_at_once_are_one_advice(book: Book):
    with book.transaction() as tx:
        let_in(tx)
    follow(book, losing(10.0), FILL, STRAIGHT_TO_85)

    assert [(row.level, row.action) for row in rows_of(book)] == [
        (25, Action.SKIPPED), (50, Action.SKIPPED), (75, Action.SKIPPED), (85, None),
    ]  # fmt: skip
    assert len({(row.recommendation, row.reasons, row.price) for row in rows_of(book)}) == 1
    [message] = advice_in(book)
    assert message["levels"] == [25, 50, 75, 85]


@pytest.mark.parametrize("points", [2.0, 40.0, -5.0])
def test_a_bot_that_was_away_writes_the_same_rows(points: float):
    written = []
    for at_once in (True, False):
        with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
            follow(with_deposit(book), losing(points), FILL, TO_25, TO_50, TO_75, params=ACTING, at_once=at_once)
            written.append((rows_of(book), both(book)))

    assert written[0] == written[1]


def test_a_chart_that_cannot_be_read_is_held_and_says_so(book: Book):
    follow(book, LONG, FILL, TO_50, chart=Chart(Rejected(Stage.DATA, "BTCUSDT 1h is stale")), params=ACTING)

    row = rows_of(book)[-1]
    assert (row.recommendation, row.reasons) == (Recommendation.HOLD, (NOT_JUDGED, "BTCUSDT 1h is stale"))
    assert (row.confidence_now, row.confidence_delta, row.structure_broken, row.htf_flipped) == (None,) * 4
    assert row.rr_now == pytest.approx((110.0 - 105.0) / (105.0 - 100.0))


def let_in(tx: Stores) -> None:
    """An owner, an operator and a subscriber; and the channel, which was given the signal."""
    for telegram_id, role in ((OWNER, Role.OWNER), (OPERATOR, Role.OPERATOR), (SUBSCRIBER, Role.SUBSCRIBER)):
        tx.users.ensure(telegram_id, None, NOW_MS)
        tx.users.set_role(telegram_id, role, None, NOW_MS)
    channel = tx.chats.ensure(-100, ChatKind.CHANNEL).id
    tx.outbox.queue(MessageKind.SIGNAL.value, {}, signal_key(1), [channel], NOW_MS)


def advice_in(book: Book, kind: MessageKind = MessageKind.ADVICE) -> list[dict[str, object]]:
    with book.reading() as view:
        return [dict(message.payload) for message in view.messages.all() if message.kind == kind.value]


def test_advice_goes_to_those_who_handle_positions_with_its_numbers(book: Book):
    with book.transaction() as tx:
        let_in(tx)
    follow(book, losing(10.0), FILL, TO_25)

    [facts] = advice_in(book)
    assert (facts["recommendation"], facts["rule"], facts["delta"]) == ("HOLD", "nothing_changed", -10.0)
    assert facts["r_now"] == pytest.approx(1.3, abs=0.1)
    with book.reading() as view:
        [message] = (m for m in view.messages.all() if m.kind == MessageKind.ADVICE.value)
        assert [item.chat_telegram_id for item in view.outbox.of_message(message.id)] == [OWNER, OPERATOR]


@pytest.mark.parametrize(("to_channel", "told"), [(False, 0), (True, 1)])
def test_the_channel_hears_of_checkpoints_only_where_that_is_switched_on(book: Book, to_channel: bool, told: int):
    with book.transaction() as tx:
        let_in(tx)
    follow(book, losing(10.0), FILL, TO_25, to_channel=to_channel)

    assert len(advice_in(book, MessageKind.CHECKPOINT)) == told


def test_nothing_acts_by_itself(book: Book):
    follow(book, losing(40.0), FILL, TO_25)

    paper, shadow = both(book)
    assert rows_of(book)[0].recommendation is Recommendation.CLOSE_NOW
    assert (paper.is_open, paper.stop_loss, rows_of(book)[0].action) == (True, shadow.stop_loss, None)


def test_where_it_may_a_checkpoint_closes_the_account_s_position_and_not_the_record(book: Book):
    follow(book, losing(40.0), FILL, TO_25, params=ACTING)

    paper, shadow = both(book)
    assert (paper.close_reason, paper.closed_ms) == (CloseReason.CHECKPOINT, NOW_MS + 2 * HOUR_MS)
    assert paper.exit_price == pytest.approx(102.6 * (1 - DEFAULTS.follow.slippage_ratio))
    assert (shadow.is_open, rows_of(book)[0].action) == (True, Action.CLOSED)


def test_where_it_may_a_checkpoint_takes_a_part(book: Book):
    follow(book, losing(2.0), FILL, TO_25, TO_75, params=ACTING)

    paper, shadow = both(book)
    assert rows_of(book)[-1].reasons == ("little_left",)
    assert (paper.closed_ratio, shadow.closed_ratio) == (pytest.approx(1 - 0.25 * 0.5), pytest.approx(0.75))
    assert rows_of(book)[-1].action is Action.REDUCED


def test_where_it_may_a_checkpoint_moves_the_stop_to_break_even(book: Book):
    calm = Params(checkpoints=CheckpointParams(act=True, trail_from_level=25))
    follow(book, losing(-5.0), FILL, TO_25, BACK, params=calm)

    paper, shadow = both(book)
    assert rows_of(book)[0].action is Action.STOP_MOVED
    assert (paper.close_reason, paper.stop_loss) == (CloseReason.BREAK_EVEN, 100.0)
    assert (shadow.is_open, shadow.stop_loss) == (True, 98.0)


def test_what_an_advice_was_worth_is_measured_on_the_record(book: Book):
    follow(book, losing(40.0), FILL, TO_25, (102.6, 111.0, 102.5, 110.5), params=ACTING)

    paper, shadow = both(book)
    with book.reading() as view:
        [worth] = view.checkpoints.worth()
    assert worth.recommendation is Recommendation.CLOSE_NOW
    assert worth.r_end == shadow.r_multiple
    assert worth.r_then == pytest.approx(paper.r_multiple)


def test_a_level_has_one_row(book: Book):
    follow(book, losing(10.0), FILL, TO_25)
    [row] = rows_of(book)

    with pytest.raises(IntegrityError), book.transaction() as tx:
        tx.checkpoints.add(row)


def test_a_short_has_its_checkpoints_below(book: Book):
    signal = replace(
        LONG,
        direction=Direction.SHORT,
        stop_loss=102.0,
        targets=tuple(target._replace(price=200.0 - target.price) for target in LONG.targets),
    )
    rows = [(200 - o, 200 - low, 200 - high, 200 - c) for o, high, low, c in (FILL, TO_25, TO_50)]
    follow(book, signal, *rows)

    assert [(row.level, row.price) for row in rows_of(book)] == [(25, pytest.approx(97.4)), (50, pytest.approx(95.0))]
