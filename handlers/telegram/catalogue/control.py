"""The texts of pausing and going on."""

TEXTS = {
    "pause.all": {"en": "Paused", "bg": "На пауза"},
    "pause.symbol": {"en": "#{symbol} paused", "bg": "#{symbol} на пауза"},
    "pause.until": {"en": "until {until}", "bg": "до {until}"},
    "pause.open": {"en": "until /resume", "bg": "до /resume"},
    "pause.done": {
        "en": "{what} {until}: signals are decided and kept, none is sent.",
        "bg": "{what} {until}: сигналите се решават и пазят, но не се изпращат.",
    },
    "resume.done": {"en": "Running again.", "bg": "Работя отново."},
    "resume.running": {"en": "I was not paused.", "bg": "Не бях на пауза."},
    "ask.resume": {
        "en": "Write it like /resume or /resume BTCUSDT.",
        "bg": "Напиши го като /resume или /resume BTCUSDT.",
    },
}
