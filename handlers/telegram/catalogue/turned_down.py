"""The texts of what was turned down."""

TEXTS = {
    "about.whynot": {"en": "what was turned down today, and why", "bg": "какво е отхвърлено днес и защо"},
    "ask.whynot": {
        "en": "Write it like /whynot or /whynot BTCUSDT.",
        "bg": "Напиши го като /whynot или /whynot BTCUSDT.",
    },
    "whynot.no_look": {"en": "No series was looked at today yet.", "bg": "Днес още не е гледано нищо."},
    "whynot.everywhere": {"en": "All pairs", "bg": "Всички двойки"},
    "whynot.where": {"en": "Pair #{symbol}", "bg": "Двойка #{symbol}"},
    "whynot.head": {
        "en": "<b>{where}</b> since {since}: {looks} looks; {sent} signals sent in all.",
        "bg": "<b>{where}</b> от {since}: {looks} прегледа; общо {sent} изпратени сигнала.",
    },
    "whynot.nothing": {"en": "No setup was turned down.", "bg": "Няма отхвърлен сетъп."},
    "whynot.look": {
        "en": "{count}× {why} – last #{symbol} {timeframe}",
        "bg": "{count}× {why} – последно #{symbol} {timeframe}",
    },
    "whynot.gate": {
        "en": "{count}× {why} – last {name} #{symbol} {timeframe}",
        "bg": "{count}× {why} – последно {name} #{symbol} {timeframe}",
    },
    "whynot.before": {
        "en": "{count} looks ended at: {stage}",
        "bg": "{count} прегледа спряха на: {stage}",
    },
}
