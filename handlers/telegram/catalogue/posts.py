"""The texts of the channel: a signal's post and everything that becomes of it."""

TEXTS = {
    "post.simulated": {
        "en": "<i>simulated market, not a real one</i>",
        "bg": "<i>симулиран пазар, не истински</i>",
    },
}
