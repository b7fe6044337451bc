"""The texts of the public record: what became of all signals, the proof of one, and the morning's digest."""

TEXTS = {
    "about.record": {
        "en": "what became of all signals that were sent, at 1R each",
        "bg": "какво стана с всички изпратени сигнали, по 1R",
    },
    "about.verify": {
        "en": "the proof that the record was not rewritten, and what it says of a signal",
        "bg": "доказателство, че записът не е пренаписван, и какво казва за един сигнал",
    },
    "ask.record": {
        "en": "Write it like /record 30d: one of {periods}.",
        "bg": "Пиши например /record 30d: едно от {periods}.",
    },
    "ask.verify": {"en": "Write it like /verify S-12.", "bg": "Пиши например /verify S-12."},
    "record.head": {
        "en": "<b>The record, {period}</b>: every signal sent, 1R each, after costs",
        "bg": "<b>Записът, {period}</b>: всеки изпратен сигнал, по 1R, след разходите",
    },
    "record.period.7d": {"en": "last 7 days", "bg": "последните 7 дни"},
    "record.period.30d": {"en": "last 30 days", "bg": "последните 30 дни"},
    "record.period.all": {"en": "since the beginning", "bg": "от самото начало"},
    "record.button.7d": {"en": "7 days", "bg": "7 дни"},
    "record.button.30d": {"en": "30 days", "bg": "30 дни"},
    "record.button.all": {"en": "all", "bg": "всичко"},
    "record.signals": {"en": "signals", "bg": "сигнали"},
    "record.sent": {"en": "sent", "bg": "изпратени"},
    "record.waiting": {"en": "waiting", "bg": "чакат"},
    "record.expired": {"en": "expired, not filled", "bg": "изтекли, неизпълнени"},
    "record.cancelled": {"en": "target before entry", "bg": "цел преди входа"},
    "record.filled": {"en": "filled", "bg": "изпълнени"},
    "record.open": {"en": "open", "bg": "отворени"},
    "record.win": {"en": "won", "bg": "спечелени"},
    "record.loss": {"en": "lost", "bg": "загубени"},
    "record.break_even": {"en": "break-even", "bg": "на нула"},
    "record.target_1_then_break_even": {"en": "target 1, then entry", "bg": "цел 1, после входа"},
    "record.missed": {"en": "missed (told too late)", "bg": "пропуснати (късно)"},
    "record.none": {"en": "Nothing was sent in that time.", "bg": "През това време не е изпратено нищо."},
    "record.too_few": {
        "en": "Too few to judge: {closed} closed, {enough} are needed. So far {total}R in all.",
        "bg": "Твърде малко за преценка: {closed} затворени, нужни са {enough}. Дотук общо {total}R.",
    },
    "record.expectancy": {
        "en": "Expectancy <b>{value}R</b> a closed signal (95 %: {low}R to {high}R), profit factor {factor}, {total}R in all.",
        "bg": "Очакване <b>{value}R</b> на затворен сигнал (95 %: от {low}R до {high}R), профит фактор {factor},"
        " общо {total}R.",
    },
    "record.chain": {
        "en": "Head {head}; /verify S-12 shows the proof of one signal.",
        "bg": "Връх {head}; /verify S-12 показва доказателството за един сигнал.",
    },
    "record.short": {
        "en": "{period}: {sent} sent, {won} won, {half} target 1 then entry, {even} break-even, {lost} lost, {unfilled}"
        " not filled; {total}R",
        "bg": "{period}: {sent} изпратени, {won} спечелени, {half} цел 1 и вход, {even} на нула, {lost} загубени,"
        " {unfilled} неизпълнени; {total}R",
    },
    "verify.of": {"en": "<b>S-{id}</b> in the record:", "bg": "<b>S-{id}</b> в записа:"},
    "verify.row": {
        "en": "{seq}. {kind}, {at}, <code>{hash}</code>{note}",
        "bg": "{seq}. {kind}, {at}, <code>{hash}</code>{note}",
    },
    "verify.levels": {
        "en": "told as {direction} #{symbol} {timeframe}: entry {entry}, stop {stop}, targets {targets}",
        "bg": "обявен като {direction} #{symbol} {timeframe}: вход {entry}, стоп {stop}, цели {targets}",
    },
    "verify.result": {"en": "told with {r}R, {reason}", "bg": "обявен с {r}R, {reason}"},
    "verify.unsure": {"en": ", unknown whether it arrived", "bg": ", не е ясно дали е пристигнал"},
    "verify.resend": {"en": ", sent again after {seq}", "bg": ", изпратен пак след {seq}"},
    "verify.account": {"en": ", of the paper account", "bg": ", на хартиената сметка"},
    "verify.not_told": {
        "en": "The public channel was told nothing of S-{id}.",
        "bg": "Публичният канал не е чувал нищо за S-{id}.",
    },
    "verify.whole": {
        "en": "✅ All {count} rows of the record are unbroken up to the head\n<code>{head}</code>",
        "bg": "✅ Всички {count} реда на записа са непрекъснати до върха\n<code>{head}</code>",
    },
    "verify.broken": {
        "en": "❌ The record is broken after {count} rows: {difference}",
        "bg": "❌ Записът е прекъснат след {count} реда: {difference}",
    },
    "kind.SIGNAL": {"en": "signal", "bg": "сигнал"},
    "kind.ENTRY": {"en": "filled", "bg": "изпълнен"},
    "kind.TARGET": {"en": "target", "bg": "цел"},
    "kind.STOP_MOVED": {"en": "stop moved", "bg": "преместен стоп"},
    "kind.CLOSE": {"en": "close", "bg": "затваряне"},
    "kind.EXPIRED": {"en": "expired", "bg": "изтекъл"},
    "kind.CANCELLED": {"en": "cancelled", "bg": "отменен"},
    "kind.MISSED": {"en": "missed", "bg": "пропуснат"},
    "kind.CORRECTION": {"en": "correction", "bg": "поправка"},
    "digest.head": {"en": "📒 <b>{day}</b>", "bg": "📒 <b>{day}</b>"},
    "digest.day": {
        "en": "{sent} sent, {filled} filled, {missed} missed",
        "bg": "{sent} изпратени, {filled} изпълнени, {missed} пропуснати",
    },
    "digest.ended": {
        "en": "ended: {won} won, {half} target 1 then entry, {even} break-even, {lost} lost, {unfilled} not filled",
        "bg": "приключили: {won} спечелени, {half} цел 1 и вход, {even} на нула, {lost} загубени, {unfilled} неизпълнени",
    },
    "digest.total": {"en": "closed for {total}R in all", "bg": "затворени общо за {total}R"},
    "digest.quiet": {"en": "nothing closed", "bg": "нищо не е затворено"},
    "digest.chain": {
        "en": "The record has {count} rows; its head is\n<code>{head}</code>",
        "bg": "Записът има {count} реда; върхът му е\n<code>{head}</code>",
    },
}
