"""What the channel reads: one text of each kind as a person may review it, and no value that can break it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.vocabulary import BookKind, CloseReason, PortfolioKind, Signal, SignalStatus
from handlers.telegram.actions import ACTIONS
from handlers.telegram.buttons import EVERYBODY, Mint
from handlers.telegram.catalogue import LANGUAGES
from handlers.telegram.figures import Voice, clock_of, cut, price
from handlers.telegram.texts import BUTTONS, renderer
from handlers.telegram.texts_signal import Frame, signal_card
from services.announce import Announcements, MessageKind, about
from services.post import ChartKind, Post
from services.publish import set_public_channel
from services.send import NOTICE
from services.split import CAPTION_UNITS, plain, units
from storage.book import Book
from storage.chats import ChatKind
from storage.codec import Json
from storage.positions import Ending
from storage.preferences import Preferences
from storage.stores import Stores
from tests.fakes.telegram_html import read
from tests.handlers.telegram.goldens import compare, kept
from tests.storage.samples import DAY_MS, HOUR_MS, LONG, NOW_MS, SHORT, opened, recorded

CHANNEL = -1_001_000_000_000
ZONES = {"en": "UTC", "bg": "Europe/Sofia"}
LOST = {
    "reason": "STOP_LOSS",
    "outcome": "LOSS",
    "r_multiple": -1.057,
    "pnl_pct": -2.114,
    "mfe_r": 0.62,
    "mae_r": 1.0,
    "opened_ms": NOW_MS - 27 * HOUR_MS,
    "targets_hit": 0,
}
WON = {**LOST, "reason": "TAKE_PROFIT", "outcome": "WIN", "r_multiple": 2.831, "pnl_pct": 5.662, "targets_hit": 3}
EVEN = {**LOST, "reason": "BREAK_EVEN", "outcome": "WIN", "r_multiple": 0.54, "pnl_pct": 1.08, "targets_hit": 1}
TIMED = {**LOST, "reason": "TIME_LIMIT", "outcome": "BREAKEVEN", "r_multiple": 0.04, "pnl_pct": 0.08}


REASONED = replace(LONG, reasons=("previous day low taken at 97.4", "MSS through 99.2", "displacement 2 bars ago"))
AS_IT_COMES = Preferences()


@dataclass(frozen=True, slots=True)
class Case:
    """A message as it comes about: its kind, what its writer told, and how the signal stands when it is sent."""

    kind: MessageKind
    facts: Mapping[str, Json] = field(default_factory=dict)
    status: SignalStatus = SignalStatus.SENT
    signal: Signal = REASONED
    preferences: Preferences = AS_IT_COMES


ORDERED = Preferences(executor_block=True, leverage_hint=True)
CLOSED_BY_HAND = {"price": 104.2, "reason": "MANUAL", "r_multiple": 1.94, "priced_ms": NOW_MS + 3 * HOUR_MS}
ADVISED = {
    "levels": [25, 50],
    "recommendation": "MOVE_SL",
    "rule": "stop_may_follow",
    "reason": None,
    "confidence": 74.2,
    "delta": 2.7,
    "rr_left": 0.71,
    "r_now": 1.55,
}
CASES = {
    "signal": Case(MessageKind.SIGNAL, status=SignalStatus.ACCEPTED),
    "signal_short": Case(MessageKind.SIGNAL, status=SignalStatus.ACCEPTED, signal=SHORT, preferences=ORDERED),
    "signal_late": Case(MessageKind.SIGNAL, status=SignalStatus.EXECUTED),
    "signal_missed": Case(MessageKind.SIGNAL, status=SignalStatus.MISSED),
    "filled": Case(MessageKind.ENTRY, {"price": 100.0}),
    "filled_better": Case(MessageKind.ENTRY, {"price": 99.9}),
    "target": Case(MessageKind.TARGET, {"no": 2, "price": 106.0, "share_ratio": 0.35}),
    "stop_to_break_even": Case(MessageKind.STOP_MOVED, {"stop": 100.0, "entry": 100.0}),
    "stop_moved": Case(MessageKind.STOP_MOVED, {"stop": 101.5, "entry": 100.0}),
    "close_stop": Case(MessageKind.CLOSE, LOST),
    "close_stop_after_target": Case(MessageKind.CLOSE, EVEN),
    "close_last_target": Case(MessageKind.CLOSE, WON),
    "close_time": Case(MessageKind.CLOSE, TIMED),
    "close_gone": Case(MessageKind.CLOSE, {**TIMED, "priced_ms": NOW_MS - 7 * DAY_MS}),
    "expired": Case(MessageKind.EXPIRED, {"reason": "the entry was not reached in time"}),
    "target_before_entry": Case(MessageKind.CANCELLED, {"reason": "the first target came before the entry"}),
    "hand_close": Case(MessageKind.HAND_CLOSE, CLOSED_BY_HAND),
    "hand_close_late": Case(MessageKind.HAND_CLOSE, {**CLOSED_BY_HAND, "priced_ms": NOW_MS}),
    "hand_part": Case(MessageKind.HAND_PART, {"price": 104.2, "reason": "MANUAL", "share_ratio": 0.5}),
    "hand_stop": Case(MessageKind.HAND_STOP, {"stop": 100.0, "entry": 100.0, "reason": "CHECKPOINT"}),
    "checkpoint": Case(MessageKind.CHECKPOINT, ADVISED),
}
REPLIES = [name for name, case in CASES.items() if case.kind is not MessageKind.SIGNAL]


@pytest.fixture
def book():
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def post_of(tx: Stores, case: Case, language: str = "en", zone: str = "UTC") -> Post:
    """A message, queued and rendered in the public channel of a book that has its secret."""
    Mint.ensured(tx, NOW_MS)
    chat = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
    tx.chats.prefer(chat, replace(case.preferences, language=language, zone=zone))
    set_public_channel(tx, chat)
    announcements = Announcements((chat,))
    signal_id = recorded(tx, case.signal, case.status)
    announcements.signal(tx, signal_id, case.signal, NOW_MS)
    if case.kind is not MessageKind.SIGNAL:
        told = {**about(case.signal.symbol, case.signal.direction), **case.facts}
        announcements.update(tx, case.kind, signal_id, NOW_MS + 3 * HOUR_MS, told)
    return rendered(tx, case.kind)


def rendered(tx: Stores, kind: MessageKind) -> Post:
    """The last message of a kind as the channel is to see it."""
    message = [one for one in tx.messages.all() if one.kind == kind.value][-1]
    [item] = tx.outbox.of_message(message.id)
    return renderer()(tx, item)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_message_reads_as_its_golden_file(book: Book, name: str, language: str):
    with book.transaction() as tx:
        compare(name, language, post_of(tx, CASES[name], language, ZONES[language]).html)


@pytest.mark.parametrize(
    ("name", "kind", "then"),
    [
        ("order", MessageKind.ORDER, None),
        ("order_cancel", MessageKind.ORDER_CANCEL, Case(MessageKind.EXPIRED, {"reason": "late"})),
        ("order_close", MessageKind.ORDER_CLOSE, Case(MessageKind.CLOSE, TIMED)),
    ],
)
def test_what_programs_read_is_the_same_in_every_language(book: Book, name, kind, then):
    case = replace(then or Case(MessageKind.SIGNAL), preferences=ORDERED)
    with book.transaction() as tx:
        post_of(tx, case)

        compare(name, "en", rendered(tx, kind).html)


def test_every_golden_file_is_of_a_message():
    known = {f"{name}.{language}.html" for name in CASES for language in LANGUAGES}

    assert kept() == known | {
        "order.en.html",
        "order_cancel.en.html",
        "order_close.en.html",
    }


def test_the_first_line_is_what_a_locked_phone_shows(book: Book):
    with book.transaction() as tx:
        assert plain(post_of(tx, CASES["signal"]).html).startswith("🟢 LONG #BTCUSDT 1h\n")


def test_a_signal_comes_with_its_chart_and_a_close_with_the_path_taken(book: Book):
    with book.transaction() as tx:
        assert post_of(tx, CASES["signal"]).chart.kind is ChartKind.SIGNAL
        assert post_of(tx, replace(CASES["close_stop"], signal=SHORT)).chart.kind is ChartKind.CLOSE


def test_every_button_of_a_post_does_something_for_whoever_is_let_in(book: Book):
    with book.transaction() as tx:
        [row] = post_of(tx, CASES["signal"]).buttons
        mint = Mint.of(tx, NOW_MS)
        presses = [mint.read(button.data, user_id=1) for button in row]

    assert [press.action for press in presses] == list(BUTTONS)
    assert {press.owner for press in presses} == {EVERYBODY}
    assert set(BUTTONS) <= {action.name for action in ACTIONS}


def test_a_missed_signal_shows_no_levels_no_chart_and_no_buttons(book: Book):
    with book.transaction() as tx:
        post = post_of(tx, CASES["signal_missed"])

    assert "100" not in post.html
    assert (post.chart, post.buttons) == (None, ())


def test_leverage_is_suggested_only_where_it_is_switched_on(book: Book):
    with book.transaction() as tx:
        assert "Leverage" not in post_of(tx, CASES["signal"]).html
        assert "Leverage 10x at most" in post_of(tx, CASES["signal_short"]).html


def test_a_demo_says_that_its_market_is_invented():
    with Book.temporary(BookKind.DEMO, now_ms=NOW_MS) as book, book.transaction() as tx:
        assert post_of(tx, CASES["signal"]).html.endswith("<i>simulated market, not a real one</i>")


def shadow_position(tx: Stores, signal_id: int) -> int:
    shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
    return opened(tx, portfolio_id=shadow, signal_id=signal_id, exclusive=False)


def test_the_status_line_follows_the_book_and_the_levels_stay(book: Book):
    with book.transaction() as tx:
        post_of(tx, CASES["filled"])
        [stored] = [tx.signals.get(1)]
        waiting = rendered(tx, MessageKind.STATUS).html.splitlines()
        tx.signals.set_status(stored.id, SignalStatus.EXECUTED, None, NOW_MS)
        position_id = shadow_position(tx, stored.id)
        running = rendered(tx, MessageKind.STATUS).html.splitlines()
        tx.positions.close(
            position_id, Ending(97.9, NOW_MS + DAY_MS, CloseReason.STOP_LOSS, -2.1, -4.2, -1.05, fees=0.2)
        )
        tx.signals.set_status(stored.id, SignalStatus.CLOSED, None, NOW_MS)
        closed = rendered(tx, MessageKind.STATUS).html.splitlines()

    assert [lines[2] for lines in (waiting, running, closed)] == [
        "⏳ waiting for the entry",
        "▶️ open",
        "❌ stopped out: -1.05R",
    ]
    assert waiting[:2] + waiting[3:] == running[:2] + running[3:] == closed[:2] + closed[3:]


@pytest.mark.parametrize(
    ("after_ms", "lines"),
    [
        (-HOUR_MS, ["▶️ open"]),  # the price came once the post was out
        (HOUR_MS, ["⚠️ Sent late: it was already filled", "▶️ open"]),
    ],
)
def test_a_post_that_was_sent_late_says_so_for_ever(book: Book, after_ms: int, lines: list[str]):
    with book.transaction() as tx:
        post_of(tx, CASES["signal"])
        [item] = tx.outbox.of_message(1)
        shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
        position = tx.positions.get(shadow_position(tx, 1))
        assert position.portfolio_id == shadow
        tx.outbox.mark_sending(item.id)
        tx.outbox.mark_sent(item.id, 7, position.opened_ms + after_ms)
        tx.signals.set_status(1, SignalStatus.EXECUTED, None, position.opened_ms)
        Announcements((item.chat_id,)).update(
            tx, MessageKind.TARGET, 1, NOW_MS + DAY_MS, {**about("BTCUSDT", LONG.direction), **CASES["target"].facts}
        )

        assert rendered(tx, MessageKind.STATUS).html.splitlines()[2 : 2 + len(lines)] == lines


def test_an_event_edits_the_post_wherever_it_went(book: Book):
    with book.transaction() as tx:
        post_of(tx, CASES["filled"])
        [edit] = [one for one in tx.messages.all() if one.kind == MessageKind.STATUS.value]
        [item] = tx.outbox.of_message(edit.id)

    assert edit.payload == {"signal_id": 1, "edits": "signal:1"}
    assert (item.edits, item.chat_telegram_id) == (True, CHANNEL)


@pytest.mark.parametrize("name", REPLIES)
def test_no_reply_can_be_taken_for_a_new_signal(book: Book, name: str):
    """No price of the plan stands in a reply."""
    plan = {price(level) for level in (98.0, 99.5, 100.0, 100.5, 103.0, 106.0, 110.0)}
    with book.transaction() as tx:
        words = plain(post_of(tx, CASES[name]).html).replace(",", " ").replace(":", " ").split()

    assert plan.isdisjoint(words)


ANY_TEXT = st.text(st.characters(), max_size=300)
ANY_TEXT_A_BOOK_HOLDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
PRICES = st.floats(1e-7, 1e6)


@st.composite
def hostile_signals(draw: st.DrawFn) -> Signal:
    """A signal whose every word is anything at all, with prices as exchanges have them."""
    entry, step = draw(PRICES), draw(st.floats(1e-4, 0.2))
    sign = draw(st.sampled_from((1, -1)))
    source = LONG if sign > 0 else SHORT
    targets = tuple(
        target._replace(price=entry * (1 + sign * step * target.no), reason=draw(ANY_TEXT)) for target in source.targets
    )
    return replace(
        source,
        symbol=draw(ANY_TEXT.filter(bool)),
        setup=draw(ANY_TEXT),
        reasons=tuple(draw(st.lists(ANY_TEXT, max_size=5))),
        entry=entry,
        zone_low=entry * (1 - step / 10),
        zone_high=entry * (1 + step / 10),
        stop_loss=entry * (1 - sign * step),
        targets=targets,
    )


@settings(max_examples=150, deadline=None)
@given(signal=hostile_signals(), name=ANY_TEXT, language=st.sampled_from(LANGUAGES))
def test_any_value_leaves_a_card_readable_whole_and_short_enough(signal, name, language):
    voice = Voice(language, "Europe/Sofia")
    frame = Frame("S-123456", "⏳ " + cut(name, 80), "binance-usdt-m · auto", "0123abcd", leverage=True)
    card = signal_card(signal, frame, voice)
    text = read(card).text

    assert units(text) <= CAPTION_UNITS
    assert text == plain(card)
    levels = [float(found) for found in re.findall(r"<b>([\d.]+)</b>", card)]
    wanted = [signal.entry, signal.stop_loss, *(target.price for target in signal.targets)]
    assert levels == pytest.approx(wanted, rel=1e-9, abs=0)
    assert "\n\n" in text


@settings(max_examples=40, deadline=None)
@given(words=ANY_TEXT_A_BOOK_HOLDS, name=st.sampled_from(REPLIES))
def test_any_value_leaves_every_reply_readable(words, name):
    case = CASES[name]
    free_text = {"reason": words} if case.kind in (MessageKind.EXPIRED, MessageKind.CANCELLED) else {}
    facts = {**case.facts, **free_text}
    hostile = replace(LONG, symbol=words, setup=words)
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        html = post_of(tx, replace(case, facts=facts, signal=hostile)).html

    assert read(html).text == plain(html)
    assert units(plain(html)) <= CAPTION_UNITS


def test_a_notice_is_escaped(book: Book):
    with book.transaction() as tx:
        chat = tx.chats.ensure(1, ChatKind.PRIVATE).id
        tx.outbox.queue(NOTICE, {"text": "<script> & more"}, "n", (chat,), NOW_MS)
        [item] = tx.outbox.due(NOW_MS, 1)

        assert renderer()(tx, item).html == "&lt;script&gt; &amp; more"


def test_a_private_chat_is_spoken_to_as_its_person_chose(book: Book):
    with book.transaction() as tx:
        tx.users.ensure(7, "Ann", NOW_MS)
        tx.users.set_language(7, "bg")
        chat = tx.chats.ensure(7, ChatKind.PRIVATE).id
        signal_id = recorded(tx, LONG)
        Announcements((chat,)).signal(tx, signal_id, LONG, NOW_MS)

        assert "Вход <b>100.0</b>" in rendered(tx, MessageKind.SIGNAL).html


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-7, "0.0000001"), (63950.0, "63950"), (0.1 + 0.2, "0.3"), (1e6, "1000000"), (12.50, "12.5")],
)
def test_a_price_is_plain_decimals(value: float, text: str):
    assert price(value) == text


def test_a_time_shows_utc_beside_the_chats_own():
    assert clock_of("UTC")(NOW_MS) == "2025-10-09 09:00 UTC"
    assert clock_of("Europe/Sofia")(NOW_MS) == "2025-10-09 12:00 EEST (09:00 UTC)"
    assert clock_of("Asia/Tokyo")(NOW_MS + 8 * HOUR_MS) == "2025-10-10 02:00 JST (2025-10-09 17:00 UTC)"
