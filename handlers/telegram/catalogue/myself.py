"""The texts about who asks."""

TEXTS = {
    "about.lang": {"en": "the language of answers", "bg": "езикът на отговорите"},
    "about.tz": {"en": "the zone of times, like /tz Europe/Sofia", "bg": "часовата зона, например /tz Europe/Sofia"},
    "about.whereami": {"en": "the numbers of this chat and of you", "bg": "номерата на този чат и твоят"},
    "ask.lang": {
        "en": "Write it like /lang bg; the languages are {known}, yours is {now}.",
        "bg": "Напиши го като /lang en; езиците са {known}, твоят е {now}.",
    },
    "lang.done": {"en": "I speak English to you now.", "bg": "Вече ти говоря на български."},
    "ask.tz": {
        "en": "Write it like /tz Europe/Sofia: a zone of the IANA database; yours is {now}.",
        "bg": "Напиши го като /tz Europe/Sofia: зона от базата IANA; твоята е {now}.",
    },
    "tz.done": {"en": "Times are in {zone} now; it is {now}.", "bg": "Часовете вече са в {zone}; сега е {now}."},
    "whereami.chat": {"en": "chat <code>{id}</code> ({kind})", "bg": "чат <code>{id}</code> ({kind})"},
    "whereami.topic": {
        "en": "chat <code>{id}</code> ({kind}), topic <code>{topic}</code>",
        "bg": "чат <code>{id}</code> ({kind}), тема <code>{topic}</code>",
    },
    "whereami.you": {
        "en": "{chat}\nyou <code>{id}</code>, {role}\nlanguage {language}, zone {zone}\nit is {now}",
        "bg": "{chat}\nти <code>{id}</code>, {role}\nезик {language}, зона {zone}\nсега е {now}",
    },
}
