"""The public record: /record and /verify, and the button under a post that shows the record."""

import math
from collections.abc import Iterator

from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import signal_word
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Place, Pressed
from handlers.telegram.tables import Column, Table
from handlers.telegram.texts import price
from services.post import Button
from services.public_record import ENOUGH_TO_JUDGE, Ending, Period, PublicRecord, record_since
from services.publish import HEAD_DIGITS, head8
from storage.chats import ChatKind
from storage.publications import ChainCheck, Delivery, Publication, PublicationKind
from storage.signals import AmbiguousSignal, UnknownSignal
from storage.users import Role

RECORD = "record"
"""The button under a post."""
PERIOD = "period"
"""The buttons under the record, which show another period in its place."""

COUNTS = Table((Column("record.signals", 24), Column("", 8, right=True)))
ROWS: tuple[tuple[str, Ending], ...] = (
    ("record.waiting", Ending.WAITING),
    ("record.expired", Ending.EXPIRED),
    ("record.cancelled", Ending.CANCELLED),
)
FILLED_ROWS: tuple[tuple[str, Ending], ...] = (
    ("record.open", Ending.OPEN),
    ("record.win", Ending.WIN),
    ("record.target_1_then_break_even", Ending.TARGET_1_THEN_BREAK_EVEN),
    ("record.break_even", Ending.BREAK_EVEN),
    ("record.loss", Ending.LOSS),
)
"""What became of the filled ones; each stands under its kind."""


async def record(desk: Desk, asked: Asked) -> Answer:
    """Every signal of a period at 1R: losers, unfilled and missed ones counted like winners."""
    return _shown(desk, asked, _period(asked))


async def record_pressed(desk: Desk, press: Pressed) -> Answer:
    """The record of 30 days; in a channel as a line over it, because an answer there would be a post."""
    if press.chat.kind is not ChatKind.CHANNEL:
        return _shown(desk, press.asked, Period.MONTH)
    with desk.book.reading() as view:
        found = record_since(view, Period.MONTH.since_ms(desk.now_ms()))
    return Answer(_short(press.asked, Period.MONTH, found), place=Place.TOAST)


async def period_pressed(desk: Desk, press: Pressed) -> Answer:
    """The record of another period, in place of the one shown."""
    shown = _shown(desk, press.asked, Period(press.argument))
    return Answer(shown.html, shown.buttons, place=Place.SAME)


async def verify(desk: Desk, asked: Asked) -> Answer:
    """What the record says of a signal, and whether it is whole up to its head."""
    if len(asked.words) > 1:
        raise CommandError("ask.verify")
    with desk.book.reading() as view:
        chain = view.publications.check()
        if not asked.words:
            return Answer(_chain_line(asked, chain))
        try:
            signal_id = view.signals.find(signal_word(asked.words[0])).id
        except (UnknownSignal, AmbiguousSignal) as error:
            raise CommandError("ask.verify") from error
        rows = view.publications.of_signal(signal_id) if chain.difference is None else ()
    told = list(_told(asked, signal_id, rows))
    return Answer(joined([*told, "", _chain_line(asked, chain)] if told else [_chain_line(asked, chain)]))


def in_r(value: float) -> str:
    """A result in R, signed."""
    return f"{value:+.2f}"


def _period(asked: Asked) -> Period:
    words = {period.value: period for period in Period}
    match asked.words:
        case ():
            return Period.MONTH
        case (word,) if word.lower() in words:
            return words[word.lower()]
    raise CommandError("ask.record", periods=", ".join(words))


def _shown(desk: Desk, asked: Asked, period: Period) -> Answer:
    now_ms = desk.now_ms()
    with desk.book.reading() as view:
        found = record_since(view, period.since_ms(now_ms))
        head, mint = head8(view), Mint.of(view, now_ms)
    lines = [asked.say("record.head", period=asked.say(f"record.period.{period.value}"))]
    if found.counts:
        lines += [COUNTS.html(asked.user.language, _rows(asked, found)), _judgement(asked, found)]
    else:
        lines.append(asked.say("record.none"))
    lines.append(asked.say("record.chain", head=head))
    return Answer(joined(lines), (_buttons(asked, mint, period),))


def _rows(asked: Asked, found: PublicRecord) -> Iterator[tuple[str, str]]:
    def row(key: str, count: int, depth: int) -> tuple[str, str]:
        return "  " * depth + asked.say(key), str(count)

    yield row("record.sent", found.sent, 0)
    for key, ending in ROWS:
        yield row(key, found.count(ending), 1)
    yield row("record.filled", found.filled, 1)
    for key, ending in FILLED_ROWS:
        yield row(key, found.count(ending), 2)
    yield row("record.missed", found.count(Ending.MISSED), 0)


def _judgement(asked: Asked, found: PublicRecord) -> Markup:
    results = found.results
    total = in_r(results.total_r)
    if not found.is_judgeable:
        return asked.say("record.too_few", closed=results.n, enough=ENOUGH_TO_JUDGE, total=total)
    mean = results.expectancy_r
    factor = f"{results.profit_factor:.2f}" if math.isfinite(results.profit_factor) else "∞"
    return asked.say(
        "record.expectancy",
        value=in_r(mean.value),
        low=in_r(mean.low),
        high=in_r(mean.high),
        factor=factor,
        total=total,
    )


def _short(asked: Asked, period: Period, found: PublicRecord) -> Markup:
    return asked.say(
        "record.short",
        period=asked.say(f"record.period.{period.value}"),
        sent=found.sent,
        won=found.count(Ending.WIN),
        half=found.count(Ending.TARGET_1_THEN_BREAK_EVEN),
        even=found.count(Ending.BREAK_EVEN),
        lost=found.count(Ending.LOSS),
        unfilled=found.count(Ending.EXPIRED, Ending.CANCELLED),
        total=in_r(found.results.total_r),
    )


def _buttons(asked: Asked, mint: Mint, shown: Period) -> tuple[Button, ...]:
    others = [period for period in Period if period is not shown]
    owner = asked.user.telegram_id
    return tuple(
        mint.button(asked.say(f"record.button.{period.value}"), PERIOD, period.value, owner) for period in others
    )


def _told(asked: Asked, signal_id: int, rows: tuple[Publication, ...]) -> Iterator[Markup]:
    if not rows:
        yield asked.say("verify.not_told", id=signal_id)
        return
    yield asked.say("verify.of", id=signal_id)
    for row in rows:
        yield asked.say(
            "verify.row",
            seq=row.seq,
            kind=asked.say(f"kind.{row.kind.value}"),
            at=asked.clock(row.at_ms),
            hash=row.hash[:HEAD_DIGITS],
            note=_note(asked, row),
        )
        if (said := _said(asked, row)) is not None:
            yield said


def _note(asked: Asked, row: Publication) -> Markup:
    notes = []
    if row.delivery is Delivery.UNKNOWN and row.kind is not PublicationKind.CORRECTION:
        notes.append(asked.say("verify.unsure"))
    if "resend_of" in row.facts:
        notes.append(asked.say("verify.resend", seq=row.facts["resend_of"]))
    if "account" in row.facts:
        notes.append(asked.say("verify.account"))
    return joined(notes, "")


def _said(asked: Asked, row: Publication) -> Markup | None:
    """The numbers of a row that people compare with the post; None where there are none."""
    facts = row.facts
    match row.kind:
        case PublicationKind.SIGNAL:
            return asked.say(
                "verify.levels",
                direction=facts["direction"],
                symbol=facts["symbol"],
                timeframe=facts["timeframe"],
                entry=price(facts["entry"]),
                stop=price(facts["stop_loss"]),
                targets=", ".join(price(target["price"]) for target in facts["targets"]),
            )
        case PublicationKind.CLOSE if "r_multiple" in facts:
            return asked.say(
                "verify.result", r=in_r(facts["r_multiple"]), reason=asked.say(f"close_reason.{facts['reason']}")
            )
        case PublicationKind.CORRECTION:
            return joined([facts["text"]])
        case _:
            return None


def _chain_line(asked: Asked, chain: ChainCheck) -> Markup:
    if chain.difference is None:
        return asked.say("verify.whole", count=chain.count, head=chain.head)
    return asked.say("verify.broken", count=chain.count, difference=chain.difference)


COMMANDS = (
    Command("record", "[7d|30d|all]", "about.record", Role.SUBSCRIBER, record),
    Command("verify", "[S-ID]", "about.verify", Role.SUBSCRIBER, verify),
)
ACTIONS = (
    Action(RECORD, Role.SUBSCRIBER, record_pressed),
    Action(PERIOD, Role.SUBSCRIBER, period_pressed),
)
