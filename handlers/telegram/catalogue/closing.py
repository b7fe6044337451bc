"""The texts of closing a position by hand."""

TEXTS = {
    "about.close": {"en": "close a position of the account", "bg": "затвори позиция на сметката"},
    "ask.close": {
        "en": "Write it like /close 12: the id that stands in /positions. /close 12 last closes a position of a pair "
        "that has no candles any more.",
        "bg": "Напиши го като /close 12: номерът от /positions. /close 12 last затваря позиция на двойка, която вече "
        "няма свещи.",
    },
    "close.button": {"en": "Close it", "bg": "Затвори я"},
    "close.question": {
        "en": "Position {id}: <b>{symbol}</b> {side} from {entry}, now at {result} before costs.",
        "bg": "Позиция {id}: <b>{symbol}</b> {side} от {entry}, сега на {result} преди разходи.",
    },
    "close.last": {
        "en": "⚠️ The last price is {price} of {at}, {age} old, and no candles come: {why}",
        "bg": "⚠️ Последната цена е {price} от {at}, отпреди {age}, и свещи не идват: {why}",
    },
    "close.offer": {
        "en": "/close {id} last closes it at that price, less slippage.",
        "bg": "/close {id} last я затваря на тази цена, минус приплъзването.",
    },
    "action.at_last": {
        "en": "Close position {argument} at its last known price, however old.",
        "bg": "Затваряне на позиция {argument} на последната известна цена, колкото и стара да е.",
    },
    "action.close": {"en": "Close position {argument}.", "bg": "Затваряне на позиция {argument}."},
    "close.none": {
        "en": "The account has no open position {id}; /positions shows those it has.",
        "bg": "Сметката няма отворена позиция {id}; /positions показва отворените.",
    },
    "close.again": {"en": "Position {id} was closed by hand already.", "bg": "Позиция {id} вече е затворена ръчно."},
    "close.done": {
        "en": "Position {id} is closed at {price}: {result} after costs.",
        "bg": "Позиция {id} е затворена на {price}: {result} след разходи.",
    },
}
