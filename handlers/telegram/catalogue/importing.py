"""The texts of importing an older bot's files."""

TEXTS = {
    "about.import": {
        "en": "bring in an older bot's files; shown first",
        "bg": "внасяне на файловете на стар бот; първо се показват",
    },
    "import.no_folder": {
        "en": "Write it like /import old_bot: a folder on the machine the bot runs on.",
        "bg": "Напиши го като /import old_bot: папка на машината, на която работи ботът.",
    },
    "import.too_much": {
        "en": "{mb} MB are more than the {most} MB I take in beside my work: bookings and messages would wait for minutes."
        " Stop me, run <code>python bot.py import-legacy FOLDER</code>, start me.",
        "bg": "{mb} MB са повече от {most} MB, които внасям, докато работя: всичко друго би чакало минути."
        " Спри ме, пусни <code>python bot.py import-legacy FOLDER</code>, стартирай ме.",
    },
    "import.nobody": {"en": "Nobody imports here.", "bg": "Тук никой не внася."},
    "import.busy": {
        "en": "One import runs already; its receipt follows.",
        "bg": "Един внос вече върви; разписката му следва.",
    },
    "import.gone": {
        "en": "I no longer know which folder that was; ask /import again.",
        "bg": "Вече не знам коя папка беше; попитай пак с /import.",
    },
    "import.nothing": {
        "en": "There is nothing of an older bot in {folder}.",
        "bg": "В {folder} няма нищо от стар бот.",
    },
    "import.offer": {
        "en": "Tried out on an empty book; nothing is written yet. What stands in the book already is not written twice.",
        "bg": "Изпробвано върху празна книга; още нищо не е записано. Каквото вече е в книгата, не се записва втори път.",
    },
    "import.sums": {
        "en": "{files} files, {records} records: {imported} good, {duplicate} known already, {quarantined} set aside",
        "bg": "{files} файла, {records} записа: {imported} добри, {duplicate} вече известни, {quarantined} отделени",
    },
    "import.button": {"en": "Import", "bg": "Внеси"},
    "action.import": {
        "en": "Bring the records of these files into the book. Nothing takes them out again but a backup.",
        "bg": "Внасяне на записите от тези файлове в книгата. Връща ги само резервно копие.",
    },
    "import.begun": {"en": "Begun; the receipt follows.", "bg": "Започна; разписката следва."},
    "import.done": {"en": "<b>Imported</b>", "bg": "<b>Внесено</b>"},
    "import.failed": {"en": "The import stopped: {reason}.", "bg": "Вносът спря: {reason}."},
    "table.file": {"en": "file", "bg": "файл"},
    "table.records": {"en": "all", "bg": "общо"},
    "table.good": {"en": "good", "bg": "добри"},
    "table.bad": {"en": "bad", "bg": "лоши"},
}
