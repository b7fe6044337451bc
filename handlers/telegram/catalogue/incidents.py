"""The texts of what goes wrong with the bot and of what heals, told to whoever looks after it."""

TEXTS = {
    "incident.health_opened": {
        "en": "🚨 <b>{check}</b> is {status}: {value} – {detail}\nWhat to do: {remedy}",
        "bg": "🚨 <b>{check}</b> е {status}: {value} – {detail}\nКакво да се направи: {remedy}",
    },
    "incident.health_resolved": {
        "en": "✅ <b>{check}</b> is well again after {lasted}.",
        "bg": "✅ <b>{check}</b> отново е наред след {lasted}.",
    },
    "incident.chat_closed": {
        "en": "⚠️ Chat {chat_id} is closed to me: {reason}. What waits for it is kept. Let me in again and restart me.",
        "bg": "⚠️ Чатът {chat_id} е затворен за мен: {reason}. Чакащото се пази. Пусни ме пак и ме рестартирай.",
    },
    "incident.other_bot": {
        "en": "⚠️ Another program listens as @{username} too; Telegram says: {words}. I am {own_name} and step back, then try"
        " again. Stop the other one, or give it a token of its own.",
        "bg": "⚠️ Друга програма също слуша като @{username}; Telegram казва: {words}. Аз съм {own_name}, отстъпвам и опитвам"
        " пак. Спри другата или ѝ дай собствен токен.",
    },
}
