"""The texts of the bot itself."""

TEXTS = {
    "about.settings": {"en": "settings, and what was changed", "bg": "настройките и какво е променено"},
    "about.logs": {"en": "the last lines of the log", "bg": "последните редове от лога"},
    "about.restart": {"en": "stop and start anew", "bg": "спри и стартирай отново"},
    "settings.started": {"en": "<b>Started with</b>", "bg": "<b>Стартиран с</b>"},
    "settings.line": {"en": "<code>{name}</code> {value}", "bg": "<code>{name}</code> {value}"},
    "settings.changed": {"en": "<b>Changed since</b>", "bg": "<b>Променено оттогава</b>"},
    "settings.unchanged": {"en": "Nothing was changed since.", "bg": "Нищо не е променяно оттогава."},
    "settings.change": {
        "en": "<code>{name}</code> {value} – {by}, {at}",
        "bg": "<code>{name}</code> {value} – {by}, {at}",
    },
    "logs.none": {"en": "There is no log yet.", "bg": "Още няма лог."},
    "logs.line": {"en": "<code>{line}</code>", "bg": "<code>{line}</code>"},
    "restart.button": {"en": "Restart", "bg": "Рестартирай"},
    "restart.question": {
        "en": "I stop and start anew, with settings and parameters read again. What happens meanwhile is caught up with.",
        "bg": "Спирам и стартирам отново, с прочетени наново настройки и параметри. Пропуснатото се наваксва.",
    },
    "action.restart": {"en": "Restart the bot.", "bg": "Рестарт на бота."},
    "restart.done": {"en": "Restarting.", "bg": "Рестартирам."},
}
