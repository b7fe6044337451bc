"""The texts of checkpoints and of what is done to the account's positions by hand."""

TEXTS = {
    "about.checkpoints": {
        "en": "how far a position is and what its checkpoints advise; stats: what advice was worth",
        "bg": "докъде е позицията и какво съветват точките; stats: колко са стрували съветите",
    },
    "ask.checkpoints": {
        "en": "Write it like /checkpoints 12, the id from /positions, or /checkpoints stats.",
        "bg": "Напиши го като /checkpoints 12, с номера от /positions, или /checkpoints stats.",
    },
    "checkpoints.none": {
        "en": "The account has no position {id}.",
        "bg": "В сметката няма позиция {id}.",
    },
    "checkpoints.head": {
        "en": "<b>Position {id} {direction} #{symbol} {timeframe}</b> · {name}",
        "bg": "<b>Позиция {id} {direction} #{symbol} {timeframe}</b> · {name}",
    },
    "checkpoints.progress": {
        "en": "entry {entry}, stop {stop}, now {price}\n{bar} {way} % of the way to {target}",
        "bg": "вход {entry}, стоп {stop}, сега {price}\n{bar} {way} % от пътя до {target}",
    },
    "checkpoints.closed": {
        "en": "Closed: {result}.",
        "bg": "Затворена: {result}.",
    },
    "checkpoints.not_yet": {
        "en": "No checkpoint was passed yet; the first stands at {price}.",
        "bg": "Още не е мината точка; първата е на {price}.",
    },
    "checkpoints.stats": {
        "en": "What advice was worth: R if all had been closed then, against R of the signal at its end.",
        "bg": "Колко са стрували съветите: R, ако всичко беше затворено тогава, срещу R на сигнала накрая.",
    },
    "checkpoints.no_stats": {
        "en": "No signal that was advised on has ended yet.",
        "bg": "Още не е приключил сигнал, за който е имало съвет.",
    },
    "checkpoints.few": {
        "en": "* fewer than {least}: too few to judge",
        "bg": "* под {least}: твърде малко за преценка",
    },
    "table.way": {"en": "way", "bg": "път"},
    "table.price": {"en": "price", "bg": "цена"},
    "table.delta": {"en": "conf", "bg": "увер."},
    "table.rr": {"en": "RR", "bg": "RR"},
    "table.advice": {"en": "advice", "bg": "съвет"},
    "table.n": {"en": "n", "bg": "бр."},
    "table.then": {"en": "then", "bg": "тогава"},
    "table.end": {"en": "end", "bg": "край"},
    "advice.HOLD": {"en": "hold", "bg": "дръж"},
    "advice.PARTIAL_CLOSE": {"en": "take a part", "bg": "вземи част"},
    "advice.MOVE_SL": {"en": "move the stop", "bg": "премести стопа"},
    "advice.CLOSE_NOW": {"en": "close now", "bg": "затвори сега"},
    "advice.short.HOLD": {"en": "hold", "bg": "дръж"},
    "advice.short.PARTIAL_CLOSE": {"en": "part", "bg": "част"},
    "advice.short.MOVE_SL": {"en": "stop", "bg": "стоп"},
    "advice.short.CLOSE_NOW": {"en": "close", "bg": "затвори"},
    "advice.head": {
        "en": "🧭 {head} at {level} % of its way: <b>{advice}</b>",
        "bg": "🧭 {head} на {level} % от пътя: <b>{advice}</b>",
    },
    "advice.passed": {
        "en": "Passed in one candle: {levels} %",
        "bg": "Минати в една свещ: {levels} %",
    },
    "advice.numbers": {
        "en": "price {price}, stop {stop}, {r_now} if closed now",
        "bg": "цена {price}, стоп {stop}, {r_now}, ако се затвори сега",
    },
    "advice.r_now": {"en": "{r_now} if closed now", "bg": "{r_now}, ако се затвори сега"},
    "advice.judged": {
        "en": "confidence {confidence} ({delta}), RR left {rr_left}",
        "bg": "увереност {confidence} ({delta}), оставащ RR {rr_left}",
    },
    "advice.place": {"en": "stop to {better_stop}", "bg": "стоп на {better_stop}"},
    "advice.foot": {"en": "{name} · position {position} · {at}", "bg": "{name} · позиция {position} · {at}"},
    "advice.told": {"en": "{name} · {at}", "bg": "{name} · {at}"},
    "rule.structure_broken": {
        "en": "structure broke against it",
        "bg": "структурата се счупи срещу нея",
    },
    "rule.bias_flipped": {
        "en": "the higher timeframe has turned against it",
        "bg": "по-високият период се обърна срещу нея",
    },
    "rule.confidence_gone": {"en": "its confidence is gone", "bg": "увереността се изпари"},
    "rule.swept_against": {
        "en": "the liquidity ahead was swept and price displaced against it",
        "bg": "ликвидността напред беше пометена и цената се измести срещу нея",
    },
    "rule.confidence_fell": {
        "en": "its confidence fell late on the way",
        "bg": "увереността спадна късно по пътя",
    },
    "rule.little_left": {
        "en": "little reward is left for what the stop risks",
        "bg": "остава малка печалба за риска до стопа",
    },
    "rule.stop_may_follow": {
        "en": "it holds well; the stop may follow",
        "bg": "държи се добре; стопът може да я последва",
    },
    "rule.nothing_changed": {"en": "nothing calls for a change", "bg": "нищо не налага промяна"},
    "rule.not_judged": {
        "en": "it could not be judged: {reason}",
        "bg": "не можа да се прецени: {reason}",
    },
    "advice.close": {"en": "Close", "bg": "Затвори"},
    "advice.part": {"en": "Take a part", "bg": "Вземи част"},
    "advice.stop": {"en": "Stop to {stop}", "bg": "Стоп на {stop}"},
    "advice.hold": {"en": "Hold", "bg": "Дръж"},
    "action.cp_close": {
        "en": "close position {argument} % for good",
        "bg": "затваряне на позиция {argument} % докрай",
    },
    "action.cp_part": {
        "en": "take a part of position {argument} %",
        "bg": "вземане на част от позиция {argument} %",
    },
    "hand.closed": {
        "en": "Position {id} is closed at {price}: {result}.",
        "bg": "Позиция {id} е затворена на {price}: {result}.",
    },
    "hand.part": {
        "en": "A part of position {id} is taken; {left} % of it stays open.",
        "bg": "Взета е част от позиция {id}; остава отворена {left} % от нея.",
    },
    "hand.stop": {"en": "The stop of position {id} stands at {stop}.", "bg": "Стопът на позиция {id} е на {stop}."},
    "hand.hold": {"en": "Position {id} is held.", "bg": "Позиция {id} се държи."},
    "hand.again": {"en": "That was done already.", "bg": "Това вече е направено."},
    "hand.gone": {"en": "The account has no open position {id}.", "bg": "В сметката няма отворена позиция {id}."},
    "hand.NOT_OPEN": {
        "en": "Only an open position can be changed.",
        "bg": "Само отворена позиция може да се променя.",
    },
    "hand.NO_PART": {
        "en": "A part is more than nothing and less than all.",
        "bg": "Частта е повече от нищо и по-малко от всичко.",
    },
    "hand.NOT_TOWARDS_PROFIT": {
        "en": "A stop is only moved towards profit; it stands at {standing}.",
        "bg": "Стопът се мести само към печалбата; сега е на {standing}.",
    },
    "hand.HIT_AT_ONCE": {
        "en": "Price stands at {standing}; the stop would be hit at once.",
        "bg": "Цената е {standing}; стопът би бил ударен веднага.",
    },
    "hand.NO_PRICE": {
        "en": "The last price is {standing} minutes old; try again when candles come.",
        "bg": "Последната цена е отпреди {standing} минути; опитай пак, когато дойдат свещи.",
    },
    "managed.hand_close": {
        "en": "✋ {head} {how} in the account: {result}",
        "bg": "✋ {head} {how} в сметката: {result}",
    },
    "managed.late": {
        "en": "⚠️ booked at the last price there was, of {at}; no candles have come since",
        "bg": "⚠️ записано на последната налична цена, от {at}; оттогава няма свещи",
    },
    "managed.hand_part": {
        "en": "✋ {head} {share} taken off in the account",
        "bg": "✋ {head} {share} взети в сметката",
    },
    "managed.hand_stop": {
        "en": "✋ {head} stop moved in the account, it keeps {result}",
        "bg": "✋ {head} стопът е преместен в сметката, пази {result}",
    },
    "managed.foot": {
        "en": "{name} goes on for the record · {at}",
        "bg": "{name} продължава за статистиката · {at}",
    },
}
