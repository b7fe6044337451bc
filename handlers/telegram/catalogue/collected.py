"""The words of collected signals: several in one message, and what became of those told before."""

TEXTS = {
    "collected.new": {"en": "🗞 <b>Signals: {count}</b>", "bg": "🗞 <b>Сигнали: {count}</b>"},
    "collected.over": {"en": "🏁 <b>Ended: {count}</b>", "bg": "🏁 <b>Приключили: {count}</b>"},
    "collected.signal": {
        "en": "{head}\n{name} · score {score} · entry {entry} · stop {stop} · last target {target} · until {until}",
        "bg": "{head}\n{name} · оценка {score} · вход {entry} · стоп {stop} · последна цел {target} · до {until}",
    },
    "collected.filled": {"en": "{line} · filled already", "bg": "{line} · вече изпълнен"},
    "collected.end": {"en": "{mark} {head} · {name} · {result}", "bg": "{mark} {head} · {name} · {result}"},
}
