"""What keeps signals from being sent: /locks, /unlock and /blackout."""

from engine.protections import Lock, LockKind
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from handlers.telegram.locks import lock_line
from services.blackouts import Blackout, BlackoutError, add, added
from services.protections import locks, unlock
from services.rules import in_force
from storage.stores import Stores
from storage.users import Role

SYMBOL_MARK = "#"
BLACKOUT_WORDS = 4  # time, minutes before, minutes after, event


async def locks_(desk: Desk, asked: Asked) -> Answer:
    """Everything that keeps signals back now, each with the command that lifts it."""
    alone(asked, "locks")
    with desk.book.reading() as view:
        held = _held(desk, view)
    if not held:
        return Answer(asked.say("locks.none"))
    return Answer(joined(_with_lifting(asked, lock) for lock in held))


async def unlock_(desk: Desk, asked: Asked) -> Answer:
    """Lift one lock until its next cause."""
    kind, symbol = _lock_named(asked)

    def lift(tx: Stores) -> bool:
        held = any(lock.key == (kind, symbol) for lock in _held(desk, tx))
        if held:
            unlock(tx, kind, symbol, asked.by, desk.now_ms())
        return held

    if not await desk.writer.run(lift):
        raise CommandError("unlock.unknown")
    return Answer(asked.say("unlock.done"))


async def blackout(desk: Desk, asked: Asked) -> Answer:
    """The dated events ahead; with words, one more."""
    if asked.words:
        await _add_blackout(desk, asked)
    calendar = desk.blackouts.calendar()
    with desk.book.reading() as view:
        known = {*calendar.blackouts, *added(view)}
    ahead = sorted((one for one in known if one.until_ms > desk.now_ms()), key=lambda one: (one.at_ms, one.event))
    lines = [_blackout_line(asked, one) for one in ahead] or [asked.say("blackout.none")]
    faults = [asked.say("blackout.fault", fault=fault) for fault in calendar.faults]
    return Answer(joined([*lines, *faults]))


async def _add_blackout(desk: Desk, asked: Asked) -> None:
    symbols = " ".join(word.removeprefix(SYMBOL_MARK) for word in asked.words if word.startswith(SYMBOL_MARK))
    words = [word for word in asked.words if not word.startswith(SYMBOL_MARK)]
    if len(words) < BLACKOUT_WORDS:
        raise CommandError("blackout.ask")
    time_utc, before, after, *event = words
    try:
        wanted = Blackout.parse(time_utc, " ".join(event), before, after, symbols)
    except BlackoutError as error:
        raise CommandError("blackout.bad", why=str(error)) from error
    await desk.writer.run(lambda tx: add(tx, wanted, asked.by, desk.now_ms()))


def _held(desk: Desk, view: Stores) -> tuple[Lock, ...]:
    return locks(view, desk.now_ms(), in_force(view, desk.hands.params), desk.blackouts.calendar().blackouts)


def _with_lifting(asked: Asked, lock: Lock) -> Markup:
    name = lock.kind.value if lock.symbol is None else f"{lock.kind.value} {lock.symbol}"
    return asked.say("locks.line", line=lock_line(lock, asked.user.language, asked.clock), name=name)


def _lock_named(asked: Asked) -> tuple[LockKind, str | None]:
    kinds = {kind.value: kind for kind in LockKind}
    match [word.lower() for word in asked.words]:
        case [word] if word in kinds:
            return kinds[word], None
        case [word, symbol] if word in kinds:
            return kinds[word], symbol.removeprefix(SYMBOL_MARK).upper()
    raise CommandError("unlock.ask", known=", ".join(kinds))


def _blackout_line(asked: Asked, one: Blackout) -> Markup:
    scope = ", ".join(one.symbols) or asked.say("lock.everything")
    since, until = asked.clock(one.since_ms), asked.clock(one.until_ms)
    return asked.say("blackout.line", event=one.event, scope=scope, since=since, until=until)


COMMANDS = (
    Command("locks", "", "about.locks", Role.OPERATOR, locks_),
    Command("unlock", "LOCK [SYMBOL]", "about.unlock", Role.OPERATOR, unlock_, changes=True),
    Command("blackout", "[TIME BEFORE AFTER EVENT]", "about.blackout", Role.OPERATOR, blackout, changes=True),
)
