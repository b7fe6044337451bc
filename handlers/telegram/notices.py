"""What people of the bot are told apart from signals: who knocks, who was let in, where the bot was put, what is done."""

from collections.abc import Callable, Mapping

from engine.timeframes import DAY_MS
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import ENGLISH, text
from handlers.telegram.receipts import receipt_text
from services.access import ACCESS_DECISION, ACCESS_QUESTION
from services.backtest_desk import BACKTEST_DONE
from services.import_desk import IMPORT_DONE
from services.incidents import CHAT_CLOSED, OTHER_BOT
from services.membership import MEMBERSHIP
from services.post import Post
from services.watch_health import HEALTH_OPENED, HEALTH_RESOLVED
from storage.outbox import OutboxItem
from storage.stores import Stores

APPROVE, BLOCK = "approve", "block"
"""The actions of the buttons under a stranger's question."""
QUESTION_LASTS_MS = 30 * DAY_MS

Worded = Callable[[Stores, OutboxItem, str], Post]
"""The wording of a row in a language."""


def notice(stores: Stores, item: OutboxItem) -> Post:
    """The wording of a row of one of the kinds in NOTICES, in its reader's language."""
    reader = stores.users.by_telegram_id(item.chat_telegram_id)
    return NOTICES[item.kind](stores, item, ENGLISH if reader is None else reader.language)


def _question(stores: Stores, item: OutboxItem, language: str) -> Post:
    """What somebody who decides is asked about a stranger."""
    mint, decider_id = Mint.ensured(stores, item.created_ms), item.chat_telegram_id
    stranger_id, name = str(item.payload["telegram_id"]), str(item.payload["name"])
    row = tuple(
        mint.button(text(language, key), action, stranger_id, decider_id, lasts_ms=QUESTION_LASTS_MS)
        for key, action in (("access.approve", APPROVE), ("access.block", BLOCK))
    )
    return Post(text(language, "access.question", name=name, id=stranger_id), (row,))


def _let_in(stores: Stores, item: OutboxItem, language: str) -> Post:
    return Post(text(language, "access.let_in"))


def _membership(stores: Stores, item: OutboxItem, language: str) -> Post:
    facts = {name: str(item.payload[name]) for name in ("chat_id", "kind", "title", "by", "by_name")}
    return Post(text(language, "membership.joined" if item.payload["is_open"] else "membership.left", **facts))


def _incident(stores: Stores, item: OutboxItem, language: str) -> Post:
    return Post(text(language, f"incident.{item.kind}", **{name: str(fact) for name, fact in item.payload.items()}))


def _backtest(stores: Stores, item: OutboxItem, language: str) -> Post:
    key = "backtest.done" if "id" in item.payload else "backtest.failed"
    return Post(text(language, key, **{name: str(fact) for name, fact in item.payload.items()}))


def _import(stores: Stores, item: OutboxItem, language: str) -> Post:
    return Post(receipt_text(language, item.payload))


NOTICES: Mapping[str, Worded] = {
    ACCESS_QUESTION: _question,
    ACCESS_DECISION: _let_in,
    MEMBERSHIP: _membership,
    CHAT_CLOSED: _incident,
    HEALTH_OPENED: _incident,
    HEALTH_RESOLVED: _incident,
    OTHER_BOT: _incident,
    BACKTEST_DONE: _backtest,
    IMPORT_DONE: _import,
}
"""The kinds of messages that are worded here, each by its function."""
