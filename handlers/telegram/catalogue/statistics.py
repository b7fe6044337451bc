"""The texts of results and jobs."""

TEXTS = {
    "about.stats": {"en": "what signals made, by symbol and more", "bg": "резултати по символ и друго"},
    "about.jobs": {"en": "the last run of every job", "bg": "последното изпълнение на всяка задача"},
    "ask.stats": {
        "en": "Write it like /stats symbol; there is {words}.",
        "bg": "Напиши го като /stats symbol; има {words}.",
    },
    "stats.none": {"en": "No sent signal has ended yet.", "bg": "Още няма приключил изпратен сигнал."},
    "stats.head": {
        "en": "{n} closed signals of those sent, by {by}, in R after costs:",
        "bg": "{n} затворени от изпратените по {by}, в R след разходи:",
    },
    "stats.few": {
        "en": "Fewer than {enough} say nothing about those to come.",
        "bg": "По-малко от {enough} не казват нищо за следващите.",
    },
    "table.what": {"en": "what", "bg": "какво"},
    "table.won": {"en": "won", "bg": "печ."},
    "table.mean": {"en": "mean", "bg": "ср."},
    "table.sum": {"en": "sum", "bg": "общо"},
    "jobs.none": {"en": "No job has run yet.", "bg": "Още не е изпълнена задача."},
    "jobs.line": {"en": "{mark} {job} · {at}", "bg": "{mark} {job} · {at}"},
    "jobs.line_why": {"en": "{mark} {job} · {at} – {why}", "bg": "{mark} {job} · {at} – {why}"},
}
