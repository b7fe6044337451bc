"""The texts about backups."""

TEXTS = {
    "about.backup": {"en": "make a backup now and try it out", "bg": "направи архив сега и го изпробвай"},
    "backup.made": {
        "en": "✅ Backup <code>{name}</code>, {size} MB. Tried out: {rows} rows, every identity holds. {count} are kept.",
        "bg": "✅ Архив <code>{name}</code>, {size} MB. Изпробван: {rows} реда, всички проверки са изпълнени. Пазят се {count}.",
    },
    "backup.failed": {"en": "❌ There is no good backup: {reason}", "bg": "❌ Няма изправен архив: {reason}"},
}
