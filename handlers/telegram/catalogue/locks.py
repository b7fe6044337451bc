"""The words of locks: why nothing is sent, where, and until when; and of blackouts."""

TEXTS = {
    "lock.pause": {"en": "paused: {value}", "bg": "пауза: {value}"},
    "lock.stop_guard": {"en": "{limit} stops in a short time", "bg": "{limit} стопа за кратко време"},
    "lock.drawdown": {"en": "a fall of {limit} from the peak", "bg": "спад от {limit} от върха"},
    "lock.daily_loss": {"en": "{limit} lost today", "bg": "загуба от {limit} за деня"},
    "lock.cooldown": {"en": "a rest after a loss", "bg": "почивка след загуба"},
    "lock.low_profit": {
        "en": "its trades together at {limit} or below",
        "bg": "сделките ѝ общо на {limit} или по-малко",
    },
    "lock.blackout": {"en": "blackout: {value}", "bg": "затъмнение: {value}"},
    "lock.daily_cap": {"en": "{limit} signals in 24 hours", "bg": "{limit} сигнала за 24 часа"},
    "lock.everything": {"en": "All pairs", "bg": "Всички двойки"},
    "lock.line": {"en": "🔒 <b>{scope}</b>: {why}, until {until}", "bg": "🔒 <b>{scope}</b>: {why}, до {until}"},
    "lock.line_open": {
        "en": "🔒 <b>{scope}</b>: {why}, until somebody lifts it",
        "bg": "🔒 <b>{scope}</b>: {why}, докато някой я вдигне",
    },
    "lock.began": {"en": "{line}\nNo new signals meanwhile.", "bg": "{line}\nДотогава няма нови сигнали."},
    "lock.ended": {"en": "🔓 <b>{scope}</b>: over – {why}", "bg": "🔓 <b>{scope}</b>: край – {why}"},
}
