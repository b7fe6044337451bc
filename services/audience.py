"""Who hears what: for every chat and message whether it is sent, silently, later, collected or not at all, and why.

What was promised goes before what was chosen: a chat that got a signal gets its close, so that nobody can arrange to see
the winners alone, and a chat that did not get the signal gets nothing of what became of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from engine.timeframes import Timeframe
from engine.vocabulary import Signal
from storage.chats import Chat, ChatKind
from storage.outbox import OutboxItem
from storage.preferences import Loudness, Preferences, QuietHours, Subject
from storage.stores import Stores

MS_PER_SECOND = 1000
MINUTES_AN_HOUR = 60
SILENT_IN = "silent_in"
"""The place in a message's payload that lists the chats (ids of the book) in which it makes no sound."""

PROMISED = frozenset({Subject.CLOSE})
"""What whoever was given a signal hears, however little he wants to hear."""


class Way(Enum):
    SEND = "send"
    SILENT = "silent"
    DIGEST = "digest"
    NO = "no"


@dataclass(frozen=True, slots=True)
class News:
    """What a message is about. The rest is None where it is about no symbol or no signal.

    `confidence` is 0..100, `rr` the RR to the last target.
    """

    subject: Subject
    at_ms: int
    symbol: str | None = None
    timeframe: Timeframe | None = None
    session: str | None = None
    confidence: float | None = None
    rr: float | None = None
    valid_until_ms: int | None = None

    @classmethod
    def of_signal(cls, signal: Signal) -> "News":
        return cls(
            Subject.SIGNAL,
            signal.candle_close_ms,
            signal.symbol,
            signal.timeframe,
            signal.session,
            signal.confidence,
            signal.rr,
            signal.valid_until_ms,
        )


@dataclass(frozen=True, slots=True)
class Hearing:
    """How one chat hears of something; `not_before_ms` is 0 where nothing has to be waited for."""

    way: Way
    reason: str
    not_before_ms: int = 0


@dataclass(frozen=True, slots=True)
class Listeners:
    """The chats (ids of the book) that hear of something: all in `not_before_ms`, by the instant they may; some silently.

    `collecting` are those that find it in their next digest.
    """

    not_before_ms: dict[int, int]
    silent: tuple[int, ...]
    collecting: tuple[int, ...] = ()

    @property
    def chat_ids(self) -> tuple[int, ...]:
        return tuple(self.not_before_ms)

    @property
    def anybody(self) -> bool:
        return bool(self.not_before_ms or self.collecting)


def hearing_of(preferences: Preferences, news: News, zone: str = "UTC") -> Hearing:
    """What a chat with these preferences hears of news that are no reply; `zone` counts where it named none."""
    if (unwanted := _unwanted(preferences, news)) is not None:
        return Hearing(Way.NO, unwanted)
    loudness = preferences.loudness_of(news.subject)
    if loudness is Loudness.OFF:
        return Hearing(Way.NO, f"{news.subject.value} is off")
    if news.subject is Subject.SIGNAL:
        if preferences.muted_until_ms is not None and news.at_ms < preferences.muted_until_ms:
            return Hearing(Way.NO, "muted")
        if preferences.digest_hours:
            return Hearing(Way.DIGEST, "collected")
    return _timed(preferences, news, loudness, zone)


def hearing_of_reply(preferences: Preferences, news: News, zone: str = "UTC") -> Hearing:
    """What a chat that was given the signal hears of what became of it: its end always."""
    loudness = preferences.loudness_of(news.subject)
    if loudness is Loudness.OFF:
        if news.subject not in PROMISED:
            return Hearing(Way.NO, f"{news.subject.value} is off")
        loudness = Loudness.SILENT
    if preferences.muted_until_ms is not None and news.at_ms < preferences.muted_until_ms:
        loudness = Loudness.SILENT
    return _timed(preferences, news, loudness, zone)


def collects(chat: Chat) -> bool:
    """Whether a chat gets its signals collected; the public channel never does, its record is one of posts."""
    return chat.kind is not ChatKind.CHANNEL and bool(chat.preferences.digest_hours)


def signal_listeners(stores: Stores, chat_ids: Iterable[int], signal: Signal, zone: str) -> Listeners:
    """Who hears of a new signal: the audiences `chat_ids`, and everybody who follows in private."""
    chats = {chat.id: chat for chat in (*map(stores.chats.get, chat_ids), *stores.chats.followers())}
    return _listeners(stores, chats.values(), News.of_signal(signal), zone)


def reply_listeners(stores: Stores, original_key: str, news: News, zone: str) -> Listeners:
    """Who hears of what became of a signal: the chats that were given the message with this dedupe key."""
    not_before_ms: dict[int, int] = {}
    silent = []
    for chat in stores.chats.given(original_key):
        hearing = hearing_of_reply(chat.preferences, news, zone)
        if hearing.way is Way.NO:
            continue
        not_before_ms[chat.id] = hearing.not_before_ms
        if hearing.way is Way.SILENT:
            silent.append(chat.id)
    return Listeners(not_before_ms, tuple(silent))


def listeners(stores: Stores, chat_ids: Iterable[int], news: News, zone: str) -> Listeners:
    """Who of these chats hears of news that are about no single signal."""
    return _listeners(stores, map(stores.chats.get, chat_ids), news, zone)


def is_silent(item: OutboxItem) -> bool:
    """Whether a row of the outbox makes no sound in its chat, as was decided when it was queued."""
    chats = item.payload.get(SILENT_IN, ())
    assert isinstance(chats, list | tuple)
    return item.chat_id in chats


def quiet_until_ms(quiet: QuietHours, at_ms: int, zone: str) -> int | None:
    """When the quiet hours that hold `at_ms` end, epoch ms; None when it lies outside of them.

    Hours are those of the clock on the wall of `zone`, on days of changing clocks too.
    """
    here = datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC).astimezone(ZoneInfo(zone))
    minute = here.hour * MINUTES_AN_HOUR + here.minute
    begin, end = quiet.begin_minute, quiet.end_minute
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    if not inside:
        return None
    day = here.date() + timedelta(days=int(minute >= end))
    ends = datetime(day.year, day.month, day.day, *divmod(end, MINUTES_AN_HOUR), tzinfo=ZoneInfo(zone))
    return max(round(ends.timestamp() * MS_PER_SECOND), at_ms)


def _listeners(stores: Stores, chats: Iterable[Chat], news: News, zone: str) -> Listeners:
    not_before_ms: dict[int, int] = {}
    silent, collecting = [], []
    for whole in chats:
        preferences = whole.preferences if collects(whole) else replace(whole.preferences, digest_hours=())
        hearing = hearing_of(preferences, news, zone)
        if hearing.way is Way.NO:
            continue
        if hearing.way is Way.DIGEST:
            collecting.append(whole.id)
            continue
        chat = stores.chats.topic(whole, whole.preferences.topics.get(news.subject, whole.topic_id))
        not_before_ms[chat.id] = hearing.not_before_ms
        if hearing.way is Way.SILENT:
            silent.append(chat.id)
    return Listeners(not_before_ms, tuple(silent), tuple(collecting))


def _unwanted(preferences: Preferences, news: News) -> str | None:
    """Why news lie outside of what a chat chose; None when they do not."""
    if preferences.symbols and news.symbol is not None and news.symbol not in preferences.symbols:
        return f"{news.symbol} is not among the symbols"
    if news.subject is not Subject.SIGNAL:
        return None
    if preferences.timeframes and news.timeframe not in preferences.timeframes:
        return f"{news.timeframe} is not among the timeframes"
    if preferences.sessions and news.session not in preferences.sessions:
        return f"{news.session or 'no session'} is not among the sessions"
    if news.confidence is not None and news.confidence < preferences.min_score:
        return f"score {news.confidence:.1f}, at least {preferences.min_score:g} is wanted"
    if news.rr is not None and news.rr < preferences.min_rr:
        return f"RR {news.rr:.2f}, at least {preferences.min_rr:g} is wanted"
    return None


def _timed(preferences: Preferences, news: News, loudness: Loudness, zone: str) -> Hearing:
    """How what is wanted comes at this time of the chat's day."""
    quiet = preferences.quiet
    until_ms = None if quiet is None else quiet_until_ms(quiet, news.at_ms, preferences.zone or zone)
    if quiet is None or until_ms is None:
        return Hearing(Way.SILENT, "silent") if loudness is Loudness.SILENT else Hearing(Way.SEND, "wanted")
    if not quiet.held:
        return Hearing(Way.SILENT, "quiet hours")
    if news.valid_until_ms is not None and until_ms >= news.valid_until_ms:
        return Hearing(Way.NO, "it would be over before the quiet hours are")
    way = Way.SILENT if loudness is Loudness.SILENT else Way.SEND
    return Hearing(way, "held until the quiet hours end", until_ms)
