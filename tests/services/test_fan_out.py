"""One message to many chats goes out as fast as Telegram allows and no faster, at the wall's pace."""

import time

from engine.vocabulary import BookKind
from gateways.telegram_sender import TelegramSender
from services.post import Post
from services.send import NOTICE, Sender
from storage.book import Book
from storage.chats import ChatKind
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN, BotApi
from tests.storage.samples import NOW_MS

CHATS = 90
ALL_A_SECOND = 30


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_many_chats_hear_of_it_at_thirty_a_second_and_no_faster():
    api = BotApi(now_ms=wall_ms)
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer, api.running() as url:
        with book.transaction() as tx:
            chats = [tx.chats.ensure(1_000 + number, ChatKind.PRIVATE).id for number in range(CHATS)]
            tx.outbox.queue(NOTICE, {}, "hello", chats, NOW_MS)
        telegram = TelegramSender(TOKEN, api_url=url)
        await Sender(book, writer, telegram, lambda view, item: Post("hello"), wall_ms).drain()
        await telegram.aclose()

    arrived = sorted(message.at_ms for number in range(CHATS) for message in api.messages(1_000 + number))
    took_ms = arrived[-1] - arrived[0]
    assert len(arrived) == CHATS
    assert max(sum(begin <= at < begin + 1_000 for at in arrived) for begin in arrived) <= ALL_A_SECOND
    assert took_ms >= 1_000 * (CHATS - 1) / ALL_A_SECOND
    assert took_ms <= 3_000 * CHATS / ALL_A_SECOND, "a third of the limit at the very least"
