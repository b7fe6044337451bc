"""What people of the bot are told apart from signals: who knocks, who was let in, where the bot was put."""

from engine.timeframes import DAY_MS
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import ENGLISH, text
from services.access import ACCESS_DECISION, ACCESS_QUESTION
from services.backtest_desk import BACKTEST_DONE
from services.incidents import CHAT_CLOSED, OTHER_BOT
from services.membership import MEMBERSHIP
from services.post import Post
from storage.outbox import OutboxItem
from storage.stores import Stores
from storage.users import User

APPROVE, BLOCK = "approve", "block"
"""The actions of the buttons under a stranger's question."""
QUESTION_LASTS_MS = 30 * DAY_MS
NOTICES = (ACCESS_QUESTION, ACCESS_DECISION, MEMBERSHIP, CHAT_CLOSED, OTHER_BOT, BACKTEST_DONE)
"""The kinds of messages that are worded here."""


def notice(stores: Stores, item: OutboxItem) -> Post:
    """The wording of a row of one of the kinds in NOTICES, in its reader's language."""
    reader, told = stores.users.by_telegram_id(item.chat_telegram_id), item.payload
    language = ENGLISH if reader is None else reader.language
    if item.kind == ACCESS_QUESTION:
        assert reader is not None, "those who decide are people of the book"
        return _question(stores, reader, int(str(told["telegram_id"])), str(told["name"]), item.created_ms)
    if item.kind == ACCESS_DECISION:
        return Post(text(language, "access.let_in"))
    if item.kind == BACKTEST_DONE and "id" in told:
        return Post(text(language, "backtest.done", id=str(told["id"])))
    if item.kind == BACKTEST_DONE:
        return Post(text(language, "backtest.failed", reason=str(told["reason"])))
    if item.kind in (CHAT_CLOSED, OTHER_BOT):
        return Post(text(language, f"incident.{item.kind}", **{name: str(fact) for name, fact in told.items()}))
    key = "membership.joined" if told["is_open"] else "membership.left"
    facts = {name: str(told[name]) for name in ("chat_id", "kind", "title", "by", "by_name")}
    return Post(text(language, key, **facts))


def _question(stores: Stores, decider: User, telegram_id: int, name: str, asked_ms: int) -> Post:
    """What somebody who decides is asked about a stranger."""
    mint = Mint.ensured(stores, asked_ms)
    row = tuple(
        mint.button(
            text(decider.language, key), action, str(telegram_id), decider.telegram_id, lasts_ms=QUESTION_LASTS_MS
        )
        for key, action in (("access.approve", APPROVE), ("access.block", BLOCK))
    )
    return Post(text(decider.language, "access.question", name=name, id=telegram_id), (row,))
