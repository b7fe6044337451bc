"""The texts of what a chat hears."""

TEXTS = {
    "about.follow": {"en": "a private copy of every signal", "bg": "лично копие на всеки сигнал"},
    "about.alerts": {"en": "what this chat hears, and how loudly", "bg": "какво чува този чат и колко силно"},
    "about.mute": {"en": "no new signals here for a while", "bg": "без нови сигнали тук за известно време"},
    "ask.follow": {"en": "Write it like /follow or /follow off.", "bg": "Напиши го като /follow или /follow off."},
    "follow.on": {
        "en": "You get a copy of every signal that fits your /alerts, and everything that becomes of it.",
        "bg": "Получаваш копие на всеки сигнал, който отговаря на твоите /alerts, и всичко, което става с него.",
    },
    "follow.off": {
        "en": "No more copies; what became of those you have still comes.",
        "bg": "Без повече копия; какво става с получените все пак идва.",
    },
    "follow.pressed": {
        "en": "From the next signal after {name} on you get copies; /follow off ends that.",
        "bg": "От следващия сигнал след {name} получаваш копия; /follow off спира това.",
    },
    "ask.mute": {
        "en": "Write it like /mute 30m, /mute 8h, /mute 2d or /mute off.",
        "bg": "Напиши го като /mute 30m, /mute 8h, /mute 2d или /mute off.",
    },
    "mute.on": {"en": "Muted until {until}.", "bg": "Заглушено до {until}."},
    "mute.off": {"en": "Not muted.", "bg": "Не е заглушено."},
    "alerts.head": {"en": "<b>What this chat hears</b>", "bg": "<b>Какво чува този чат</b>"},
    "alerts.choice": {"en": "<code>{name}</code> {value}", "bg": "<code>{name}</code> {value}"},
    "alerts.how": {
        "en": "Change one: <code>/alerts entry off</code>, <code>/alerts symbols BTCUSDT,ETHUSDT</code>,"
        " <code>/alerts tf 1h,4h</code>, <code>/alerts score 70</code>, <code>/alerts quiet 22:00-07:00 held</code>,"
        " <code>/alerts digest 8,20</code>. Sessions: {sessions}. The end of a signal you were given always comes.",
        "bg": "Промени нещо: <code>/alerts entry off</code>, <code>/alerts symbols BTCUSDT,ETHUSDT</code>,"
        " <code>/alerts tf 1h,4h</code>, <code>/alerts score 70</code>, <code>/alerts quiet 22:00-07:00 held</code>,"
        " <code>/alerts digest 8,20</code>. Сесии: {sessions}. Краят на получен сигнал винаги идва.",
    },
    "ask.alerts": {
        "en": "Write it like /alerts close silent: one of {subjects}, then on, silent or off; /alerts alone shows the rest.",
        "bg": "Напиши го като /alerts close silent: едно от {subjects}, после on, silent или off; /alerts показва всичко.",
    },
    "alerts.no_choice": {"en": "{what} cannot be chosen: {why}.", "bg": "{what} не може да се избере: {why}."},
    "alerts.not_yours": {
        "en": "What everybody here hears is decided by those with the role {role}.",
        "bg": "Какво чуват всички тук се решава от роля {role}.",
    },
    "alerts.no_channel": {"en": "There is no channel.", "bg": "Няма канал."},
}
