"""Learning while the bot runs: the model that acts, retraining on its schedule, drift and calibration every day."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from engine.params import Params
from engine.timeframes import DAY_MS
from ml.acting import Acting
from services.predict import load_acting
from services.schedule import NothingToDo
from services.train import Refused, activate, keep, retire, train_apart, why_not_due
from storage.book import Book
from storage.writer import Writer

logger = logging.getLogger(__name__)


class Learning:
    """The learning side of a live bot."""

    def __init__(self, book: Book, writer: Writer, params: Params, now_ms: Callable[[], int]) -> None:
        self._book = book
        self._writer = writer
        self._params = params
        self._now_ms = now_ms
        self._acting: Acting | None = None
        self._at_work: asyncio.Task[None] | None = None

    @property
    def acting(self) -> Acting | None:
        """The model to ask now; None when there is none, or it grew too old."""
        expires_ms = self._params.learning.expires_after_days * DAY_MS
        if self._acting is not None and self._acting.expired(self._now_ms(), expires_ms):
            return None
        return self._acting

    async def load(self) -> None:
        """Take the acting model from the book: at start, after a training, after a rollback, and daily."""
        now_ms, expires_ms = self._now_ms(), self._params.learning.expires_after_days * DAY_MS
        self._acting = await self._writer.run(lambda tx: load_acting(tx, now_ms, expires_ms))

    async def train(self, *, asked_by: str | None = None) -> str:
        """Train if it is due (or somebody asked) and return what came of it; NothingToDo when there is no reason to."""
        now_ms = self._now_ms()
        if asked_by is None:
            with self._book.reading() as view:
                why_not = why_not_due(view, self._params.learning, now_ms)
            if why_not is not None:
                raise NothingToDo(why_not)
        outcome = await asyncio.to_thread(train_apart, self._book.path, self._params, now_ms)
        if isinstance(outcome, Refused):
            raise NothingToDo(outcome.reason)
        model_id = await self._writer.run(lambda tx: keep(tx, outcome, asked_by or "schedule"))
        await self.load()
        return f"model {model_id}: {outcome.model.verdict}"

    def begin(self, asked_by: str, tell: Callable[[str], Awaitable[None]]) -> bool:
        """Train beside everything else and tell what came of it; False while a training asked for still runs."""
        if self._at_work is not None and not self._at_work.done():
            return False
        self._at_work = asyncio.create_task(self._train_and_tell(asked_by, tell))
        return True

    async def _train_and_tell(self, asked_by: str, tell: Callable[[str], Awaitable[None]]) -> None:
        try:
            told = await self.train(asked_by=asked_by)
        except NothingToDo as reason:
            told = str(reason)
        await tell(told)

    async def roll_back(self, model_id: int | None, by: str) -> None:
        """Let an earlier model act again, or with None the rules alone; NoSuchModel when there is none."""
        now_ms = self._now_ms()
        if model_id is None:
            await self._writer.run(lambda tx: retire(tx, now_ms, by))
        else:
            await self._writer.run(lambda tx: activate(tx, model_id, now_ms, by))
        await self.load()
