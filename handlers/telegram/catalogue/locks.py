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
    "about.locks": {"en": "what keeps signals from being sent", "bg": "какво задържа сигналите"},
    "about.unlock": {"en": "lift a lock until its next cause", "bg": "вдигни блокировка до следващата причина"},
    "about.blackout": {
        "en": "events around which nothing is sent, and one more: TIME in UTC, minutes BEFORE and AFTER",
        "bg": "събития, около които нищо не се изпраща, и още едно: TIME по UTC, минути BEFORE и AFTER",
    },
    "locks.none": {"en": "Nothing is locked; signals are sent.", "bg": "Няма блокировки; сигналите се изпращат."},
    "locks.line": {"en": "{line}\n<code>/unlock {name}</code>", "bg": "{line}\n<code>/unlock {name}</code>"},
    "unlock.ask": {
        "en": "Write it like /unlock cooldown BTCUSDT; locks are {known}.",
        "bg": "Напиши го така: /unlock cooldown BTCUSDT; блокировките са {known}.",
    },
    "unlock.unknown": {
        "en": "There is no such lock now; /locks shows those there are.",
        "bg": "Сега няма такава блокировка; /locks показва какви има.",
    },
    "unlock.done": {"en": "🔓 Lifted, until its next cause.", "bg": "🔓 Вдигната до следващата причина."},
    "blackout.none": {"en": "No events ahead.", "bg": "Няма предстоящи събития."},
    "blackout.line": {
        "en": "🗓 <b>{event}</b> · {scope} · {since} – {until}",
        "bg": "🗓 <b>{event}</b> · {scope} · от {since} до {until}",
    },
    "blackout.fault": {"en": "⚠️ In the calendar: {fault}", "bg": "⚠️ В календара: {fault}"},
    "blackout.ask": {
        "en": "Write it like /blackout 2026-01-28T19:00 30 60 FOMC, with #BTCUSDT behind it for some pairs only.",
        "bg": "Напиши го така: /blackout 2026-01-28T19:00 30 60 FOMC, с #BTCUSDT накрая само за някои двойки.",
    },
    "blackout.bad": {"en": "That cannot be: {why}.", "bg": "Това не може: {why}."},
    "lock.ended": {"en": "🔓 <b>{scope}</b>: over – {why}", "bg": "🔓 <b>{scope}</b>: край – {why}"},
}
