"""The texts of backtests."""

TEXTS = {
    "about.backtest": {
        "en": "judge the engine on the book's candles, like /backtest BTCUSDT 1h",
        "bg": "оцени системата върху свещите в книгата, например /backtest BTCUSDT 1h",
    },
    "about.backtest_results": {
        "en": "kept backtests; two ids compare them",
        "bg": "запазени бектестове; два номера ги сравняват",
    },
    "ask.backtest": {
        "en": "Write it like /backtest, /backtest BTCUSDT 1h, /backtest all 4h or /backtest candles/BTCUSDT-1h.csv.",
        "bg": "Напиши го като /backtest, /backtest BTCUSDT 1h, /backtest all 4h или /backtest candles/BTCUSDT-1h.csv.",
    },
    "ask.backtest_results": {
        "en": "Write it like /backtest_results, or with one or two ids of it behind it.",
        "bg": "Напиши го като /backtest_results, или с един или два номера от него.",
    },
    "backtest.nobody": {"en": "Nobody runs backtests here.", "bg": "Тук никой не прави бектестове."},
    "backtest.busy": {
        "en": "One runs already; it says when it is done.",
        "bg": "Един вече върви; ще каже кога е готов.",
    },
    "backtest.begun": {"en": "Begun; I say when it is done.", "bg": "Започна; ще кажа, когато е готов."},
    "backtest.no_file": {
        "en": "There is no such file below {folder}.",
        "bg": "Няма такъв файл в {folder}.",
    },
    "backtest.none": {"en": "No backtest was kept yet.", "bg": "Още няма запазен бектест."},
    "backtest.how": {
        "en": "<code>/backtest_results ID ID</code> compares two.",
        "bg": "<code>/backtest_results ID ID</code> сравнява два.",
    },
    "backtest.run": {
        "en": "<b>{id}</b> {name}, {since} to {until}",
        "bg": "<b>{id}</b> {name}, от {since} до {until}",
    },
    "backtest.done": {
        "en": "The backtest is done: <code>/backtest_results {id}</code>",
        "bg": "Бектестът е готов: <code>/backtest_results {id}</code>",
    },
    "backtest.failed": {"en": "The backtest gave nothing: {reason}.", "bg": "Бектестът не даде нищо: {reason}."},
    "table.day": {"en": "day", "bg": "ден"},
    "table.first": {"en": "first", "bg": "първи"},
    "table.second": {"en": "second", "bg": "втори"},
}
