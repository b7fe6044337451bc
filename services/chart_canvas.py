"""A dark canvas of pixels that becomes a PNG: matplotlib's object API, without axes, one artist for all candles."""

import io
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from services.chart_layout import Box

WIDTH = 1080
HEIGHT = 1350
PIXELS_PER_INCH = 72  # so that a point, in which matplotlib measures text and lines, is a pixel
COMPRESS_LEVEL = 3  # the chat compresses the photo anew anyway, and this is four times as fast as 6
SMALLEST_TEXT = 16.0
LINE_HEIGHT = 1.2  # in sizes of the text
_MEASURED_SIZE = 64
FIXED_POINT = 1 << 16
UNKNOWN_GLYPH = "□"
ELLIPSIS = "…"

BACKGROUND = "#0d1117"
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


class Weight(Enum):
    """A typeface that matplotlib brings along: the same pixels on every machine, no search for fonts."""

    REGULAR = "DejaVuSans.ttf"
    BOLD = "DejaVuSans-Bold.ttf"

    @property
    def path(self) -> Path:
        return _FONTS / self.value


class Anchor(Enum):
    """Which side of a text stands at its x; its middle always stands at its y."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class Shape(Enum):
    UP = "^"
    DOWN = "v"
    CIRCLE = "o"
    CROSS = "X"
    DIAMOND = "D"


class Canvas:
    """Things are painted in the order of the calls, each over those before."""

    def __init__(self) -> None:
        self.figure = Figure(
            figsize=(WIDTH / PIXELS_PER_INCH, HEIGHT / PIXELS_PER_INCH), dpi=PIXELS_PER_INCH, facecolor=BACKGROUND
        )
        self._agg = FigureCanvasAgg(self.figure)
        self._painted = 0

    def png(self) -> bytes:
        """The picture; the same calls give the same bytes."""
        with own_style(), io.BytesIO() as file:
            options = {"compress_level": COMPRESS_LEVEL}
            self._agg.print_png(file, metadata={"Software": None}, pil_kwargs=options)  # type: ignore[no-untyped-call]
            return file.getvalue()

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        color: str,
        *,
        weight: Weight = Weight.REGULAR,
        anchor: Anchor = Anchor.LEFT,
        width: float = WIDTH,
    ) -> Box:
        """Write one line, smaller or shortened where it is wider than `width`; the box it takes."""
        words, size = self.fitted(words, size, width, weight)
        taken, height = self.measured(words, size, weight)
        artist = self.figure.text(
            x,
            y,
            words,
            color=color,
            horizontalalignment=anchor.value,
            verticalalignment="center",
            fontproperties=_font(weight, size),
            transform=IdentityTransform(),
            parse_math=False,
            usetex=False,
        )
        self._over(artist)
        shift = {Anchor.LEFT: 0.0, Anchor.CENTER: taken / 2, Anchor.RIGHT: taken}[anchor]
        return Box(x - shift, y - height / 2, x - shift + taken, y + height / 2)

    @staticmethod
    def measured(words: str, size: float, weight: Weight = Weight.REGULAR) -> tuple[float, float]:
        """Width and height that one line of text takes."""
        return size * sum(_advance(character, weight) for character in drawable(words)), size * LINE_HEIGHT

    @classmethod
    def fitted(cls, words: str, size: float, width: float, weight: Weight = Weight.REGULAR) -> tuple[str, float]:
        """The words and the size with which they fit into `width`: first smaller, then with their end cut off."""
        words = drawable(words)
        taken, _ = cls.measured(words, size, weight)
        if taken <= width:
            return words, size
        size = max(min(size, SMALLEST_TEXT), size * width / taken)
        while len(words) > 1 and cls.measured(words, size, weight)[0] > width * (1 + 1e-9):
            words = words.removesuffix(ELLIPSIS)[:-1].rstrip() + ELLIPSIS
        return words, size

    def rectangle(self, box: Box, color: str, alpha: float) -> None:
        self._add(Rectangle((box.left, box.bottom), box.width, box.height, facecolor=color, alpha=alpha, linewidth=0))

    def pill(self, box: Box, fill: str, edge: str, *, radius: float = 10.0) -> None:
        """A rectangle with round corners."""
        patch = FancyBboxPatch(
            (box.left, box.bottom),
            box.width,
            box.height,
            f"round,pad=0,rounding_size={radius}",
            facecolor=fill,
            edgecolor=edge,
            linewidth=2.0,
        )
        self._add(patch)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        color: str,
        width: float,
        *,
        alpha: float = 1.0,
        dashes: bool = False,
    ) -> None:
        xs, ys = zip(*points, strict=True)
        self._add(
            Line2D(
                xs,
                ys,
                color=color,
                linewidth=width,
                alpha=alpha,
                linestyle=(0, (5, 4)) if dashes else "-",
                solid_capstyle="round",
                dash_capstyle="butt",
                marker="None",
            )
        )

    def boxes(self, edges: NDArray[np.float64], colors: Sequence[str]) -> None:
        """Many filled rectangles at once: an n x 4 array of left, bottom, right, top, on whole pixels."""
        left, bottom, right, top = np.rint(edges).T
        corners = np.stack([left, bottom, left, top, right, top, right, bottom], axis=1).reshape(-1, 4, 2)
        self._add(PolyCollection(list(corners), facecolors=colors, edgecolors="none", antialiaseds=False))

    def mark(self, x: float, y: float, shape: Shape, size: float, fill: str, edge: str = BACKGROUND) -> None:
        self._add(
            Line2D(
                [x],
                [y],
                marker=shape.value,
                markersize=size,
                markerfacecolor=fill,
                markeredgecolor=edge,
                markeredgewidth=2.0,
                linestyle="None",
            )
        )

    def _add(self, artist: Artist) -> None:
        artist.set_transform(IdentityTransform())
        self.figure.add_artist(artist)
        self._over(artist)

    def _over(self, artist: Artist) -> None:
        self._painted += 1
        artist.set_zorder(self._painted)


def own_style() -> AbstractContextManager[None]:
    """What matplotlib reads while it paints, so that nobody's own settings change a chart."""
    return matplotlib.rc_context({"text.hinting": "none", "text.antialiased": True, "path.simplify": False})


@lru_cache(maxsize=256)
def drawable(words: str) -> str:
    """The words on one line, without invisible characters; what the typeface lacks is a box."""
    visible = (" " if character.isspace() else character for character in words)
    return "".join(
        character if _face(Weight.REGULAR).get_char_index(ord(character)) else UNKNOWN_GLYPH
        for character in visible
        if not unicodedata.category(character).startswith(("C", "M"))
    )


@lru_cache(maxsize=1024)
def _advance(character: str, weight: Weight) -> float:
    """Width of a character in text of size 1."""
    glyph = _face(weight).load_char(ord(character), flags=LoadFlags.NO_HINTING)
    return float(glyph.linearHoriAdvance) / FIXED_POINT / _MEASURED_SIZE


@cache
def _face(weight: Weight) -> FT2Font:
    """A typeface of our own, so that measuring does not disturb the painting."""
    face = FT2Font(str(weight.path))
    face.set_size(_MEASURED_SIZE, PIXELS_PER_INCH)
    return face


@lru_cache(maxsize=64)
def _font(weight: Weight, size: float) -> FontProperties:
    return FontProperties(fname=str(weight.path), size=size)
