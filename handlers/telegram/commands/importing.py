"""An older bot's files brought in from the chat: /import shows what they hold, its button writes it, asking twice."""

from pathlib import Path

from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import joined
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from handlers.telegram.receipts import receipt_lines
from services.import_desk import ImportDesk, ImportRefused, facts_of
from storage.users import Role

IMPORT = "import"


async def import_(desk: Desk, asked: Asked) -> Answer:
    """What the files of a folder would bring, with the button that brings it in."""
    if not asked.words:
        raise CommandError("import.no_folder")
    folder = Path(" ".join(asked.words))
    try:
        offer = await _imports(desk).offer(folder)
    except ImportRefused as refused:
        raise CommandError(f"import.{refused.key}", **refused.values) from refused
    if not offer.report.files:
        return Answer(asked.say("import.nothing", folder=str(folder)))
    with desk.book.reading() as view:
        mint = Mint.of(view, desk.now_ms())
    button = mint.button(asked.say("import.button"), IMPORT, offer.key, asked.user.telegram_id)
    lines = [asked.say("import.offer"), *receipt_lines(asked.user.language, facts_of(offer.report))]
    return Answer(joined(lines), ((button,),))


async def import_pressed(desk: Desk, press: Pressed) -> Answer:
    """Bring them in; the receipt follows."""
    chat = await desk.writer.run(lambda tx: tx.chats.ensure(press.chat.id, press.chat.kind, press.chat.topic_id))
    try:
        _imports(desk).start(press.argument, chat.id)
    except ImportRefused as refused:
        raise CommandError(f"import.{refused.key}", **refused.values) from refused
    return Answer(press.asked.say("import.begun"))


def _imports(desk: Desk) -> ImportDesk:
    if desk.imports is None:
        raise CommandError("import.nobody")
    return desk.imports


COMMANDS = (Command("import", "FOLDER", "about.import", Role.OWNER, import_),)
ACTIONS = (Action(IMPORT, Role.OWNER, import_pressed, changes=True, destructive=True),)
