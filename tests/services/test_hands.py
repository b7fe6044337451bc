"""The hand levers: each is one transaction, once, towards profit alone, and leaves the record of the signal alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from engine.follow import NotPossible
from engine.params import Params
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, CloseReason, FillKind, Position, SignalStatus
from services.announce import Announcements, MessageKind, signal_key
from services.hands import GONE_AFTER_MS, STALE_AFTER_MS, HandOrder, Hands, last_price
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.identities import identities
from storage.stores import Stores
from tests.drawing import Row
from tests.services.books import armed, candles_of, everything, settle, with_deposit
from tests.services.strikes import StrikeAfter, Struck
from tests.storage.samples import LONG, NOW_MS

FILL: Row = (101.0, 101.0, 99.5, 100.5)
HIGHER: Row = (100.5, 102.6, 100.4, 102.5)
FIRST_TARGET: Row = (102.5, 103.5, 102.4, 103.0)
LAST_TARGET: Row = (103.0, 110.5, 102.9, 110.0)
DOWN: Row = (103.0, 103.2, 97.0, 97.5)
PAPER, SHADOW = 0, 1
TOLD = Announcements((1,))
HANDS = Hands(Params(), TOLD)


@dataclass
class Desk:
    """A book whose LONG is open in both portfolios, and whose channel was given the signal."""

    book: Book
    rows: tuple[Row, ...]

    @property
    def now_ms(self) -> int:
        return NOW_MS + len(self.rows) * HOUR_MS

    @property
    def positions(self) -> tuple[Position, ...]:
        with self.book.reading() as view:
            return view.positions.of_signal(1)

    @property
    def paper(self) -> Position:
        return self.positions[PAPER]

    def order(self, key: str = "press 1") -> HandOrder:
        return HandOrder(self.paper.id, "user 77", key, self.now_ms)

    def go_on(self, *rows: Row) -> None:
        self.rows += rows
        settle(self.book, {"BTCUSDT": candles_of(self.rows)}, self.now_ms, announcements=TOLD)

    def told(self) -> list[str]:
        with self.book.reading() as view:
            kinds = [message.kind for message in view.messages.of_signal(1)]
        return [kind for kind in kinds if kind != MessageKind.STATUS.value]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield opened(book)


def opened(book: Book) -> Desk:
    with with_deposit(book).transaction() as tx:
        armed(tx, LONG, SignalStatus.SENT)
        channel = tx.chats.ensure(-100, ChatKind.CHANNEL).id
        tx.outbox.queue(MessageKind.SIGNAL.value, {}, signal_key(1), [channel], NOW_MS, signal_id=1)
    desk = Desk(book, ())
    desk.go_on(FILL, HIGHER)
    return desk


def holds_together(book: Book) -> bool:
    with book.reading() as view:
        return all(truth.holds for truth in identities(view))


def test_a_close_by_hand_ends_the_account_s_position_and_not_the_record(desk: Desk):
    with desk.book.transaction() as tx:
        closed = HANDS.close(tx, desk.order())

    assert closed is not None
    assert (closed.is_open, closed.close_reason) == (False, CloseReason.MANUAL)
    assert closed.exit_price == pytest.approx(102.5 * (1 - Params().follow.slippage_ratio))
    assert desk.positions[SHADOW].is_open
    assert desk.told() == ["signal", "entry", "hand_close"]

    desk.go_on(LAST_TARGET)
    shadow = desk.positions[SHADOW]
    assert (shadow.close_reason, desk.told()[-1]) == (CloseReason.TAKE_PROFIT, "close")
    assert holds_together(desk.book)


def test_a_part_by_hand_leaves_the_rest_to_the_plan(desk: Desk):
    with desk.book.transaction() as tx:
        part = HANDS.take_part(tx, desk.order(), 0.5)
    assert part is not None
    assert part.closed_ratio == pytest.approx(0.5)

    desk.go_on(FIRST_TARGET, LAST_TARGET)
    with desk.book.reading() as view:
        made = [(fill.kind, round(fill.qty, 6)) for fill in view.fills.of_position(part.id)]
    assert made == [
        (FillKind.ENTRY, 50.0),
        (FillKind.CLOSE, 25.0),
        (FillKind.TARGET, 10.0),
        (FillKind.TARGET, 8.75),
        (FillKind.TARGET, 6.25),
    ]
    assert (desk.paper.is_open, desk.positions[SHADOW].is_open) == (False, False)
    assert "hand_part" in desk.told()
    assert holds_together(desk.book)


def test_parts_may_be_taken_one_after_the_other(desk: Desk):
    for key in ("press 1", "press 2"):
        with desk.book.transaction() as tx:
            HANDS.take_part(tx, desk.order(key), 0.5)
        desk.go_on(FIRST_TARGET)

    assert desk.paper.closed_ratio == pytest.approx(1 - 0.5 * 0.6 * 0.5)
    desk.go_on(LAST_TARGET)
    assert holds_together(desk.book)


def test_without_a_share_the_part_is_the_one_of_the_parameters(desk: Desk):
    with desk.book.transaction() as tx:
        part = HANDS.take_part(tx, desk.order())

    assert part is not None
    assert part.closed_ratio == pytest.approx(Params().checkpoints.part_ratio)


def test_a_stop_moved_by_hand_is_the_one_that_is_hit(desk: Desk):
    with desk.book.transaction() as tx:
        moved = HANDS.move_stop(tx, desk.order(), 101.0)
    assert moved is not None
    assert (moved.stop_loss, moved.initial_stop, moved.is_open) == (101.0, 98.0, True)

    desk.go_on(DOWN)
    paper, shadow = desk.positions
    assert (paper.close_reason, shadow.close_reason) == (CloseReason.TRAILING_STOP, CloseReason.STOP_LOSS)
    assert paper.exit_price == pytest.approx(101.0 * (1 - Params().follow.slippage_ratio))
    assert desk.told() == ["signal", "entry", "hand_stop", "close"]
    assert holds_together(desk.book)


@pytest.mark.parametrize(("stop", "why"), [(97.0, "towards profit"), (98.0, "towards profit"), (102.5, "hit at once")])
def test_a_stop_is_never_widened_and_never_beyond_the_price(desk: Desk, stop: float, why: str):
    before = everything(desk.book)
    with pytest.raises(NotPossible, match=why), desk.book.transaction() as tx:
        HANDS.move_stop(tx, desk.order(), stop)

    assert everything(desk.book) == before


def test_holding_changes_nothing_but_is_written_down(desk: Desk):
    before = desk.paper
    with desk.book.transaction() as tx:
        assert HANDS.hold(tx, desk.order()) == before

    with desk.book.reading() as view:
        [event] = view.events.latest(9, EventType.HAND_ORDER)
    assert (event.actor, event.message, event.position_id) == ("user 77", "hold", before.id)


Lever = Callable[[Stores, HandOrder], Position | None]
LEVERS: dict[str, Lever] = {
    "close": HANDS.close,
    "part": HANDS.take_part,
    "stop": lambda tx, order: HANDS.move_stop(tx, order, 100.0),
    "hold": HANDS.hold,
}


@pytest.mark.parametrize("lever", LEVERS.values(), ids=LEVERS)
def test_the_same_order_again_does_nothing_more(desk: Desk, lever: Lever):
    with desk.book.transaction() as tx:
        assert lever(tx, desk.order()) is not None
    before = everything(desk.book)
    with desk.book.transaction() as tx:
        assert lever(tx, desk.order()) is None

    assert everything(desk.book) == before


@pytest.mark.parametrize("lever", LEVERS.values(), ids=LEVERS)
def test_the_record_s_own_position_cannot_be_handled(desk: Desk, lever: Lever):
    order = replace(desk.order(), position_id=desk.positions[SHADOW].id)

    with pytest.raises(LookupError, match="The account has no open position"), desk.book.transaction() as tx:
        lever(tx, order)


@pytest.mark.parametrize("lever", LEVERS.values(), ids=LEVERS)
def test_what_is_closed_cannot_be_handled(desk: Desk, lever: Lever):
    with desk.book.transaction() as tx:
        HANDS.close(tx, desk.order("first"))

    with pytest.raises(LookupError), desk.book.transaction() as tx:
        lever(tx, desk.order("second"))


def test_nothing_is_closed_at_a_price_of_long_ago(desk: Desk):
    at_once = replace(desk.order(), at_ms=desk.now_ms + STALE_AFTER_MS)
    late = replace(at_once, at_ms=at_once.at_ms + MINUTE_MS)

    with pytest.raises(NotPossible, match="6 minutes old"), desk.book.transaction() as tx:
        HANDS.close(tx, late)
    with desk.book.transaction() as tx:
        assert HANDS.close(tx, at_once) is not None


def left_out(desk: Desk) -> None:
    with desk.book.transaction() as tx:
        tx.candles.note_error("BTCUSDT", Timeframe.M1, "binance", "Binance does not know BTCUSDT", desk.now_ms)


def test_a_position_without_candles_is_closed_at_its_last_price_and_that_is_said(desk: Desk):
    left_out(desk)
    late = replace(desk.order(), at_ms=desk.now_ms + 3 * HOUR_MS)
    with pytest.raises(NotPossible, match="180 minutes old"), desk.book.transaction() as tx:
        HANDS.close(tx, late)
    with desk.book.transaction() as tx:
        closed = HANDS.close_at_last(tx, late)
        again = HANDS.close_at_last(tx, late)
        [order] = tx.events.latest(9, EventType.HAND_ORDER)

    assert closed is not None
    assert closed.exit_price == pytest.approx(102.5 * (1 - Params().follow.slippage_ratio))
    assert (closed.closed_ms, again) == (late.at_ms, None)
    assert order.message == "close at 102.5 of 2025-10-09 11:00 UTC, the last price"
    assert holds_together(desk.book)


def test_while_candles_may_come_the_last_price_is_not_to_be_had(desk: Desk):
    late = replace(desk.order(), at_ms=desk.now_ms + GONE_AFTER_MS)
    with pytest.raises(NotPossible, match="60 minutes old"), desk.book.transaction() as tx:
        HANDS.close_at_last(tx, late)  # nobody has left the pair out
    left_out(desk)
    with pytest.raises(NotPossible, match="59 minutes old"), desk.book.transaction() as tx:
        HANDS.close_at_last(tx, replace(late, at_ms=late.at_ms - MINUTE_MS))
    with desk.book.reading() as view:
        assert last_price(view, desk.paper, late.at_ms) is not None


@pytest.mark.parametrize("lever", LEVERS.values(), ids=LEVERS)
def test_an_order_that_fails_after_any_statement_never_happened(lever: Lever):
    fault = StrikeAfter()
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS, fault=fault) as book:
        desk = opened(book)
        before, statement = everything(book), 0
        while True:
            fault.statements_left = statement
            try:
                with book.transaction() as tx:
                    lever(tx, desk.order())
            except Struck:
                assert everything(book) == before
                statement += 1
            else:
                break

        assert statement > 3
        assert everything(book) != before
        assert holds_together(book)
