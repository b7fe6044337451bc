"""Learning in the chat: /ml shows which model acts and the way back, /ml_train trains one now."""

from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from services.learning import Learning
from services.model_health import ModelHealth, model_health
from services.post import Button
from services.send import NOTICE
from services.train import NoSuchModel, why_not_due
from storage.chats import ChatKind
from storage.models import MODEL_NAME, StoredModel
from storage.stores import Stores
from storage.users import Role

SHOWN = 4
BACK = "ml_back"
RULES_ALONE = "0"


async def ml(desk: Desk, asked: Asked) -> Answer:
    """Which model acts and why, the last trainings, drift, how promises were kept; buttons lead back."""
    params, now_ms = desk.hands.params, desk.now_ms()
    with desk.book.reading() as view:
        health = model_health(view, params, now_ms)
        models = view.models.all(MODEL_NAME)[:SHOWN]
        why_not = why_not_due(view, params.learning, now_ms)
        buttons = _ways_back(view, asked, models, now_ms) if desk.learning is not None else ()
    lines = [_state(asked, health)]
    lines += [_line(asked, model) for model in models]
    lines += _signs(asked, health)
    lines.append(asked.say("ml.due") if why_not is None else asked.say("ml.not_due", why=why_not))
    return Answer(joined(lines), buttons)


async def ml_train(desk: Desk, asked: Asked) -> Answer:
    """Begin a training; what comes of it is told in a message of its own."""
    learning, chat_id = _learning(desk), asked.user.telegram_id

    async def tell(what: str) -> None:
        at_ms, text = desk.now_ms(), asked.say("ml.trained", what=what)

        def queue(tx: Stores) -> None:
            chat = tx.chats.ensure(chat_id, ChatKind.PRIVATE)
            tx.outbox.queue(NOTICE, {"text": text}, f"{NOTICE}:trained:{chat_id}:{at_ms}", (chat.id,), at_ms)

        await desk.writer.run(queue)

    return Answer(asked.say("ml.training" if learning.begin(asked.by, tell) else "ml.busy"))


async def back(desk: Desk, press: Pressed) -> Answer:
    """Let the model of the button act, or none."""
    asked, wanted = press.asked, int(press.argument)
    try:
        await _learning(desk).roll_back(wanted or None, asked.by)
    except NoSuchModel as error:
        raise CommandError("ml.none") from error
    return Answer(asked.say("ml.back", id=wanted) if wanted else asked.say("ml.alone"))


def _learning(desk: Desk) -> Learning:
    if desk.learning is None:
        raise CommandError("ml.off")
    return desk.learning


def _state(asked: Asked, health: ModelHealth) -> Markup:
    if health.newest is None:
        return asked.say("ml.none")
    if health.active is None:
        return asked.say("ml.rules")
    if health.expired:
        return asked.say("ml.expired", id=health.active.id)
    weight = health.active.metrics.get("weight")
    return asked.say("ml.acts", id=health.active.id, verdict=health.active.verdict, weight=f"{weight:.2f}")


def _line(asked: Asked, model: StoredModel) -> Markup:
    when, n = asked.clock(model.trained_ms), model.n_samples
    return asked.say("ml.line", id=model.id, when=when, n=n, verdict=model.verdict)


def _signs(asked: Asked, health: ModelHealth) -> list[Markup]:
    """Drift and calibration, where a model acts."""
    if health.active is None:
        return []
    worst = health.drifted[0] if health.drifted else None
    told = [
        asked.say("ml.no_drift") if worst is None else asked.say("ml.drift", psi=f"{worst.psi:.2f}", feature=worst.name)
    ]
    if (kept := health.calibration) is not None:
        promised, won = f"{kept.mean_p:.0%}", f"{kept.win_ratio:.0%}"
        told.append(asked.say("ml.kept", n=kept.n, promised=promised, won=won))
    return told


def _ways_back(
    view: Stores, asked: Asked, models: tuple[StoredModel, ...], now_ms: int
) -> tuple[tuple[Button, ...], ...]:
    """A button for each model that does not act, and one for the rules alone while one does."""
    mint, owner = Mint.of(view, now_ms), asked.user.telegram_id
    others = [
        mint.button(asked.say("ml.button.back", id=model.id), BACK, str(model.id), owner)
        for model in models
        if not model.is_active and model.was_promoted
    ]
    alone = (
        [mint.button(asked.say("ml.button.rules"), BACK, RULES_ALONE, owner)]
        if any(m.is_active for m in models)
        else []
    )
    return tuple((button,) for button in (*others, *alone))


COMMANDS = (
    Command("ml", "", "about.ml", Role.OPERATOR, ml),
    Command("ml_train", "", "about.ml_train", Role.OPERATOR, ml_train, changes=True),
)
ACTIONS = (Action(BACK, Role.OPERATOR, back, changes=True, destructive=True),)
