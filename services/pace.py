"""How the book's time runs beside the wall's: the same, or, for a rehearsal, faster and on another day."""

from dataclasses import dataclass

MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Pace:
    """Book time = `book_ms` + (wall time - `wall_ms`) x `speed`; the defaults make the two one."""

    book_ms: int = 0
    wall_ms: int = 0
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"time must run forward, not at speed {self.speed:g}")

    def __str__(self) -> str:
        return "the wall's time" if self == WALL_TIME else f"{self.speed:g} times the wall's"

    def book(self, wall_ms: int) -> int:
        """The book's time at an instant of the wall's clock, both epoch ms."""
        return self.book_ms + int((wall_ms - self.wall_ms) * self.speed)

    def wall(self, book_ms: int) -> float:
        """The instant of the wall's clock at which the book's time is `book_ms`, in epoch ms."""
        return self.wall_ms + (book_ms - self.book_ms) / self.speed

    def wall_seconds(self, book_ms: float) -> float:
        """How many seconds on the wall's clock a span of book time takes."""
        return book_ms / self.speed / MS_PER_SECOND


WALL_TIME = Pace()
