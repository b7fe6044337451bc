"""What chats read, in Telegram's HTML: each message worded from the facts the book holds at that moment.

Every chat is spoken to in its own language and zone. Whatever comes from outside is escaped.
"""

from collections.abc import Callable, Iterator, Mapping

from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind, Signal, SignalStatus
from handlers.telegram.advice import ADVISED, advised
from handlers.telegram.buttons import SECRET_KEY, Mint
from handlers.telegram.catalogue import ENGLISH, Markup, escaped, joined
from handlers.telegram.collected import collected_text
from handlers.telegram.digest import digest_text
from handlers.telegram.executor import EXECUTOR_KINDS, executor_lines
from handlers.telegram.figures import ClockText as ClockText
from handlers.telegram.figures import Voice
from handlers.telegram.figures import clock_of as clock_of
from handlers.telegram.figures import price as price
from handlers.telegram.figures import signal_name as signal_name
from handlers.telegram.locks import incident_text
from handlers.telegram.notices import NOTICES, notice
from handlers.telegram.report_buttons import View, report_buttons
from handlers.telegram.texts_life import late_line, life_lines, missed_lines, state_line
from handlers.telegram.texts_report import calendar_of, summary_text
from handlers.telegram.texts_signal import Frame, signal_card
from services.announce import MessageKind
from services.audience import is_silent
from services.post import Button, ChartKind, ChartRequest, EquityRequest, Post, Render
from services.publish import HEAD_DIGITS, head8, public_channel
from services.report_delivery import report_told
from services.send import NOTICE
from storage.chats import WHOLE_CHAT, Chat, ChatKind
from storage.outbox import OutboxItem
from storage.signals import StoredSignal
from storage.stores import Stores

CHART, WHY, FOLLOW, RECORD = "chart", "why", "follow", "record"
"""The actions of the buttons under a signal's post."""
BUTTONS: Mapping[str, str] = {
    CHART: "post.button_chart",
    WHY: "post.button_why",
    FOLLOW: "post.button_follow",
    RECORD: "post.button_record",
}
POST_BUTTONS_LAST_MS = 30 * DAY_MS

Worded = Callable[[Stores, OutboxItem, Voice], Post]


def renderer(zone: str = "UTC") -> Render:
    """The look of outbox rows; `zone` is that of chats that named none."""

    def render(stores: Stores, item: OutboxItem) -> Post:
        if item.kind in NOTICES:
            return notice(stores, item)
        if item.kind == NOTICE:
            return Post(escaped(str(item.payload.get("text", ""))))
        return _WORDED.get(item.kind, _life)(stores, item, voice_of(stores, item.chat_id, zone))

    return render


def voice_of(stores: Stores, chat_id: int, zone: str = "UTC") -> Voice:
    """How a chat is spoken to: as it chose, in private as its person chose, else English by the clock of `zone`."""
    chat = whole_chat(stores, chat_id)
    person = stores.users.by_telegram_id(chat.telegram_id) if chat.kind is ChatKind.PRIVATE else None
    spoken, clock = (ENGLISH, zone) if person is None else (person.language, person.timezone)
    return Voice(chat.preferences.language or spoken, chat.preferences.zone or clock)


def whole_chat(stores: Stores, chat_id: int) -> Chat:
    """The chat whose preferences count: of a forum topic, the forum's."""
    chat = stores.chats.get(chat_id)
    return next((one for one in stores.chats.of_telegram(chat.telegram_id) if one.topic_id == WHOLE_CHAT), chat)


def _signal(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    """A signal's post, with its chart and buttons; one that came too late says so and shows no levels."""
    stored = _stored(stores, item)
    if stored.status is SignalStatus.MISSED:
        return Post(joined([*missed_lines(stored, voice), *_footnotes(stores, voice)]), silent=is_silent(item))
    state = late_line(stores, stored, voice, None) or state_line(stores, stored, voice)
    chart = ChartRequest(stored.id, ChartKind.SIGNAL)
    return Post(_card(stores, item, stored, state, voice), _buttons(stores, item, voice), chart, is_silent(item))


def _status(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    """The same post once more, with the line that says where the signal stands now; one that was late stays late."""
    stored = _stored(stores, item)
    late = None if item.original_sent_ms is None else late_line(stores, stored, voice, item.original_sent_ms)
    state = joined([line for line in (late, state_line(stores, stored, voice)) if line is not None])
    return Post(_card(stores, item, stored, state, voice), _buttons(stores, item, voice), silent=True)


def _life(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    """A reply under a post: one event; the close comes with the path that was taken."""
    stored, kind = _stored(stores, item), MessageKind(item.kind)
    lines = [*life_lines(kind, stored, item, voice), *_footnotes(stores, voice)]
    chart = ChartRequest(stored.id, ChartKind.CLOSE) if kind is MessageKind.CLOSE else None
    return Post(joined(lines), chart=chart, silent=is_silent(item))


def _incident(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    return Post(incident_text(item, voice.language, voice.clock), silent=is_silent(item))


def _digest(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    return Post(digest_text(item, voice.language), silent=is_silent(item))


def _report(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    """A report as it was kept, with the curve that leads up to it."""
    report = report_told(stores, item)
    calendar, made_ms = calendar_of(report), report.made_ms
    buttons: tuple[tuple[Button, ...], ...] = ()
    if stores.settings.get(SECRET_KEY) is not None:
        mint = Mint.of(stores, item.created_ms)
        buttons = report_buttons(mint, voice, calendar, View.SUMMARY, made_ms)
    curve = EquityRequest(calendar.period, calendar.first, calendar.zone, made_ms)
    return Post(summary_text(report, voice), buttons, curve, is_silent(item))


def _collected(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    return Post(collected_text(stores, item, voice), silent=is_silent(item))


def _executor(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    shows_leverage = whole_chat(stores, item.chat_id).preferences.leverage_hint
    lines = executor_lines(MessageKind(item.kind), _stored(stores, item).signal, leverage=shows_leverage)
    return Post(joined(lines), silent=True)


_WORDED: Mapping[str, Worded] = {
    MessageKind.SIGNAL.value: _signal,
    MessageKind.STATUS.value: _status,
    MessageKind.INCIDENT.value: _incident,
    MessageKind.COLLECTED.value: _collected,
    MessageKind.DIGEST.value: _digest,
    MessageKind.REPORT.value: _report,
    **dict.fromkeys(ADVISED, advised),
    **dict.fromkeys((kind.value for kind in EXECUTOR_KINDS), _executor),
}


def _card(stores: Stores, item: OutboxItem, stored: StoredSignal, state: Markup, voice: Voice) -> Markup:
    frame = Frame(
        name=signal_name(stored.id),
        state=state,
        source=_source(stores, stored.signal, voice),
        record=_record(stores, stored),
        footnotes=tuple(_footnotes(stores, voice)),
        leverage=whole_chat(stores, item.chat_id).preferences.leverage_hint,
    )
    return signal_card(stored.signal, frame, voice)


def _buttons(stores: Stores, item: OutboxItem, voice: Voice) -> tuple[tuple[Button, ...], ...]:
    """One row for whoever is let in; none in a book that has no secret to vouch for them."""
    if stores.settings.get(SECRET_KEY) is None:
        return ()
    mint, about = Mint.of(stores, item.created_ms), str(item.signal_id)
    return (
        tuple(
            mint.button(voice.say(key), action, about, lasts_ms=POST_BUTTONS_LAST_MS) for action, key in BUTTONS.items()
        ),
    )


def _source(stores: Stores, signal: Signal, voice: Voice) -> str:
    """Where the candles of a signal come from, and whether it was looked for by the clock or on request."""
    series = (signal.symbol, signal.timeframe.text)
    held = [one.source for one in stores.candles.series() if (one.symbol, one.timeframe) == series]
    return " · ".join([*held[:1], voice.say(f"source.{signal.source.value}")])


def _record(stores: Stores, stored: StoredSignal) -> str:
    """The record's head as it stood before this post was on it; "" where no channel is public."""
    if public_channel(stores) is None:
        return ""
    posted = stores.publications.of_signal(stored.id)
    return posted[0].prev_hash[:HEAD_DIGITS] if posted else head8(stores)


def _footnotes(stores: Stores, voice: Voice) -> Iterator[Markup]:
    if stores.meta.kind() is BookKind.DEMO:
        yield voice.say("post.simulated")


def _stored(stores: Stores, item: OutboxItem) -> StoredSignal:
    assert item.signal_id is not None, f"{item.kind} is about a signal"
    return stores.signals.get(item.signal_id)
