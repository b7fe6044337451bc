"""Keeping signals back by hand: /pause and /resume."""

import re

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from services.pause import pause, resume
from storage.users import Role

ALL = "all"
SPAN = re.compile(r"(\d{1,4})([mhd])")
SPAN_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
SYMBOL = re.compile(r"[A-Z0-9]{2,15}(USDT|USDC|FDUSD|BUSD|USD|EUR|TRY|BTC|ETH|BNB)")
"""What is taken for a pair and not for the beginning of a reason."""


async def pause_(desk: Desk, asked: Asked) -> Answer:
    """Signals of a symbol or of all are decided and kept, none is sent, for a while or until somebody resumes."""
    words, now_ms = list(asked.words), desk.now_ms()
    symbol = _taken_symbol(words)
    until_ms = None
    if words and (span := SPAN.fullmatch(words[0])) is not None:
        until_ms = now_ms + int(span[1]) * SPAN_MS[span[2]]
        words.pop(0)
    reason = " ".join(words)
    await desk.writer.run(lambda tx: pause(tx, reason, asked.by, now_ms, symbol=symbol, until_ms=until_ms))
    until = asked.say("pause.open") if until_ms is None else asked.say("pause.until", until=asked.clock(until_ms))
    what = asked.say("pause.all") if symbol is None else asked.say("pause.symbol", symbol=symbol)
    return Answer(asked.say("pause.done", what=what, until=until))


async def resume_(desk: Desk, asked: Asked) -> Answer:
    """Signals are sent again, of a symbol or of all that were not paused by name."""
    words, now_ms = list(asked.words), desk.now_ms()
    symbol = _taken_symbol(words)
    if words:
        raise CommandError("ask.resume")
    was_paused = await desk.writer.run(lambda tx: resume(tx, asked.by, now_ms, symbol))
    return Answer(asked.say("resume.done") if was_paused else asked.say("resume.running"))


def _taken_symbol(words: list[str]) -> str | None:
    """The symbol that is named first, taken off; None for all."""
    if words and words[0].lower() == ALL:
        words.pop(0)
        return None
    return words.pop(0).upper() if words and SYMBOL.fullmatch(words[0].upper()) else None


COMMANDS = (
    Command("pause", "[SYMBOL|all] [8h] [REASON]", "about.pause", Role.OPERATOR, pause_, changes=True),
    Command("resume", "[SYMBOL|all]", "about.resume", Role.OPERATOR, resume_, changes=True),
)
