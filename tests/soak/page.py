"""The page of the documentation about a soak: what was run, what was seen, what explained what."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from engine.timeframes import duration_text
from handlers.settings import DEFAULT_TIMEFRAMES
from storage.events import EventType
from tests.soak.causes import CAUSES
from tests.soak.verdict import Explained, Verdict

WARM_UP_DAYS = 6
COMPARED_DAYS = 3
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Day:
    """What a day ended with: memory without mapped files and the world's prices, the book; counts since the beginning."""

    number: int
    memory_bytes: int
    book_bytes: int
    asked: int
    told: int
    looks: int
    closed: int
    incidents: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Soaked:
    """A soak, or as much of it as is over."""

    wanted_days: int
    symbols: int
    troubles: int
    days: tuple[Day, ...]
    verdict: Verdict
    wall_s: float

    @property
    def growth_ratio(self) -> float:
        """How much the memory of the last days is above that of the first after the warm-up; 0 before there are any."""
        settled = [day.memory_bytes for day in self.days[WARM_UP_DAYS:]]
        if len(settled) < 2 * COMPARED_DAYS:
            return 0.0
        return median(settled[-COMPARED_DAYS:]) / median(settled[:COMPARED_DAYS]) - 1


PAGE = """# A month in the life of the bot
`python -m tests.soak.run --days 30 --symbols 50 --write docs/soak.md` (`make soak`) lets the live bot's own pipeline and
schedule run over a clock that jumps from slot to slot, against an exchange and a Telegram that fail now and then, and
writes this page, anew after every day. `tests/soak/test_soak.py` holds what it shows. The exchange is the fake of the
tests, asked in memory instead of over a socket, and so is Telegram; the clock of all of them is one.

Every day: 503 for 90 seconds, 429 for 12 minutes, one pair frozen for 3 hours, no answers for 40 seconds, a hole of three
minutes in one pair, the exchange's clock an hour behind for 20 minutes, Telegram down for 10 minutes (every seventh day for
6 hours). In turns of five days: a ban (418) for 40 minutes, everything frozen for 4 hours, 451 for an hour. Once: a hole of
two hours that is never filled, a pair that is delisted. The bot is stopped for 95 minutes every tenth day.

Memory is what the process holds but for what is mapped from files, which it shares with whatever else runs, and without
the prices of the invented pairs. For some days it grows by what is kept for speed and has a limit: SQLite's pages, up to
16 MB for each of some connections, which fill as the book grows, the windows of all series, and what the allocator keeps
of the peaks of looks and backups until the hour is over. Growth is that of the median of the last {compared} days over the
median of the first {compared} after those.

An incident is explained by a trouble of a kind its check suffers from (`tests/soak/causes.py`), of a pair it names (any, of
a message that names but some), that was on or had ended no longer ago than the check may stay ill by its own limits; both
when it was opened and when its check was ill for the last time.
{runs}"""

RUN = """
## {days} of {wanted} days, {symbols} pairs x {timeframes}
| what | |
|---|---|
| took | {wall_s:,.0f} s, {cpu_s:,.0f} s of CPU |
| questions to the exchange | {asked:,} |
| troubles of the exchange and of Telegram scripted | {troubles} |
| looks | {looks:,} |
| signals, closed positions | {signals:,}, {closed:,} |
| messages taken by Telegram | {told:,} |
| memory after the warm-up of {warm_up} days, and at the end | {memory} |
| slots, of them missed while the bot was down, and accounted for | {slots:,}, {missed:,} |
| slots unaccounted for | {unaccounted} |
| runs by how they ended | {statuses} |
| incidents opened, of them unexplained | {incidents}, {unexplained} |
| mended by itself | {mends} |
| series left out, holes named | {silent}, {holes} |
| identities that do not hold | {identities} |

What explained the incidents:

| check | incidents | explained by | after its end | at most | because |
|---|---|---|---|---|---|
{explained}

Day by day, counted from the beginning:

| day | memory, MB | book, MB | questions | looks | closed positions | messages | incidents | CPU s |
|---|---|---|---|---|---|---|---|---|
{table}
"""


def page(*runs: Soaked) -> str:
    """The page of runs that are over or still on their way."""
    return PAGE.format(compared=COMPARED_DAYS, runs="".join(map(_run, runs)))


def _run(seen: Soaked) -> str:
    verdict, last = seen.verdict, seen.days[-1]
    return RUN.format(
        wanted=seen.wanted_days,
        days=len(seen.days),
        symbols=seen.symbols,
        timeframes=", ".join(timeframe.text for timeframe in DEFAULT_TIMEFRAMES),
        wall_s=seen.wall_s,
        cpu_s=last.cpu_s,
        asked=last.asked,
        troubles=seen.troubles,
        looks=verdict.looks,
        signals=verdict.signals,
        closed=verdict.closed,
        told=last.told,
        warm_up=WARM_UP_DAYS,
        memory=_memory(seen),
        slots=verdict.slots.expected,
        missed=verdict.slots.missed,
        unaccounted=len(verdict.slots.unaccounted),
        statuses=_counted(verdict.slots.statuses),
        incidents=len(verdict.incidents),
        unexplained=len(verdict.unexplained),
        mends=_counted(verdict.mends),
        silent=verdict.events[EventType.FEED_SILENT],
        holes=verdict.events[EventType.CANDLES_MISSING],
        identities=len(verdict.broken_identities),
        explained="\n".join(_explained_rows(verdict)),
        table="\n".join(map(_day_row, seen.days)),
    )


def _memory(seen: Soaked) -> str:
    settled = seen.days[WARM_UP_DAYS:]
    if not settled:
        return "not warm yet"
    first, last = (days.memory_bytes / MEGABYTE for days in (settled[0], settled[-1]))
    return f"{first:.1f} MB, {last:.1f} MB ({seen.growth_ratio:+.1%})"


def _explained_rows(verdict: Verdict) -> list[str]:
    by_check: dict[str, list[Explained]] = {}
    for one in verdict.incidents:
        by_check.setdefault(one.incident.check, []).append(one)
    return [_explained_row(check, found) for check, found in sorted(by_check.items())]


def _explained_row(check: str, found: list[Explained]) -> str:
    whole = [(one.began, one.lasted) for one in found if one.began is not None and one.lasted is not None]
    kinds = _counted(Counter(began.kind.value for began, _ in whole))
    latest_ms = max((one.after_ms for pair in whole for one in pair), default=0)
    cause = CAUSES.get(check)
    if cause is None:
        return f"| `{check}` | {len(found)} | {kinds} | – | – | nothing scripted makes it ill |"
    most = duration_text(cause.grace_ms) + (" and a bar" if cause.until_next_close else "")
    return f"| `{check}` | {len(found)} | {kinds} | {duration_text(latest_ms)} | {most} | {cause.why} |"


def _day_row(day: Day) -> str:
    return (
        f"| {day.number} | {day.memory_bytes / MEGABYTE:.1f} | {day.book_bytes / MEGABYTE:.0f} | {day.asked:,}"
        f" | {day.looks:,} | {day.closed:,} | {day.told:,} | {day.incidents} | {day.cpu_s:,.0f} |"
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in Counter(counts).most_common()) or "none"
