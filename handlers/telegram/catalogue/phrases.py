"""What the engine says in English sentences, as people of other languages read it."""

TEXTS = {
    "phrase.taken": {"en": "{what} taken at {level}", "bg": "взета ликвидност: {what} при {level}"},
    "phrase.through": {"en": "{what} through {level}", "bg": "{what} през {level}"},
    "phrase.displaced_now": {"en": "displacement on this candle", "bg": "изместване на тази свещ"},
    "phrase.displaced": {"en": "displacement {bars} bars ago", "bg": "изместване преди {bars} свещи"},
    "phrase.swing": {"en": "{timeframe} {swing}", "bg": "{swing} на {timeframe}"},
    "phrase.not_reached": {"en": "the entry was not reached in time", "bg": "входът не беше достигнат навреме"},
    "phrase.target_first": {"en": "the first target came before the entry", "bg": "първата цел дойде преди входа"},
    "name.swing_high": {"en": "swing high", "bg": "връх"},
    "name.swing_low": {"en": "swing low", "bg": "дъно"},
    "name.equal_highs": {"en": "equal highs", "bg": "равни върхове"},
    "name.equal_lows": {"en": "equal lows", "bg": "равни дъна"},
    "name.buy_side_liquidity": {"en": "buy-side liquidity", "bg": "ликвидност над цената"},
    "name.sell_side_liquidity": {"en": "sell-side liquidity", "bg": "ликвидност под цената"},
    "name.previous_day_high": {"en": "previous day high", "bg": "връх от предния ден"},
    "name.previous_day_low": {"en": "previous day low", "bg": "дъно от предния ден"},
    "name.previous_week_high": {"en": "previous week high", "bg": "връх от предната седмица"},
    "name.previous_week_low": {"en": "previous week low", "bg": "дъно от предната седмица"},
    "name.asian_range": {"en": "Asian range", "bg": "азиатски диапазон"},
}
