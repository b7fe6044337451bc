"""The texts around every command: what it is for, how it is asked, and why it was not answered."""

TEXTS = {
    "about.start": {"en": "what this bot does, and whether it runs", "bg": "какво прави ботът и работи ли"},
    "about.help": {"en": "every command", "bg": "всички команди"},
    "about.signal": {
        "en": "what the engine sees now, like /signal BTCUSDT 1h",
        "bg": "какво се вижда сега, например /signal BTCUSDT 1h",
    },
    "about.positions": {"en": "open positions and waiting orders", "bg": "отворени позиции и чакащи поръчки"},
    "about.journal": {
        "en": "the last signals and what became of them",
        "bg": "последните сигнали и какво стана с тях",
    },
    "about.account": {"en": "the paper account", "bg": "хартиената сметка"},
    "about.health": {"en": "whether everything works", "bg": "работи ли всичко"},
    "about.pause": {"en": "send no signals until /resume", "bg": "не изпращай сигнали до /resume"},
    "about.resume": {"en": "send signals again", "bg": "изпращай сигнали отново"},
    "help.line": {"en": "{usage} – {about}", "bg": "{usage} – {about}"},
    "start.what": {
        "en": "This is Onebook. I watch pairs on closed candles, post ICT setups, follow each to its end on paper, and"
        " keep everything in one book. {state}",
        "bg": "Това е Onebook. Следя двойки по затворени свещи, публикувам ICT сетъпи, проследявам всеки докрай на"
        " хартия и пазя всичко в една книга. {state}",
    },
    "start.running": {"en": "I am running.", "bg": "Работя."},
    "start.paused": {"en": "I am paused: {reason}.", "bg": "На пауза съм: {reason}."},
    "refused.role": {
        "en": "/{name} is for those with the role {role}; yours is {yours}.",
        "bg": "/{name} е за роля {role}; твоята е {yours}.",
    },
    "refused.button_role": {
        "en": "This button is for those with the role {role}; yours is {yours}.",
        "bg": "Този бутон е за роля {role}; твоята е {yours}.",
    },
    "refused.rate": {
        "en": "That is too much at once: {limit} questions a minute. Ask again in a minute.",
        "bg": "Твърде много наведнъж: до {limit} въпроса в минута. Опитай пак след минута.",
    },
    "refused.late": {
        "en": "/{name} was given {minutes} min ago, while I was away; it was not done. Give it again if you still want it.",
        "bg": "/{name} е от преди {minutes} мин, докато ме нямаше; не е изпълнена. Дай я пак, ако още я искаш.",
    },
    "refused.unknown": {
        "en": "There is no such command; /help lists all of them.",
        "bg": "Няма такава команда; /help ги изброява всичките.",
    },
    "refused.defect": {
        "en": "That failed on my side; the log says why.",
        "bg": "Това се провали при мен; в лога пише защо.",
    },
    "refused.book": {
        "en": "The book cannot be written now, so nothing was changed. The log says why; ask again once that is put right.",
        "bg": "Сега в книгата не може да се пише и нищо не е променено. В лога пише защо; опитай пак, когато се оправи.",
    },
    "refused.market": {"en": "{reason}", "bg": "{reason}"},
    "ask.alone": {
        "en": "/{name} stands alone; there is nothing to write behind it.",
        "bg": "/{name} стои сама; след нея не се пише нищо.",
    },
    "ask.series": {
        "en": "Write it like /{name} BTCUSDT 1h: a symbol and a timeframe.",
        "bg": "Напиши го като /{name} BTCUSDT 1h: символ и таймфрейм.",
    },
    "ask.timeframe": {
        "en": "{text} is no timeframe; ask for one of {known}.",
        "bg": "{text} не е таймфрейм; избери от {known}.",
    },
    "ask.unwatched": {
        "en": "Signals are not made on {text}; ask for one of {known}.",
        "bg": "На {text} не се правят сигнали; избери от {known}.",
    },
    "ask.count": {
        "en": "Write it like /{name} 20: how many, 1 to {most}.",
        "bg": "Напиши го като /{name} 20: колко, от 1 до {most}.",
    },
    "button.old": {
        "en": "This button is of an older version; ask anew.",
        "bg": "Този бутон е от по-стара версия; попитай отново.",
    },
    "button.expired": {"en": "This button has expired; ask anew.", "bg": "Бутонът изтече; попитай отново."},
    "button.used": {"en": "This button was used already.", "bg": "Бутонът вече е използван."},
    "button.not_yours": {"en": "This button is somebody else's.", "bg": "Този бутон не е твой."},
    "button.forged": {"en": "This button is not one of mine.", "bg": "Този бутон не е мой."},
    "button.yes": {"en": "Yes, do it", "bg": "Да, направи го"},
    "button.no": {"en": "No", "bg": "Не"},
    "button.back": {"en": "◀ Back", "bg": "◀ Назад"},
    "button.next": {"en": "Next ▶", "bg": "Напред ▶"},
    "button.sure": {"en": "Are you sure? {what}", "bg": "Сигурен ли си? {what}"},
    "button.left": {"en": "Left as it is.", "bg": "Остава както е."},
    "page.of": {"en": "page {page} of {pages}", "bg": "страница {page} от {pages}"},
}
