"""The words of the trade: directions, setups, how positions end, what a finding is called."""

TEXTS = {
    "direction.LONG": {"en": "LONG", "bg": "LONG"},
    "direction.SHORT": {"en": "SHORT", "bg": "SHORT"},
    "setup.sweep_displacement": {"en": "sweep + displacement", "bg": "помитане + изместване"},
    "setup.breaker_mss": {
        "en": "breaker + market structure shift",
        "bg": "брейкър + смяна на структурата",
    },
    "setup.ob_fvg_discount": {"en": "order block + fair value gap", "bg": "ордер блок + празнина (FVG)"},
    "setup.liquidity_rejection": {"en": "liquidity taken + rejection", "bg": "взета ликвидност + отхвърляне"},
    "setup.sweep_ob_reaction": {"en": "sweep into order block", "bg": "помитане до ордер блок"},
    "setup.silver_bullet": {"en": "silver bullet", "bg": "сребърен куршум"},
    "setup.judas_swing": {"en": "Judas swing", "bg": "Юдина люлка"},
    "market.spot": {"en": "spot", "bg": "спот"},
    "market.usdt-m": {"en": "USDT-M futures", "bg": "USDT-M фючърси"},
    "close_reason.STOP_LOSS": {"en": "stopped out", "bg": "затворена от стопа"},
    "close_reason.BREAK_EVEN": {"en": "stopped at break-even", "bg": "затворена на нула"},
    "close_reason.TRAILING_STOP": {"en": "stopped by the trailing stop", "bg": "затворена от плъзгащия стоп"},
    "close_reason.TAKE_PROFIT": {"en": "last target reached", "bg": "достигната последна цел"},
    "close_reason.EOD_CLOSE": {"en": "closed at the end of the day", "bg": "затворена в края на деня"},
    "close_reason.TIME_LIMIT": {"en": "closed by the time limit", "bg": "затворена по време"},
    "close_reason.CHECKPOINT": {"en": "closed at a checkpoint", "bg": "затворена на контролна точка"},
    "close_reason.MANUAL": {"en": "closed by hand", "bg": "затворена ръчно"},
    "close_reason.OPPOSITE_SIGNAL": {
        "en": "closed by an opposite signal",
        "bg": "затворена от обратен сигнал",
    },
    "close_reason.LIQUIDATION": {"en": "liquidated", "bg": "ликвидирана"},
    "close_reason.IMPORT": {"en": "closed", "bg": "затворена"},
}
