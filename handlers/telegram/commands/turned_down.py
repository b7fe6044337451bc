"""The field's most asked question, /whynot: what was turned down today, by which reason, value and limit."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engine.vocabulary import Rejected, Stage
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.market import rejection
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from handlers.telegram.figures import signal_name
from storage.scans import RejectionGroup
from storage.signals import Unsent
from storage.users import Role

MS_PER_SECOND = 1000
BEFORE_A_SETUP = (Stage.DATA, Stage.CONTEXT, Stage.SETUP)
"""Stages that end a look before there is anything to turn down."""


async def whynot(desk: Desk, asked: Asked) -> Answer:
    """Setups of today that became no signal, and signals that were not sent, the most frequent reason first."""
    if len(asked.words) > 1:
        raise CommandError("ask.whynot")
    symbol = asked.words[0].upper() if asked.words else None
    since_ms = day_start_ms(desk.now_ms(), asked.user.timezone)
    with desk.book.reading() as view:
        groups = view.scans.rejections(since_ms, symbol)
        unsent = view.signals.unsent(since_ms, symbol)
        sent, looks = view.signals.count_sent(since_ms), view.scans.count(since_ms, symbol)
    if not looks:
        return Answer(asked.say("whynot.no_look"))
    where = asked.say("whynot.everywhere") if symbol is None else asked.say("whynot.where", symbol=symbol)
    head = asked.say("whynot.head", where=where, since=asked.clock(since_ms), looks=looks, sent=sent)
    return Answer(joined([head, *_turned_down(asked, groups, unsent), *_without_setup(asked, groups)]))


def day_start_ms(now_ms: int, zone: str) -> int:
    """When the day that holds `now_ms` began on the clocks of `zone`."""
    here = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).astimezone(ZoneInfo(zone))
    return round(here.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * MS_PER_SECOND)


def _turned_down(asked: Asked, groups: tuple[RejectionGroup, ...], unsent: tuple[Unsent, ...]) -> Iterator[Markup]:
    lines = [(group.count, _of_look(asked, group)) for group in groups if group.rejected.stage not in BEFORE_A_SETUP]
    by_gate: dict[str, list[Unsent]] = {}
    for one in unsent:
        by_gate.setdefault(one.gate, []).append(one)
    lines += [(len(held), _of_gate(asked, held)) for held in by_gate.values()]
    if not lines:
        yield asked.say("whynot.nothing")
    yield from (line for _, line in sorted(lines, key=lambda entry: -entry[0]))


def _of_look(asked: Asked, group: RejectionGroup) -> Markup:
    return asked.say(
        "whynot.look",
        count=group.count,
        why=rejection(asked, group.rejected),
        symbol=group.symbol,
        timeframe=group.timeframe,
    )


def _of_gate(asked: Asked, held: list[Unsent]) -> Markup:
    newest = held[-1]
    return asked.say(
        "whynot.gate",
        count=len(held),
        why=rejection(asked, Rejected(Stage.GATE, newest.gate, newest.value, newest.limit)),
        symbol=newest.symbol,
        timeframe=newest.timeframe,
        name=signal_name(newest.signal_id),
    )


def _without_setup(asked: Asked, groups: tuple[RejectionGroup, ...]) -> Iterator[Markup]:
    counts: Counter[Stage] = Counter()
    for group in groups:
        counts[group.rejected.stage] += group.count
    for stage in BEFORE_A_SETUP:
        if counts[stage]:
            yield asked.say("whynot.before", count=counts[stage], stage=asked.say(f"stage.{stage.value}"))


COMMANDS = (Command("whynot", "[SYMBOL]", "about.whynot", Role.SUBSCRIBER, whynot),)
