"""Draws docs/images/signal_post.png: a signal of the demonstration with its chart, as a phone shows it.

Text, buttons and chart are those the bot itself makes; only the frame of a phone's chat is drawn here.
Run it from anywhere: `python docs/images/draw_signal_post.py`.
"""

import io
import sys
from html.parser import HTMLParser
from pathlib import Path

from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from engine.params import Params  # noqa: E402
from engine.runner import INTERPRETED  # noqa: E402
from engine.timeframes import DAY_MS  # noqa: E402
from engine.vocabulary import BookKind, SignalStatus  # noqa: E402
from gateways.simulated_market import SimulatedMarket  # noqa: E402
from handlers.telegram.buttons import Mint  # noqa: E402
from handlers.telegram.texts import renderer  # noqa: E402
from services.announce import signal_key  # noqa: E402
from services.charts import signal_chart  # noqa: E402
from services.demo import BEGIN_MS, HISTORY_DAYS, PLAYED_DAYS, SEED, play  # noqa: E402
from services.post import Button, Post  # noqa: E402
from storage.book import Book  # noqa: E402
from storage.signals import StoredSignal  # noqa: E402

WIDTH, MARGIN, PADDING, GAP = 900, 24, 28, 8
LINE_HEIGHT, TEXT_SIZE, BUTTON_HEIGHT = 38, 26, 64
CHAT, BUBBLE, BUTTON, INK, FAINT = "#0e1621", "#182533", "#22364a", "#f1f4f7", "#7f91a4"
COLORS = 160
DOTS = {"🟢": "#3ddc84", "🔴": "#ff5c5c"}
SPELLED = {"⏳": "◷"}
"""What the font has no glyph for."""

Run = tuple[str, bool, bool]
"""Words, and whether they are bold and italic."""


class Runs(HTMLParser):
    """The text of a post by lines of runs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[Run]] = [[]]
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for number, part in enumerate(data.split("\n")):
            if number:
                self.lines.append([])
            self.lines[-1].append((part, "b" in self._open, "i" in self._open))


def example() -> tuple[Post, bytes]:
    """An ordinary signal of the demonstration: its post as it was sent, and its chart."""
    with Book.temporary(BookKind.DEMO, now_ms=BEGIN_MS) as book:
        end_ms = play(book, Params(), INTERPRETED, lambda stores, item: "", lambda _: None)
        with book.transaction() as tx:
            posts = [row.signal_id for row in tx.messages.all() if row.kind == "signal" and row.signal_id is not None]
            stored = min(map(tx.signals.get, posts[1:]), key=ordinary)
            tx.signals.set_status(stored.id, SignalStatus.SENT, None, end_ms)  # as it stood when it was posted
            Mint.ensured(tx, end_ms)
            message = tx.messages.by_dedupe_key(signal_key(stored.id))
            assert message is not None
            post = renderer()(tx, tx.outbox.of_message(message.id)[0])
    market = SimulatedMarket(SEED, lambda: BEGIN_MS + PLAYED_DAYS * DAY_MS)
    signal = stored.signal
    candles = market.bars(signal.symbol, signal.timeframe, BEGIN_MS - HISTORY_DAYS * DAY_MS, end_ms)
    return post, signal_chart(signal, candles, name=f"S-{stored.id}", source="simulated market")


def ordinary(stored: StoredSignal) -> tuple[bool, float]:
    """Sorts first what is most like other signals: all its lines there, no extreme reward."""
    signal = stored.signal
    return (len(signal.targets), len(signal.reasons)) != (3, 3), signal.rr


def font(bold: bool = False, italic: bool = False) -> ImageFont.FreeTypeFont:
    style = {(False, False): "", (True, False): "-Bold", (False, True): "-Oblique", (True, True): "-BoldOblique"}
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans{style[bold, italic]}.ttf", TEXT_SIZE)


def drawn(post: Post, png: bytes) -> Image.Image:
    runs = Runs()
    runs.feed(post.html)
    chart = Image.open(io.BytesIO(png)).convert("RGB")
    inner = WIDTH - 2 * MARGIN
    chart = chart.resize((inner, inner * chart.height // chart.width), Image.Resampling.LANCZOS)
    bubble_height = chart.height + LINE_HEIGHT * len(runs.lines) + 2 * PADDING
    height = MARGIN + bubble_height + GAP + BUTTON_HEIGHT + MARGIN
    picture = Image.new("RGB", (WIDTH, height), CHAT)
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((MARGIN, MARGIN, WIDTH - MARGIN, MARGIN + bubble_height), 18, fill=BUBBLE)
    picture.paste(chart, (MARGIN, MARGIN))
    for number, line in enumerate(runs.lines):
        draw_line(pen, line, MARGIN + PADDING, MARGIN + chart.height + PADDING + number * LINE_HEIGHT)
    draw_buttons(pen, post.buttons[0], height - MARGIN - BUTTON_HEIGHT)
    return picture


def draw_line(pen: ImageDraw.ImageDraw, line: list[Run], x: float, y: float) -> None:
    for words, bold, italic in line:
        used = font(bold, italic)
        for character in words:
            if character in DOTS:
                pen.ellipse((x, y + 3, x + 24, y + 27), fill=DOTS[character])
                x += 26
                continue
            shown = SPELLED.get(character, character)
            pen.text((x, y), shown, font=used, fill=FAINT if italic else INK)
            x += used.getlength(shown)


def draw_buttons(pen: ImageDraw.ImageDraw, buttons: tuple[Button, ...], y: float) -> None:
    width = (WIDTH - 2 * MARGIN - GAP * (len(buttons) - 1)) / len(buttons)
    for number, button in enumerate(buttons):
        left = MARGIN + number * (width + GAP)
        pen.rounded_rectangle((left, y, left + width, y + BUTTON_HEIGHT), 12, fill=BUTTON)
        pen.text((left + width / 2, y + BUTTON_HEIGHT / 2), button.label, font=font(), fill=INK, anchor="mm")


if __name__ == "__main__":
    drawn(*example()).quantize(COLORS).save(HERE / "signal_post.png", optimize=True)
