"""What limits risk, shown and changed: /risk."""

from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from services.rules import Rule, RuleError, change, restore, rules
from storage.stores import Stores
from storage.users import Role

SET, DEFAULT = "set", "default"


async def risk(desk: Desk, asked: Asked) -> Answer:
    """Every limit people may change and its value; with `set`, one more change, from the next decision on."""
    base, now_ms = desk.hands.params, desk.now_ms()
    match asked.words:
        case ():
            with desk.book.reading() as view:
                held = rules(view, base)
            return Answer(joined([*(_line(asked, rule) for rule in held), asked.say("risk.how")]))
        case (word, name, value) if word == SET:

            def changed(tx: Stores) -> Rule:
                if value == DEFAULT:
                    return restore(tx, base, name, asked.by, now_ms)
                return change(tx, base, name, value, asked.by, now_ms)

            try:
                rule = await desk.writer.run(changed)
            except RuleError as error:
                raise CommandError("risk.refused", why=str(error)) from error
            return Answer(asked.say("risk.done", name=rule.name, value=f"{rule.value:g}", default=f"{rule.default:g}"))
    raise CommandError("ask.risk")


def _line(asked: Asked, rule: Rule) -> Markup:
    value, least, most = (f"{number:g}" for number in (rule.value, rule.bounds.least, rule.bounds.most))
    line = asked.say("risk.line", name=rule.name, value=value, least=least, most=most)
    return asked.say("risk.changed", line=line, default=f"{rule.default:g}") if rule.is_changed else line


COMMANDS = (Command("risk", "[set KEY VALUE]", "about.risk", Role.OPERATOR, risk, changes=True),)
