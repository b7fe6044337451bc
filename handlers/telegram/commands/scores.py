"""How coins, setups, sessions ... stand with the account: /scores, and a person's word on a coin."""

import math

from engine.scores import Dim, ScoreStatus
from handlers.telegram.catalogue import joined
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from handlers.telegram.tables import Column, Table
from services.standings import Standing, standings
from storage.events import EventType
from storage.stores import Stores
from storage.users import Role

AUTO = "auto"
GIVEN = {
    "normal": ScoreStatus.NORMAL,
    "reduced": ScoreStatus.REDUCED,
    "favored": ScoreStatus.FAVORED,
    "blocked": ScoreStatus.BLACKLISTED,
}
"""What a person may say of a coin, beside giving it back to the rules."""
WORDS = {
    ScoreStatus.UNKNOWN: "scores.unknown",
    ScoreStatus.NORMAL: "scores.normal",
    ScoreStatus.REDUCED: "scores.reduced",
    ScoreStatus.FAVORED: "scores.favored",
    ScoreStatus.BLACKLISTED: "scores.blacklisted",
    ScoreStatus.INACTIVE: "scores.inactive",
}

SCORES = Table(
    (
        Column("table.what", 10),
        Column("table.n", 3, right=True),
        Column("table.won", 4, right=True),
        Column("scores.lent", 4, right=True),
        Column("scores.status", 9),
    )
)


async def scores(desk: Desk, asked: Asked) -> Answer:
    """The closed trades of the account by coin or another dimension; with a coin and a word, that word on the coin."""
    match asked.words:
        case ():
            return _shown(desk, asked, Dim.COIN)
        case (word,) if word.lower() in {dim.value for dim in Dim}:
            return _shown(desk, asked, Dim(word.lower()))
        case (symbol, word) if word.lower() in (*GIVEN, AUTO):
            return await _given(desk, asked, symbol.upper(), word.lower())
    raise CommandError("ask.scores", dims=", ".join(dim.value for dim in Dim), words=", ".join((*GIVEN, AUTO)))


def _shown(desk: Desk, asked: Asked, dim: Dim) -> Answer:
    with desk.book.reading() as view:
        found = standings(view, desk.hands.params.hash, dim)
    if not found:
        return Answer(asked.say("scores.none"))
    table = SCORES.html(asked.user.language, (_row(asked, standing) for standing in found))
    return Answer(joined([asked.say("scores.head", by=dim.value), table, asked.say("scores.how")]))


async def _given(desk: Desk, asked: Asked, symbol: str, word: str) -> Answer:
    now_ms = desk.now_ms()

    def change(tx: Stores) -> None:
        if word == AUTO:
            tx.scores.clear_status(Dim.COIN, symbol, now_ms)
        else:
            tx.scores.set_status(Dim.COIN, symbol, GIVEN[word], f"by {asked.by}", now_ms)
        tx.events.add(EventType.SETTING_CHANGED, now_ms, actor=asked.by, symbol=symbol, message=f"score of {symbol}: {word}")

    await desk.writer.run(change)
    with desk.book.reading() as view:
        score = view.scores.get(Dim.COIN, symbol)
    return Answer(asked.say("scores.given", symbol=symbol, status=asked.say(WORDS[score.status])))


def _row(asked: Asked, standing: Standing) -> tuple[str, ...]:
    score = standing.score
    won, lent = (_percent(ratio) for ratio in (score.win_ratio, standing.shrunk.win_ratio))
    return score.key, str(score.n), won, lent, asked.say(WORDS[score.status])


def _percent(ratio: float) -> str:
    return "-" if math.isnan(ratio) else f"{ratio:.0%}"


COMMANDS = (Command("scores", "[DIMENSION | COIN WORD]", "about.scores", Role.OPERATOR, scores, changes=True),)
