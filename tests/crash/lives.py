"""A live bot in this process, on virtual time and without a network, that may be killed at any statement.

The market is simulated and Telegram is a file: what a chat was given stays there whoever dies, and time goes on from
where the world's clock stands. A bot that is started again on the same folder lives on in the same world.
"""

import functools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, PortfolioKind
from gateways.simulated_market import SimulatedMarket
from gateways.telegram_words import Keyboard, Sent
from handlers.telegram.buttons import Mint
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.announce import Announcements
from services.digest import queue_digest
from services.hands import HandOrder, Hands
from services.live import AFTER_CLOSE_MS, Live, scan_job
from services.live_scan import LiveScan, chart_reader, stored_windows, watch_of
from services.publish import set_public_channel
from services.schedule import Job, Schedule
from services.send import Sender
from storage.book import Book
from storage.chats import ChatKind
from storage.database import Fault
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.retention import forget
from storage.stores import Stores
from storage.writer import Writer
from tests.fakes.clock import ManualClock
from tests.services.bookrows import differences, rows, told
from tests.services.rig import CHANNEL, LIVELY, OWNER, SEED, ms

SYMBOLS = ("ADAUSDT", "XRPUSDT")
QUARTERS = (Timeframe.M15,)
BEGIN_MS = ms("2026-01-01T00:50")
STEP_MS = 5 * MINUTE_MS
PATIENT_S = 600.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a book and, there or `elsewhere`, the chats its bot writes to."""

    folder: Path
    elsewhere: Path | None = None

    @property
    def book(self) -> Path:
        return self.folder / "live.db"

    @property
    def chats(self) -> "FileTelegram":
        return FileTelegram((self.elsewhere or self.folder) / "telegram.jsonl")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One call that Telegram accepted; `edits` is the message it changed."""

    chat_id: int
    text: str
    reply_to: int | None = None
    edits: int | None = None


@dataclass(frozen=True, slots=True)
class FileTelegram:
    """Telegram as a file with a line for every accepted call; the number of its line is a message's id."""

    path: Path

    async def send_message(
        self,
        chat_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
        silent: bool = False,
    ) -> Sent:
        return self._accept(Arrived(chat_id, text, reply_to))

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,
        caption: str = "",
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
        silent: bool = False,
    ) -> Sent:
        return self._accept(Arrived(chat_id, caption, reply_to))

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, *, html: bool = True, keyboard: Keyboard = ()
    ) -> Sent:
        return self._accept(Arrived(chat_id, text, edits=message_id))

    async def answers(self) -> bool:
        return True

    def arrived(self) -> list[Arrived]:
        """Every accepted call, the first with message id 1."""
        if not self.path.exists():
            return []
        return [Arrived(*json.loads(line)) for line in self.path.read_text().splitlines()]

    def _accept(self, call: Arrived) -> Sent:
        line = json.dumps([call.chat_id, call.text, call.reply_to, call.edits])
        with self.path.open("a") as file:
            file.write(line + "\n")
        return Sent(len(self.arrived()))


@dataclass(frozen=True, slots=True)
class Wish:
    """At an instant the owner closes the account's oldest position by hand; asked anew at every start, like any update."""

    at_ms: int


Tell = Callable[[int], None]


@functools.cache
def world() -> tuple[ManualClock, SimulatedMarket]:
    """The market and its clock: made once, because making it takes longer than a life, and shared with children."""
    clock = ManualClock(BEGIN_MS)
    return clock, SimulatedMarket(SEED, clock.now_ms)


async def live(
    place: Place,
    from_ms: int,
    until_ms: int,
    *,
    wishes: Sequence[Wish] = (),
    fault: Fault | None = None,
    tell: Tell = lambda _: None,
    wrong_by_ms: Callable[[int], int] = lambda _: 0,
) -> None:
    """Start the bot at `from_ms`, let time pass to `until_ms` in steps, and stop it; `tell` hears of every step done.

    The bot's own clock is wrong by `wrong_by_ms` of the true time, which is the market's.
    """
    params = LIVELY
    clock, market = world()
    clock.ms = from_ms

    def now_ms() -> int:
        return clock.ms + wrong_by_ms(clock.ms)

    with Book.open(place.book, BookKind.LIVE, now_ms=now_ms(), fault=fault) as book, Writer(book) as writer:
        with book.transaction() as tx:
            channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
            set_public_channel(tx, channel)
            ensure_owners(tx, (OWNER,), "UTC", now_ms())
            Mint.ensured(tx, now_ms())
        sender = Sender(book, writer, place.chats, renderer(), now_ms, sleep=clock.sleep)
        watch = await watch_of(market, SYMBOLS, QUARTERS)
        stored = stored_windows(book, market.source, params)
        scan = LiveScan(market, watch, params, chart_reader(params), now_ms, stored)
        announcements = Announcements((channel,))
        pipeline = Live(book, writer, market, watch, scan, params, announcements, "life", now_ms, sender.wake)

        async def retention() -> None:
            await writer.run(lambda tx: forget(tx, now_ms()))

        async def digest() -> None:
            await writer.run(lambda tx: queue_digest(tx, announcements, now_ms()))

        table = (
            Job(scan_job(Timeframe.M15), Timeframe.M15, AFTER_CLOSE_MS, PATIENT_S, False, pipeline.advance),
            Job("settle", Timeframe.M1, 2_000, PATIENT_S, True, pipeline.advance),
            Job("retention", Timeframe.D1, 3 * HOUR_MS, PATIENT_S, True, retention),
            Job("digest", Timeframe.M5, 5_000, PATIENT_S, False, digest),
        )
        schedule = Schedule(table, writer, "life", now_ms)
        await sender.recover()
        await pipeline.begin()
        await writer.run(lambda tx: tx.job_runs.abandon_unended(now_ms()))
        step_ms = from_ms
        while True:
            for job in table:
                await schedule.knock(job)
            for wish in wishes:
                if wish.at_ms <= clock.ms:
                    await writer.run(functools.partial(_close, hands=Hands(params, announcements), wish=wish))
            await sender.drain_patiently()
            tell(step_ms)
            if step_ms >= until_ms:
                break
            step_ms = min(step_ms + STEP_MS, until_ms)
            clock.ms = max(clock.ms, step_ms)  # the sender's pauses moved it


def _close(tx: Stores, hands: Hands, wish: Wish) -> None:
    account = tx.portfolios.of_kind(PortfolioKind.PAPER).id
    key = f"wish:{wish.at_ms}"
    if tx.events.by_key(f"hand:{key}") is None:
        position = tx.positions.open_positions(account)[0]
        hands.close(tx, HandOrder(position.id, f"telegram:{OWNER}", key, wish.at_ms))


def unlike(whole: Place, other: Place) -> list[str]:
    """How a life that was killed differs from the untouched one: in its rows, its jobs and its channel."""
    with Book.open_read_only(whole.book) as expected, Book.open_read_only(other.book) as found:
        wrong = differences(rows(expected), rows(found))
        with found.reading() as view:
            wrong += [
                f"{run.job} never ended" for run in view.job_runs.last_of_each() if run.status is JobStatus.STARTED
            ]
            declared = {
                view.outbox.get(int(str(event.idem_key).split(":")[1])).telegram_message_id
                for event in view.events.latest(10_000, EventType.SEND_UNKNOWN)
            }
    heard = other.chats.arrived()
    said, wanted = Counter(_posts(heard)), Counter(_posts(whole.chats.arrived()))
    in_doubt = {told(heard[number - 1].text) for number in declared if number is not None}
    wrong += [f"never said: {text}" for text in wanted - said]
    wrong += [f"said twice: {text}" for text in said - wanted if text not in in_doubt]
    return wrong


def _posts(calls: Sequence[Arrived]) -> list[str]:
    """What is new in a chat; a change of a post may go out together with the next one."""
    return [told(call.text) for call in calls if call.edits is None]
