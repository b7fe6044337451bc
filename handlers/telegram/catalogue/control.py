"""The texts of watching over the bot."""

TEXTS = {
    "health.good": {"en": "{mark} {name}: {value}", "bg": "{mark} {name}: {value}"},
    "health.line": {"en": "{mark} {name}: {value} – {detail}", "bg": "{mark} {name}: {value} – {detail}"},
    "pause.done": {
        "en": "Paused: signals are decided and kept, none is sent. /resume goes on.",
        "bg": "На пауза: сигналите се решават и пазят, но не се изпращат. /resume продължава.",
    },
    "resume.done": {"en": "Running again.", "bg": "Работя отново."},
    "resume.running": {"en": "I was not paused.", "bg": "Не бях на пауза."},
}
