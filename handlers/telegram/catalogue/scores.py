"""The texts of scores: how the account's closed trades stand, and a person's word on a coin."""

TEXTS = {
    "about.scores": {
        "en": "how coins, setups, sessions stand with the account; /scores BTCUSDT auto changes one",
        "bg": "как стоят монети, сетъпи и сесии в сметката; /scores BTCUSDT auto променя една",
    },
    "ask.scores": {
        "en": "Write it like /scores coin ({dims}), or /scores BTCUSDT normal ({words}).",
        "bg": "Напиши го като /scores coin ({dims}) или /scores BTCUSDT normal ({words}).",
    },
    "scores.none": {"en": "The account has not closed a trade yet.", "bg": "Сметката още не е затворила сделка."},
    "scores.head": {"en": "Closed trades of the account by {by}:", "bg": "Затворени сделки на сметката по {by}:"},
    "scores.how": {
        "en": "lent: won, together with what backtests of these parameters lend to a small sample."
        " The status sizes the next order.",
        "bg": "заем: спечелени, заедно с това, което бектестовете на тези параметри дават на малка извадка."
        " Статусът определя размера на следващата поръчка.",
    },
    "scores.given": {"en": "{symbol} is {status} from now on.", "bg": "Отсега {symbol} е {status}."},
    "scores.lent": {"en": "lent", "bg": "заем"},
    "scores.status": {"en": "status", "bg": "статус"},
    "scores.unknown": {"en": "new", "bg": "нов"},
    "scores.normal": {"en": "normal", "bg": "нормален"},
    "scores.reduced": {"en": "reduced", "bg": "намален"},
    "scores.favored": {"en": "favored", "bg": "предпочет"},
    "scores.blacklisted": {"en": "blocked", "bg": "спрян"},
    "scores.inactive": {"en": "inactive", "bg": "неактивен"},
}
