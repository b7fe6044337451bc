"""The outbox over real HTTP: what Telegram may answer, and what the book says afterwards."""

import asyncio
from dataclasses import replace

import pytest

from engine.vocabulary import BookKind, SignalStatus
from gateways.telegram_sender import TelegramSender
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.announce import Announcements, MessageKind, about
from services.chart_desk import NoChart
from services.post import Button, ChartRequest, Post
from services.send import NOTICE, Sender
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.outbox import OutboxState
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.clock import ManualClock
from tests.fakes.http import ALL_WELL, Drop, Refuse, json_response
from tests.storage.crashing import BusyAtFirst
from tests.storage.samples import LONG, NOW_MS, recorded

CHANNEL, OWNER = -1_001_234_567_890, 77
HOUR_MS = 3_600_000
PNG = b"\x89PNG and more"
BUTTONS = ((Button("Why", "why:1"),),)


class Bench:
    """A book, a sender and a fake Telegram; time moves only when a test pushes it."""

    def __init__(self, book: Book, writer: Writer, telegram: TelegramSender, api: BotApi) -> None:
        self.book, self.writer, self.telegram, self.api = book, writer, telegram, api
        self.clock = ManualClock(NOW_MS + 1000)
        with book.transaction() as tx:
            self.channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
            self.owner = tx.chats.ensure(OWNER, ChatKind.PRIVATE).id
            ensure_owners(tx, (OWNER,), "UTC", NOW_MS)
        self.announcements = Announcements((self.channel,))
        self.sender = self.new_sender()

    def new_sender(self, render=None, draw=None) -> Sender:
        return Sender(
            self.book,
            self.writer,
            self.telegram,
            render or renderer(),
            self.clock.now_ms,
            draw=draw,
            sleep=self.clock.sleep,
        )

    def announce(self, signal=LONG, to=None) -> int:
        with self.book.transaction() as tx:
            signal_id = recorded(tx, signal, SignalStatus.ACCEPTED)
            announcements = self.announcements if to is None else Announcements(to)
            announcements.signal(tx, signal_id, signal, signal.candle_close_ms)
        return signal_id

    def update(self, signal_id: int, kind: MessageKind, **facts) -> None:
        with self.book.transaction() as tx:
            told = {**about(LONG.symbol, LONG.direction), **facts}
            self.announcements.update(tx, kind, signal_id, self.clock.ms, told)

    def notice(self, text: str, key: str = "notice") -> None:
        with self.book.transaction() as tx:
            tx.outbox.queue(NOTICE, {"text": text}, key, (self.owner,), NOW_MS)

    def edit(self, key: str, text: str) -> None:
        with self.book.transaction() as tx:
            tx.outbox.queue(NOTICE, {"text": text, "edits": key}, f"{key}:{text}", (self.owner,), NOW_MS)

    async def drain(self, after_ms: int = 0) -> None:
        self.clock.advance(after_ms)
        await self.sender.drain()

    def sent(self, chat_id: int = CHANNEL):
        return self.api.messages(chat_id)

    def row(self, number: int = 1):
        with self.book.reading() as view:
            return view.outbox.get(number)

    def status(self, signal_id: int) -> SignalStatus:
        with self.book.reading() as view:
            return view.signals.get(signal_id).status

    def events(self, type: EventType) -> int:
        with self.book.reading() as view:
            return len(view.events.latest(100, type))


@pytest.fixture
async def bench():
    api = BotApi()
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer, api.running() as url:
        telegram = TelegramSender(TOKEN, api_url=url, answer_timeout_s=0.3)
        yield Bench(book, writer, telegram, api)
        await telegram.aclose()


async def test_a_signal_is_posted_and_what_becomes_of_it_replies_under_it(bench):
    signal_id = bench.announce()
    await bench.drain()
    bench.update(signal_id, MessageKind.ENTRY, price=100.0)
    await bench.drain(after_ms=5_000)

    post, reply = bench.sent()
    assert post.text.startswith("🟢 <b>LONG #BTCUSDT 1h</b>")
    assert f"S-{signal_id}" in post.text
    assert reply.reply_to == post.message_id
    assert "filled" in reply.text
    assert bench.row().state is OutboxState.SENT
    assert bench.status(signal_id) is SignalStatus.SENT
    assert bench.events(EventType.SIGNAL_SENT) == 1


async def test_a_signal_already_filled_keeps_that_status_when_its_post_goes_out(bench):
    signal_id = bench.announce()
    with bench.book.transaction() as tx:
        tx.signals.set_status(signal_id, SignalStatus.EXECUTED, None, NOW_MS)
    await bench.drain()

    assert bench.status(signal_id) is SignalStatus.EXECUTED


async def test_html_that_telegram_cannot_read_goes_out_as_plain_text(bench):
    bench.api.script("sendMessage", Refuse(refusal(400, "Bad Request: can't parse entities: unclosed tag")))
    bench.announce()
    await bench.drain()

    [post] = bench.sent()
    assert post.parse_mode is None
    assert post.text.startswith("🟢 LONG #BTCUSDT 1h")


async def test_a_long_text_goes_out_in_parts_that_lose_nothing(bench):
    text = "word " * 2000 + "end"
    bench.notice(text)
    await bench.drain()

    parts = [message.text for message in bench.sent(OWNER)]
    assert [len(part) <= 4096 for part in parts] == [True] * 3
    assert "".join(parts) == text
    assert bench.row().telegram_message_id == bench.sent(OWNER)[0].message_id


async def test_parts_that_are_out_are_not_said_again_when_a_later_one_fails(bench):
    bench.notice("word " * 2000 + "end")
    bench.api.script("sendMessage", ALL_WELL, flood(30))
    await bench.drain()
    assert len(bench.sent(OWNER)) == 1
    await bench.drain(after_ms=31_000)

    assert [message.text.endswith("end") for message in bench.sent(OWNER)] == [False, False, True]


async def test_a_short_post_is_the_caption_of_its_chart(bench):
    bench.sender = bench.new_sender(draw=drawn)
    bench.announce()
    await bench.drain()

    [post] = bench.sent()
    assert (post.photo_bytes, post.text[:2]) == (len(PNG), "🟢 ")


async def test_a_text_too_long_for_a_caption_is_followed_by_its_chart_as_a_reply(bench):
    bench.sender = bench.new_sender(render=lambda tx, item: Post("x" * 1025, BUTTONS, ChartRequest(1)), draw=drawn)
    bench.notice("")
    await bench.drain(after_ms=2_000)

    words, picture = bench.sent(OWNER)
    assert (words.photo_bytes, words.buttons) == (0, (("Why", "why:1"),))
    assert (picture.photo_bytes, picture.reply_to, picture.text) == (len(PNG), words.message_id, "")


async def test_a_chart_that_cannot_be_drawn_is_left_out_and_kept_as_a_defect(bench):
    async def failing(request):
        raise NoChart("the pencil broke")

    bench.sender = bench.new_sender(draw=failing)
    bench.announce()
    await bench.drain()

    assert [post.photo_bytes for post in bench.sent()] == [0]
    assert bench.events(EventType.DEFECT) == 1


async def test_where_pictures_are_not_allowed_the_words_go_out_alone(bench):
    bench.api.script("sendPhoto", Refuse(refusal(400, "Bad Request: not enough rights to send photos to the chat")))
    bench.sender = bench.new_sender(draw=drawn)
    bench.announce()
    await bench.drain()

    assert [post.photo_bytes for post in bench.sent()] == [0]
    assert bench.row().state is OutboxState.SENT


async def test_an_edit_changes_the_words_that_are_out_and_only_the_newest_is_made(bench):
    bench.notice("one")
    await bench.drain()
    for text in ("two", "three"):
        bench.edit("notice", text)
    await bench.drain(after_ms=5_000)

    assert [(message.text, message.edits) for message in bench.sent(OWNER)] == [("three", 1)]
    assert [bench.row(number).state for number in (2, 3)] == [OutboxState.DROPPED, OutboxState.SENT]


async def test_an_edit_under_a_picture_changes_its_caption(bench):
    bench.sender = bench.new_sender(render=shown_with_chart, draw=drawn)
    bench.notice("one")
    await bench.drain()
    bench.edit("notice", "two")
    await bench.drain(after_ms=5_000)

    assert [(message.text, message.photo_bytes) for message in bench.sent(OWNER)] == [("two", len(PNG))]


async def test_an_edit_without_an_answer_is_simply_made_again(bench):
    bench.notice("one")
    await bench.drain()
    bench.edit("notice", "two")
    bench.api.script("editMessageText", Drop(after_acceptance=True), Drop())
    for _ in range(3):
        await bench.drain(after_ms=10_000)

    assert [message.text for message in bench.sent(OWNER)] == ["two"]
    assert bench.events(EventType.SEND_UNKNOWN) == 0


async def test_an_edit_of_what_never_arrived_is_dropped(bench):
    bench.api.script("sendMessage", Refuse(refusal(400, "Bad Request: something new")))
    bench.notice("one")
    bench.edit("notice", "two")
    await bench.drain()
    await bench.drain(after_ms=5_000)

    assert [bench.row(number).state for number in (1, 2)] == [OutboxState.FAILED, OutboxState.DROPPED]


async def test_a_topic_that_is_gone_is_answered_in_the_chat_itself(bench):
    bench.api.close_topic(CHANNEL, 9)
    with bench.book.transaction() as tx:
        topic = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL, 9).id
        for text in ("one", "two"):
            tx.outbox.queue(NOTICE, {"text": text}, text, (topic,), NOW_MS)
    await bench.drain()
    await bench.drain(after_ms=5_000)

    assert [(message.text, message.topic_id) for message in bench.sent()] == [("one", None), ("two", None)]
    assert bench.events(EventType.TOPIC_LOST) == 1
    assert len(bench.api.calls) == 3


async def test_buttons_that_telegram_does_not_take_are_left_out(bench):
    bench.sender = bench.new_sender(render=lambda tx, item: Post("x", ((Button("Why", "w" * 65),),)))
    bench.notice("")
    await bench.drain()

    assert [(message.text, message.buttons) for message in bench.sent(OWNER)] == [("x", ())]
    assert bench.events(EventType.DEFECT) == 1


async def test_what_is_silent_rings_nowhere(bench):
    bench.sender = bench.new_sender(render=lambda tx, item: Post("x", silent=True))
    bench.notice("")
    await bench.drain()

    assert [message.silent for message in bench.sent(OWNER)] == [True]


async def test_what_came_to_its_turn_too_late_is_dropped(bench):
    with bench.book.transaction() as tx:
        tx.outbox.queue(NOTICE, {"text": "now or never"}, "n", (bench.owner,), NOW_MS, expires_ms=NOW_MS + HOUR_MS)
    await bench.drain(after_ms=2 * HOUR_MS)

    assert bench.sent(OWNER) == []
    assert bench.row().state is OutboxState.DROPPED


async def test_a_signal_past_its_validity_is_not_sent_as_live_to_those_who_come_last(bench):
    signal_id = bench.announce(to=(bench.channel, bench.owner))
    bench.api.shut_out(OWNER)
    await bench.drain()
    bench.api.let_in(OWNER)
    with bench.book.transaction() as tx:
        tx.chats.enable(bench.owner)
    await bench.drain(after_ms=25 * HOUR_MS)

    assert bench.sent(OWNER) == []
    assert bench.status(signal_id) is SignalStatus.SENT


async def test_a_group_that_moved_to_a_chat_the_book_knows_is_followed_there(bench):
    with bench.book.transaction() as tx:
        tx.chats.ensure(-1_009, ChatKind.CHANNEL)
    bench.api.move(CHANNEL, -1_009)
    bench.announce()
    await bench.drain()
    await bench.drain(after_ms=5_000)

    assert len(bench.sent(-1_009)) == 1
    assert bench.row().state is OutboxState.SENT


async def test_a_chat_that_shut_us_out_is_closed_its_queue_kept_and_the_owner_told(bench):
    bench.api.script("sendMessage", Refuse(refusal(403, "Forbidden: bot was kicked from the channel chat")))
    bench.announce()
    await bench.drain()
    await bench.drain(after_ms=5_000)

    assert bench.row().state is OutboxState.PENDING
    assert [message.text for message in bench.sent(OWNER)] == [
        f"⚠️ Chat {CHANNEL} is closed to me: Forbidden: bot was kicked from the channel chat."
        " What waits for it is kept. Let me in again and restart me."
    ]
    assert bench.events(EventType.CHAT_DISABLED) == 1


async def test_a_group_that_moved_is_followed(bench):
    moved = {"ok": False, "error_code": 400, "description": "moved", "parameters": {"migrate_to_chat_id": -1_009}}
    bench.api.script("sendMessage", Refuse(json_response(moved, 400)))
    bench.announce()
    await bench.drain()
    await bench.drain(after_ms=5_000)

    assert len(bench.sent(-1_009)) == 1


async def test_a_flood_pauses_this_chat_alone(bench):
    bench.api.script("sendMessage", flood(7))
    bench.announce()
    await bench.drain()
    with bench.book.transaction() as tx:
        tx.outbox.queue(NOTICE, {"text": "hello"}, "hello", (bench.owner,), NOW_MS)
    await bench.drain(after_ms=6_000)

    assert len(bench.sent(OWNER)) == 1
    assert bench.sent() == []
    await bench.drain(after_ms=1_500)
    assert len(bench.sent()) == 1


async def test_an_unreachable_telegram_is_tried_again_later_and_longer(bench):
    port_of_nobody = TelegramSender(TOKEN, api_url="http://127.0.0.1:9/bot", answer_timeout_s=0.3)
    bench.telegram = port_of_nobody
    bench.sender = bench.new_sender()
    signal_id = bench.announce()
    waits = []
    for _ in range(3):
        await bench.drain()
        waits.append(next_due(bench))
        bench.clock.advance(waits[-1])

    assert waits == [1_000, 2_000, 4_000]
    assert bench.status(signal_id) is SignalStatus.ACCEPTED
    await port_of_nobody.aclose()


async def test_while_telegram_is_in_trouble_itself_it_is_tried_until_it_is_not(bench):
    bench.api.script("sendMessage", *(Refuse(refusal(502, "Bad Gateway")),) * 4)
    bench.notice("hello")
    for _ in range(5):
        await bench.drain(after_ms=61_000)

    assert [message.text for message in bench.sent(OWNER)] == ["hello"]
    assert bench.row().state is OutboxState.SENT
    assert bench.events(EventType.SEND_UNKNOWN) == 1


async def test_a_signal_past_its_validity_goes_out_as_missed_and_its_replies_not_at_all(bench):
    signal_id = bench.announce()
    bench.update(signal_id, MessageKind.ENTRY, price=100.0)
    await bench.drain(after_ms=25 * HOUR_MS)
    await bench.drain(after_ms=5_000)

    [post] = bench.sent()
    assert post.text.startswith("⚪ MISSED")
    assert bench.status(signal_id) is SignalStatus.MISSED
    assert bench.events(EventType.SIGNAL_MISSED) == 1
    assert bench.row(2).state is OutboxState.DROPPED


async def test_a_post_that_telegram_refuses_for_good_counts_as_missed(bench):
    bench.api.script("sendMessage", Refuse(refusal(400, "Bad Request: something new")))
    signal_id = bench.announce()
    await bench.drain()

    assert bench.row().state is OutboxState.FAILED
    assert bench.status(signal_id) is SignalStatus.MISSED


async def test_it_goes_on_sending_until_it_is_told_to_stop(bench):
    running = asyncio.create_task(bench.sender.run())
    bench.announce()
    bench.sender.wake()
    while not bench.sent():
        await asyncio.sleep(0.01)
    bench.clock.advance(5_000)
    bench.announce(replace(LONG, setup_key="another"))
    bench.sender.wake()
    while len(bench.sent()) < 2:
        await asyncio.sleep(0.01)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_book_that_stays_busy_does_not_end_it(bench):
    read, written = BusyAtFirst(bench.book, 2), BusyAtFirst(bench.book, 3)
    with Writer(written, pauses_s=()) as impatient:
        bench.book, bench.writer, whole = read, impatient, bench.book
        sender = bench.new_sender()
        bench.book = whole
        running = asyncio.create_task(sender.run())
        bench.announce()
        while not bench.sent():
            await asyncio.sleep(0.01)
            sender.wake()

        assert (read.left, written.left, running.done()) == (0, 0, False)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def drawn(request: ChartRequest) -> bytes:
    return PNG


def shown_with_chart(tx, item) -> Post:
    return Post(str(item.payload["text"]), chart=ChartRequest(1))


def flood(seconds: int) -> Refuse:
    answer = {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests",
        "parameters": {"retry_after": seconds},
    }
    return Refuse(json_response(answer, 429))


def refusal(code: int, description: str):
    return json_response({"ok": False, "error_code": code, "description": description}, code)


def next_due(bench: Bench) -> int:
    with bench.book.reading() as view:
        return view.outbox.next_due_ms() - bench.clock.ms
