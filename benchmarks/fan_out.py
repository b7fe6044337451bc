"""How one signal reaches 1,000 subscribers at Telegram's limits, and how fast a command is answered meanwhile.

Over real HTTP against the fake Bot API on this machine, at the wall's pace. Run as `python benchmarks/fan_out.py
[--quick]`; the last line is the ratio of the median answer to the limit of 100 ms.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.params import Params
from engine.vocabulary import BookKind, SignalStatus
from gateways.market import MarketError
from gateways.telegram_sender import TelegramSender
from handlers.telegram.buttons import Mint
from handlers.telegram.desk import Desk
from handlers.telegram.door import Door
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.announce import Announcements
from services.hands import Hands
from services.send import Sender
from storage.book import Book
from storage.chats import ChatKind
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN, BotApi
from tests.storage.samples import LONG, recorded

SUBSCRIBERS, QUICK_SUBSCRIBERS = 1_000, 120
LIMIT_MS = 100.0
ALL_A_SECOND = 30
ASK_EVERY_S = 2.1  # no faster than one person may ask
QUESTION = "/help"
OWNER, FIRST_SUBSCRIBER = 77, 100_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def no_market(symbol: str, timeframe: object) -> tuple[int, object]:
    raise MarketError("there is no market here")


async def answer_times_ms(api: BotApi, stop: asyncio.Event) -> list[float]:
    """Ask again and again until `stop`; how long each answer took to arrive, by the wall's clock."""
    took = []
    while not stop.is_set():
        heard, asked_s = len(api.messages(OWNER)), time.perf_counter()
        api.say(OWNER, QUESTION)
        while len(api.messages(OWNER)) == heard:
            await asyncio.sleep(0.001)
        took.append(1000 * (time.perf_counter() - asked_s))
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_EVERY_S):
                await stop.wait()
    return took


async def measured(folder: Path, subscribers: int) -> tuple[list[int], list[float]]:
    """When each message arrived, epoch ms, and how long the answers took, ms."""
    api = BotApi()
    with (
        api.running() as url,
        Book.open(folder / "book.db", BookKind.LIVE, now_ms=now_ms()) as book,
        Writer(book) as writer,
    ):
        with book.transaction() as tx:
            ensure_owners(tx, (OWNER,), "UTC", now_ms())
            Mint.ensured(tx, now_ms())
            chats = [tx.chats.ensure(FIRST_SUBSCRIBER + n, ChatKind.PRIVATE).id for n in range(subscribers)]
            announcements = Announcements(tuple(chats))
        desk = Desk(book, writer, no_market, now_ms, Hands(Params(), announcements))
        door, telegram = Door(TOKEN, url.removesuffix("/bot"), desk), TelegramSender(TOKEN, api_url=url)
        sender = Sender(book, writer, telegram, renderer(), now_ms)
        serving, stop = asyncio.create_task(door.serve()), asyncio.Event()
        asking = asyncio.create_task(answer_times_ms(api, stop))
        await asyncio.sleep(1.0)
        with book.transaction() as tx:
            signal_id = recorded(tx, LONG, SignalStatus.ACCEPTED)
            tx.outbox.queue(
                "signal", {"signal_id": signal_id}, f"signal:{signal_id}", chats, now_ms(), signal_id=signal_id
            )
        while True:
            await sender.drain()
            with book.reading() as view:
                if not view.outbox.backlog().waiting:
                    break
            await asyncio.sleep(0.05)
        stop.set()
        took = await asking
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await door.close()
        await telegram.aclose()
        arrived = [
            message.at_ms for number in range(subscribers) for message in api.messages(FIRST_SUBSCRIBER + number)
        ]
    return sorted(arrived), took


def most_in_a_second(arrived: list[int]) -> int:
    return max(sum(begin <= at < begin + 1000 for at in arrived) for begin in arrived)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    subscribers = QUICK_SUBSCRIBERS if parser.parse_args().quick else SUBSCRIBERS
    with tempfile.TemporaryDirectory() as folder:
        arrived, took = asyncio.run(measured(Path(folder), subscribers))
    seconds = (arrived[-1] - arrived[0]) / 1000
    print(f"{'subscribers':<34}{len(arrived):>10,}")
    print(f"{'from the first to the last, s':<34}{seconds:>10.1f}")
    print(f"{'at 30 a second it takes at least':<34}{(subscribers - 1) / ALL_A_SECOND:>10.1f}")
    print(f"{'most in any second':<34}{most_in_a_second(arrived):>10}")
    print(f"{'answers meanwhile':<34}{len(took):>10}")
    print(f"{'median answer, ms':<34}{statistics.median(took):>10.1f}")
    print(f"{'slowest answer, ms':<34}{max(took):>10.1f}")
    print(f"median answer / {LIMIT_MS:.0f} ms: {statistics.median(took) / LIMIT_MS:.2f}")


if __name__ == "__main__":
    main()
