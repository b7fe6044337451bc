"""The texts of the bot itself."""

TEXTS = {
    "about.settings": {"en": "settings, and what was changed", "bg": "настройките и какво е променено"},
    "about.import": {
        "en": "what an import of an older bot's files would bring",
        "bg": "какво би донесъл внос от стар бот",
    },
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
    "ask.import": {
        "en": "Write it like /import old_bot: a folder on the machine the bot runs on.",
        "bg": "Напиши го като /import old_bot: папка на машината, на която работи ботът.",
    },
    "import.how": {
        "en": "Nothing was written. To import: stop the bot, run <code>python bot.py import-legacy {folder}</code>, start it.",
        "bg": "Нищо не е записано. За внос: спри бота, пусни <code>python bot.py import-legacy {folder}</code>, стартирай го.",
    },
    "table.file": {"en": "file", "bg": "файл"},
    "table.records": {"en": "all", "bg": "общо"},
    "table.good": {"en": "good", "bg": "добри"},
    "table.bad": {"en": "bad", "bg": "лоши"},
}
