"""The texts of signals as people ask for them."""

TEXTS = {
    "about.signals": {"en": "signals that wait for their entry", "bg": "сигнали, които чакат своя вход"},
    "about.open": {"en": "signals that are filled and not closed", "bg": "изпълнени и незатворени сигнали"},
    "about.why": {"en": "why a signal is what it is", "bg": "защо един сигнал е такъв"},
    "about.chart": {
        "en": "a chart with its zones as read now, like /chart BTCUSDT 1h",
        "bg": "графика със зоните, както се четат сега, например /chart BTCUSDT 1h",
    },
    "signals.none": {
        "en": "No signal waits for its entry. /whynot says what was turned down today.",
        "bg": "Никой сигнал не чака вход. /whynot казва какво е отхвърлено днес.",
    },
    "signals.head": {"en": "{count} waiting for their entry:", "bg": "{count} чакат своя вход:"},
    "signals.how": {"en": "/why S-ID explains one.", "bg": "/why S-ID обяснява сигнала."},
    "open.none": {"en": "No signal is filled and open.", "bg": "Няма изпълнен и отворен сигнал."},
    "open.head": {"en": "{count} open, in R before costs:", "bg": "{count} отворени, в R преди разходи:"},
    "table.part": {"en": "part", "bg": "част"},
    "table.points": {"en": "points", "bg": "точки"},
    "table.of": {"en": "of", "bg": "от"},
    "why.head": {
        "en": "<b>{direction} #{symbol} {timeframe}</b>\n{name} {status} · {setup}\ncandle closed {closed}",
        "bg": "<b>{direction} #{symbol} {timeframe}</b>\n{name} {status} · {setup}\nсвещта затвори в {closed}",
    },
    "why.reason": {"en": "• {reason}", "bg": "• {reason}"},
    "why.score": {"en": "Score {score} of 100:", "bg": "Оценка {score} от 100:"},
    "why.gates": {"en": "{passed} gates passed.", "bg": "{passed} филтъра преминати."},
    "why.stopped": {
        "en": "🚫 stopped by {gate}: {value}, limit {limit}",
        "bg": "🚫 спрян от {gate}: {value}, граница {limit}",
    },
    "ask.why": {
        "en": "Write it like /why S-12: the id that stands in a post; /journal and /signals name them.",
        "bg": "Напиши го като /why S-12: номерът от публикацията; /signals ги изброява.",
    },
    "chart.head": {
        "en": "<b>#{symbol} {timeframe}</b> at {price}, zones as read at the close of {closed}. No signal by itself.",
        "bg": "<b>#{symbol} {timeframe}</b> на {price}, зоните са прочетени при затварянето в {closed}. Това не е сигнал.",
    },
    "chart.signal": {
        "en": "Newest signal: {name}, {status}; /why {name} shows its chart.",
        "bg": "Последен сигнал: {name}, {status}; /why {name} показва графиката му.",
    },
}
