"""The texts of watching over the bot."""

TEXTS = {
    "about.quick_health": {
        "en": "the same at once, without the long looks",
        "bg": "същото веднага, без дългите проверки",
    },
    "health.status": {"en": "{mark} <b>{status}</b>", "bg": "{mark} <b>{status}</b>"},
    "health.good": {"en": "{mark} {name}: {value}", "bg": "{mark} {name}: {value}"},
    "health.line": {"en": "{mark} {name}: {value} – {detail}", "bg": "{mark} {name}: {value} – {detail}"},
    "health.well": {"en": "{mark} {count} checks are well", "bg": "{mark} {count} проверки са наред"},
    "health.idle": {"en": "{mark} nothing to do yet: {names}", "bg": "{mark} още няма работа: {names}"},
    "health.everything": {"en": "Every check", "bg": "Всички проверки"},
    "health.limit": {"en": "allowed: {limit}", "bg": "допустимо: {limit}"},
    "health.since": {"en": "since {since}, for {lasted}", "bg": "от {since}, вече {lasted}"},
    "health.remedy": {"en": "what to do: {remedy}", "bg": "какво да се направи: {remedy}"},
    "health.gone": {
        "en": "There is no such check any more; ask /health again.",
        "bg": "Вече няма такава проверка; попитай /health.",
    },
}
