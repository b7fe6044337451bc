"""What people of the bot are told apart from signals: who knocks, who was let in, where the bot was put."""

from handlers.telegram.catalogue import ENGLISH, text
from handlers.telegram.commands.access import question
from services.access import ACCESS_DECISION, ACCESS_QUESTION
from services.membership import MEMBERSHIP
from services.post import Post
from storage.outbox import OutboxItem
from storage.stores import Stores

NOTICES = (ACCESS_QUESTION, ACCESS_DECISION, MEMBERSHIP)
"""The kinds of messages that are worded here."""


def notice(stores: Stores, item: OutboxItem) -> Post:
    """The wording of a row of one of the kinds in NOTICES, in its reader's language."""
    reader, told = stores.users.by_telegram_id(item.chat_telegram_id), item.payload
    language = ENGLISH if reader is None else reader.language
    if item.kind == ACCESS_QUESTION and reader is not None:
        return question(stores, reader, int(str(told["telegram_id"])), str(told["name"]), item.created_ms)
    if item.kind == ACCESS_DECISION:
        return Post(text(language, "access.let_in"))
    key = "membership.joined" if told["is_open"] else "membership.left"
    facts = {name: str(told[name]) for name in ("chat_id", "kind", "title", "by", "by_name")}
    return Post(text(language, key, **facts))
