"""Whatever stands behind a command or a deep link is words and nothing else: an answer or a refusal, never a defect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.timeframes import MINUTE_MS, Timeframe
from handlers.telegram.buttons import ButtonError, Mint
from handlers.telegram.commands import COMMANDS
from handlers.telegram.desk import Asked, ChatRef
from handlers.telegram.reception import QUESTIONS_A_MINUTE, Message, answered
from tests.fakes.telegram_html import read
from tests.services.rig import OWNER, ms, started, world_at
from tests.storage.samples import NOW_MS

BEGIN_MS = ms("2026-01-01T00:50")
EVIL = "<a href='https://evil.example'>x</a>"
PAYLOADS = (
    (EVIL,),
    ("1", EVIL),
    ("'; DROP TABLE signals; --",),
    ("../../etc/passwd", "/etc/passwd"),
    ("\x00", "\u202eS-1", "\ud800"),
    ("9" * 40, "-1"),
    ("NaN", "inf", "1e999"),
    ("%s%n{0}{__class__}",),
    ("x",) * 300,
    ("set", "account.risk_ratio", "nan"),
)


@pytest.fixture
async def rig(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world, started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
        yield rig


async def test_every_command_answers_any_payload_without_a_defect_and_shows_it_as_text(rig):
    with rig.book.reading() as view:
        owner = view.users.by_telegram_id(OWNER)
    questions = [(command, words) for command in COMMANDS for words in PAYLOADS]
    for number, (command, words) in enumerate(questions):
        if number % QUESTIONS_A_MINUTE == 0:
            rig.world.clock.advance(2 * MINUTE_MS)
        answer = await answered(rig.desk, command, Asked(words, owner, ChatRef(OWNER)), Message(number))

        assert answer is not None, (command.name, words)
        assert "<a href='https://evil" not in answer.html, command.name
        assert read(answer.html).text, command.name
    with rig.book.reading() as view:
        assert view.settings.get("params.account.risk_ratio") is None


@given(st.lists(st.text(alphabet="1:+az09\u0661", max_size=12), min_size=4, max_size=4))
def test_parts_that_look_like_a_buttons_are_not_one(parts: list[str]):
    with pytest.raises(ButtonError):
        Mint(b"secret", NOW_MS).read(":".join(["1", *parts, "nonce", "AAAAAAAAAA"]), 1)
