"""The texts of positions, orders, the journal and the account."""

TEXTS = {
    "table.id": {"en": "id", "bg": "ид"},
    "table.open": {"en": "open", "bg": "отворена"},
    "table.waiting": {"en": "waiting", "bg": "чакаща"},
    "table.entry": {"en": "entry", "bg": "вход"},
    "table.until": {"en": "valid until", "bg": "валидна до"},
    "table.r": {"en": "R", "bg": "рез. R"},
    "table.symbol": {"en": "symbol", "bg": "символ"},
    "table.tf": {"en": "tf", "bg": "тф"},
    "table.became": {"en": "became of", "bg": "какво стана"},
    "table.account": {"en": "paper", "bg": "хартиена"},
    "positions.none": {
        "en": "No open positions and no waiting orders.",
        "bg": "Няма отворени позиции и чакащи поръчки.",
    },
    "journal.empty": {
        "en": "The journal is empty: no signal was decided yet.",
        "bg": "Дневникът е празен: още няма решен сигнал.",
    },
    "journal.head": {"en": "The last {shown} of {total} signals:", "bg": "Последните {shown} от {total} сигнала:"},
    "account.balance": {"en": "balance", "bg": "баланс"},
    "account.unrealized": {"en": "unrealized", "bg": "нереализ."},
    "account.equity": {"en": "equity", "bg": "капитал"},
    "account.realized": {"en": "realized", "bg": "реализ."},
    "account.open": {"en": "open", "bg": "отворени"},
    "account.closed": {"en": "closed", "bg": "затворени"},
}
