"""What the engine sees now: /signal."""

from engine.vocabulary import Rejected
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import series_of
from handlers.telegram.desk import Answer, Asked, Command, Desk
from handlers.telegram.figures import Voice, signal_name
from handlers.telegram.phrases import phrase
from handlers.telegram.texts_signal import Frame, signal_card
from storage.users import Role


async def signal(desk: Desk, asked: Asked) -> Answer:
    """The decision at the last closed candle; nothing is stored or sent."""
    symbol, timeframe = series_of(asked.words, "signal")
    close_ms, result = await desk.look(symbol, timeframe)
    if isinstance(result, Rejected):
        head = asked.say("signal.none", symbol=symbol, timeframe=timeframe.text, closed=asked.clock(close_ms))
        return Answer(joined([head, rejection(asked, result)]))
    with desk.book.reading() as view:
        stored = view.signals.of_setup(result.symbol, result.timeframe, result.setup_key)
    if stored is None:
        name = asked.say("signal.not_kept")
    else:
        name = asked.say("signal.kept", name=signal_name(stored.id), status=asked.say(f"status.{stored.status.value}"))
    return Answer(signal_card(result, Frame(name), Voice(asked.user.language, asked.user.timezone)))


def rejection(asked: Asked, rejected: Rejected) -> Markup:
    """Where a look ended and why, with the value met and the limit."""
    facts = [
        asked.say(key, value=value)
        for key, value in (("signal.has", rejected.value), ("signal.limit", rejected.limit))
        if value is not None
    ]
    stage = asked.say(f"stage.{rejected.stage.value}")
    reason = phrase(Voice(asked.user.language), rejected.reason)
    if not facts:
        return asked.say("signal.why", stage=stage, reason=reason)
    return asked.say("signal.why_facts", stage=stage, reason=reason, facts=joined(facts, ", "))


COMMANDS = (Command("signal", "SYMBOL TF", "about.signal", Role.SUBSCRIBER, signal),)
