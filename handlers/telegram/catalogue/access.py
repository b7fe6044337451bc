"""The texts of letting people in and of where the bot is put."""

TEXTS = {
    "about.users": {"en": "who may what; gives roles", "bg": "кой какво може; дава роли"},
    "table.role": {"en": "role", "bg": "роля"},
    "table.name": {"en": "name", "bg": "име"},
    "users.how": {
        "en": "<code>/users ID ROLE</code> gives a role.",
        "bg": "<code>/users ID РОЛЯ</code> дава роля.",
    },
    "users.given": {"en": "{name} ({id}) is {role} now.", "bg": "{name} ({id}) вече е {role}."},
    "users.unknown": {
        "en": "I do not know {id}; people become known when they write /start to me.",
        "bg": "Не познавам {id}; хората ми стават познати, когато ми пишат /start.",
    },
    "users.not_allowed": {
        "en": "You cannot make {id} {role}; owners are named in the settings alone.",
        "bg": "Не можеш да направиш {id} {role}; собствениците се посочват само в настройките.",
    },
    "ask.users": {
        "en": "Write it like /users 12345 SUBSCRIBER; the roles are {roles}.",
        "bg": "Напиши го като /users 12345 SUBSCRIBER; ролите са {roles}.",
    },
    "access.question": {
        "en": "{name} ({id}) wants to use this bot.",
        "bg": "{name} ({id}) иска да ползва бота.",
    },
    "access.approve": {"en": "Approve", "bg": "Пусни"},
    "access.block": {"en": "Block", "bg": "Блокирай"},
    "access.let_in": {
        "en": "You may use this bot now; /help says what you can ask.",
        "bg": "Вече можеш да ползваш бота; /help казва какво можеш да питаш.",
    },
    "membership.joined": {
        "en": "{by_name} ({by}) put me into “{title}” ({kind}, {chat_id}). I write there only if my settings say so.",
        "bg": "{by_name} ({by}) ме сложи в „{title}“ ({kind}, {chat_id}). Пиша там само ако е зададено в настройките ми.",
    },
    "membership.left": {
        "en": "{by_name} ({by}) took me out of “{title}” ({kind}, {chat_id}).",
        "bg": "{by_name} ({by}) ме махна от „{title}“ ({kind}, {chat_id}).",
    },
}
