"""How Telegram writes chats, people and memberships in its answers."""

from typing import Any

BOT_ID = 12345
BOT_USERNAME = "onebook_test_bot"
SUPERGROUPS_BELOW = -1_000_000_000_000  # ids of channels and supergroups begin with -100

RIGHTS = (
    *("can_be_edited", "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members"),
    *("can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories"),
    *("can_delete_stories", "is_anonymous"),
)
GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


def chat(chat_id: int) -> dict[str, Any]:
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": "Ann"}
    return {"id": chat_id, "type": "channel" if chat_id < SUPERGROUPS_BELOW else "group", "title": "A chat"}


def user(user_id: int, name: str) -> dict[str, Any]:
    return {"id": user_id, "is_bot": False, "first_name": name, "language_code": "en"}


def bot() -> dict[str, Any]:
    return {"id": BOT_ID, "is_bot": True, "first_name": "Onebook", "username": BOT_USERNAME}


def membership(status: str, user: dict[str, Any]) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "administrator": dict.fromkeys(RIGHTS, True),
        "kicked": {"until_date": 0},
    }
    return {"status": status, "user": user, **more.get(status, {})}
