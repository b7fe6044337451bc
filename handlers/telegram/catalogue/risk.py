"""The texts of what limits risk."""

TEXTS = {
    "about.risk": {"en": "what limits risk; changes it", "bg": "какво ограничава риска; променя го"},
    "ask.risk": {
        "en": "Write it like /risk set account.risk_ratio 0.005, or default for its value; /risk shows the names.",
        "bg": "Напиши го като /risk set account.risk_ratio 0.005, или default вместо числото; /risk показва имената.",
    },
    "risk.line": {
        "en": "<code>{name}</code> <b>{value}</b> ({least} to {most})",
        "bg": "<code>{name}</code> <b>{value}</b> (от {least} до {most})",
    },
    "risk.changed": {"en": "{line}, without the change {default}", "bg": "{line}, без промяната {default}"},
    "risk.how": {
        "en": "<code>/risk set account.risk_ratio 0.005</code> changes one from the next decision on.",
        "bg": "<code>/risk set account.risk_ratio 0.005</code> променя едно от следващото решение нататък.",
    },
    "risk.refused": {"en": "That cannot be set: {why}.", "bg": "Това не може да се зададе: {why}."},
    "risk.done": {
        "en": "{name} is {value} from the next decision on; its default is {default}.",
        "bg": "{name} е {value} от следващото решение нататък; по подразбиране е {default}.",
    },
}
