"""The texts of the channel: a signal's post, the line that says where it stands, and what becomes of it."""

TEXTS = {
    "post.head": {
        "en": "{arrow} <b>{direction} #{symbol} {timeframe}</b>",
        "bg": "{arrow} <b>{direction} #{symbol} {timeframe}</b>",
    },
    "post.subject": {"en": "{name} · {setup} · score {score}", "bg": "{name} · {setup} · оценка {score}"},
    "post.entry": {
        "en": "Entry <b>{entry}</b> (zone {low} – {high})",
        "bg": "Вход <b>{entry}</b> (зона {low} – {high})",
    },
    "post.stop": {"en": "Stop <b>{stop}</b> ({change})", "bg": "Стоп <b>{stop}</b> ({change})"},
    "post.target": {
        "en": "Target {no} <b>{price}</b> · {reward} · {share}",
        "bg": "Цел {no} <b>{price}</b> · {reward} · {share}",
    },
    "post.target_why": {
        "en": "Target {no} <b>{price}</b> · {reward} · {share} · {why}",
        "bg": "Цел {no} <b>{price}</b> · {reward} · {share} · {why}",
    },
    "post.promise": {
        "en": "RR {rr} · whole plan {plan} · costs {cost} · {market}",
        "bg": "RR {rr} · целият план {plan} · разходи {cost} · {market}",
    },
    "post.leverage": {
        "en": "Leverage {most}x at most: liquidation stays beyond the stop",
        "bg": "Ливъридж най-много {most}x: ликвидацията остава зад стопа",
    },
    "post.reason": {"en": "• {reason}", "bg": "• {reason}"},
    "post.invalid_below": {"en": "Invalid below {stop}", "bg": "Невалиден под {stop}"},
    "post.invalid_above": {"en": "Invalid above {stop}", "bg": "Невалиден над {stop}"},
    "post.valid": {"en": "Entry valid until {until}", "bg": "Входът важи до {until}"},
    "post.source": {"en": "{source} · candle closed {closed}", "bg": "{source} · свещ, затворена {closed}"},
    "post.record": {"en": "Record {head}", "bg": "Регистър {head}"},
    "post.missed": {
        "en": "{name} was decided {closed} and could not be sent in time. Do not trade it.",
        "bg": "{name} е от {closed} и не можа да бъде изпратен навреме. Не го търгувай.",
    },
    "post.missed_head": {"en": "⚪ MISSED {head}", "bg": "⚪ ПРОПУСНАТ {head}"},
    "post.simulated": {
        "en": "<i>simulated market, not a real one</i>",
        "bg": "<i>симулиран пазар, не истински</i>",
    },
    "post.button_chart": {"en": "Chart", "bg": "Графика"},
    "post.button_why": {"en": "Why", "bg": "Защо"},
    "post.button_follow": {"en": "Follow", "bg": "Следи"},
    "post.button_record": {"en": "Record", "bg": "Регистър"},
    "state.waiting": {"en": "⏳ waiting for the entry", "bg": "⏳ чака входа"},
    "state.open": {"en": "▶️ open", "bg": "▶️ отворена"},
    "state.target": {
        "en": "🎯 open, target {no} of {count} reached",
        "bg": "🎯 отворена, достигната цел {no} от {count}",
    },
    "state.closed": {"en": "{mark} {how}: {result}", "bg": "{mark} {how}: {result}"},
    "state.expired": {"en": "⌛ expired: {reason}", "bg": "⌛ изтекъл: {reason}"},
    "state.cancelled": {"en": "🚫 cancelled: {reason}", "bg": "🚫 отменен: {reason}"},
    "state.late": {"en": "⚠️ Sent late: it was already {what}", "bg": "⚠️ Изпратен късно: вече беше {what}"},
    "late.EXECUTED": {"en": "filled", "bg": "изпълнен"},
    "late.CLOSED": {"en": "filled and closed", "bg": "изпълнен и затворен"},
    "late.EXPIRED": {"en": "expired", "bg": "изтекъл"},
    "late.CANCELLED": {"en": "cancelled", "bg": "отменен"},
    "life.entry": {"en": "▶️ {head} filled", "bg": "▶️ {head} изпълнен вход"},
    "life.entry_planned": {
        "en": "{name} · at the planned price · {at}",
        "bg": "{name} · на планираната цена · {at}",
    },
    "life.entry_better": {
        "en": "{name} · {change} better than planned · {at}",
        "bg": "{name} · с {change} по-добре от плана · {at}",
    },
    "life.entry_worse": {
        "en": "{name} · {change} worse than planned · {at}",
        "bg": "{name} · с {change} по-лошо от плана · {at}",
    },
    "life.target": {"en": "🎯 {head} target {no} reached: {reward}", "bg": "🎯 {head} достигната цел {no}: {reward}"},
    "life.target_share": {"en": "{name} · {share} taken off · {at}", "bg": "{name} · затворени {share} · {at}"},
    "life.break_even": {"en": "🛡 {head} stop moved to break-even", "bg": "🛡 {head} стопът е преместен на входа"},
    "life.stop_moved": {"en": "🛡 {head} stop moved to {stop}", "bg": "🛡 {head} стопът е преместен на {stop}"},
    "life.when": {"en": "{name} · {at}", "bg": "{name} · {at}"},
    "life.close": {"en": "{mark} {head} {how}: {result}", "bg": "{mark} {head} {how}: {result}"},
    "life.after_target": {"en": "{how} after target {no}", "bg": "{how} след цел {no}"},
    "life.result": {
        "en": "{name} · {change} after fees, unleveraged",
        "bg": "{name} · {change} след такси, без ливъридж",
    },
    "life.path": {
        "en": "held {held} · best {best}, worst {worst} · {at}",
        "bg": "държана {held} · най-добре {best}, най-зле {worst} · {at}",
    },
    "life.expired": {"en": "⌛ {head} expired: {reason}", "bg": "⌛ {head} изтече: {reason}"},
    "life.cancelled": {"en": "🚫 {head} cancelled: {reason}", "bg": "🚫 {head} отменен: {reason}"},
}
