"""Sends whose answer never came, over real HTTP: declared each time, and repeated until an answer is had."""

import pytest

from engine.vocabulary import SignalStatus
from services.doubt import RESEND_LAST_MS, Doubts, Line
from services.publish import set_public_channel
from storage.events import EventType
from storage.identities import identities
from storage.outbox import OutboxState
from tests.fakes.clock import ManualClock
from tests.fakes.http import Drop, Hang, Refuse, json_response
from tests.services.test_send import HOUR_MS, NOTICE, OWNER, bench, next_due
from tests.storage.samples import NOW_MS

__all__ = ["bench"]

SWALLOWED = Drop(after_acceptance=True)
MINUTE_MS = 60_000


async def until_answered(bench, number: int = 1) -> None:
    """Let the clock run from one due instant to the next until a row came to its end."""
    while bench.row(number).state is OutboxState.PENDING:
        await bench.drain(after_ms=max(next_due(bench), 0))


@pytest.mark.parametrize("fault", [Hang(0.6, after_acceptance=True), SWALLOWED])
async def test_an_answer_that_never_came_is_declared_and_the_message_sent_again(bench, fault):
    bench.api.script("sendMessage", fault)
    signal_id = bench.announce()
    await bench.drain()
    await bench.drain(after_ms=5_000)
    await bench.drain(after_ms=5_000)

    assert len(bench.sent()) == 2
    assert bench.events(EventType.SEND_UNKNOWN) == 1
    assert bench.row().state is OutboxState.SENT
    assert bench.row().error == "answered after 1 without an answer: the chat may hold up to 2 copies"
    assert bench.status(signal_id) is SignalStatus.SENT


async def test_however_many_answers_never_come_the_message_arrives(bench):
    bench.api.script("sendMessage", *(Drop(),) * 5)
    signal_id = bench.announce()
    await until_answered(bench)

    assert len(bench.sent()) == 1
    assert bench.events(EventType.SEND_UNKNOWN) == 5
    assert bench.row().state is OutboxState.SENT
    assert bench.status(signal_id) is SignalStatus.SENT


async def test_each_doubt_is_waited_for_four_times_as_long(bench):
    bench.api.script("sendMessage", *(Drop(),) * 10)
    bench.notice("hello")
    waits = []
    while bench.row().state is OutboxState.PENDING:
        await bench.drain()
        waits.append(next_due(bench) if bench.row().state is OutboxState.PENDING else 0)
        bench.clock.advance(waits[-1])

    assert waits[:4] == [2_000, 8_000, 32_000, 128_000]
    assert waits[-4:] == [RESEND_LAST_MS] * 3 + [0]


async def test_an_outage_that_swallows_answers_makes_one_copy_however_long_it_lasts(bench):
    bench.api.trouble = lambda call: SWALLOWED
    bench.notice("hello")
    for _ in range(20):
        await bench.drain(after_ms=MINUTE_MS)
    assert len(bench.sent(OWNER)) == 1

    bench.api.trouble = lambda call: None
    await bench.drain(after_ms=MINUTE_MS)
    assert len(bench.sent(OWNER)) == 2
    assert bench.events(EventType.SEND_UNKNOWN) == 1


async def test_what_stands_behind_a_doubt_waits_for_it(bench):
    bench.api.script("sendMessage", Drop(), Drop())
    bench.notice("one", "one")
    bench.notice("two", "two")
    await until_answered(bench, 2)

    assert [message.text for message in bench.sent(OWNER)] == ["one", "two"]


async def test_a_request_that_never_left_is_no_doubt(bench):
    with bench.api.running() as url:
        port_of_nobody = url
    bench.telegram = type(bench.telegram)(bench.api.token, api_url=port_of_nobody)
    bench.sender = bench.new_sender()
    bench.notice("hello")
    await bench.drain()
    await bench.telegram.aclose()

    assert bench.row().state is OutboxState.PENDING
    assert bench.events(EventType.SEND_UNKNOWN) == 0


async def test_what_is_not_worth_a_repeat_any_more_stays_of_unknown_end(bench):
    bench.api.script("sendMessage", Drop())
    with bench.book.transaction() as tx:
        tx.outbox.queue(NOTICE, {"text": "now or never"}, "n", (bench.owner,), NOW_MS, expires_ms=NOW_MS + HOUR_MS)
    await bench.drain()
    await bench.drain(after_ms=2 * HOUR_MS)

    assert bench.sent(OWNER) == []
    assert bench.row().state is OutboxState.UNKNOWN
    assert bench.row().error == "its time was over before its turn came"


async def test_a_signal_in_doubt_past_its_validity_goes_out_as_missed(bench):
    bench.api.script("sendMessage", Drop(), Drop())
    signal_id = bench.announce()
    await bench.drain()
    bench.clock.advance(25 * HOUR_MS)
    await until_answered(bench)

    [post] = bench.sent()
    assert post.text.startswith("⚪ MISSED")
    assert bench.status(signal_id) is SignalStatus.MISSED


async def test_a_front_that_gave_up_waiting_for_telegram_is_a_doubt(bench):
    gave_up = {"ok": False, "error_code": 504, "description": "Gateway Timeout"}
    bench.api.script("sendMessage", Refuse(json_response(gave_up, 504)))
    bench.notice("hello")
    await bench.drain()

    assert bench.row().error == "no answer to 1 of its sends: Gateway Timeout"


async def test_what_was_being_sent_when_the_bot_was_killed_is_declared_at_start_and_sent_again(bench):
    bench.announce()
    with bench.book.transaction() as tx:
        tx.outbox.mark_sending(1)

    later = bench.sender = bench.new_sender()
    await later.recover()
    assert bench.row().state is OutboxState.PENDING
    await bench.drain(after_ms=5_000)

    assert len(bench.sent()) == 1
    assert bench.events(EventType.SEND_UNKNOWN) == 1


async def test_a_change_that_was_being_made_when_the_bot_was_killed_is_made_again_without_a_word(bench):
    bench.notice("one")
    await bench.drain()
    bench.edit("notice", "two")
    with bench.book.transaction() as tx:
        tx.outbox.mark_sending(2)

    bench.sender = bench.new_sender()
    await bench.sender.recover()
    await bench.drain(after_ms=5_000)

    assert [message.text for message in bench.sent(OWNER)] == ["two"]
    assert bench.events(EventType.SEND_UNKNOWN) == 0


async def test_the_record_says_how_many_copies_of_a_post_there_may_be(bench):
    with bench.book.transaction() as tx:
        set_public_channel(tx, bench.channel)
    bench.api.script("sendMessage", SWALLOWED, SWALLOWED)
    bench.announce()
    await until_answered(bench)

    with bench.book.reading() as view:
        told = [(row.facts.get("resend_of"), row.facts.get("copies")) for row in view.publications.rows()]
        assert all(truth.holds for truth in identities(view))
    assert told == [(None, None), (1, 2), (2, 3)]
    assert len(bench.sent()) == 3


class Deaf:
    """A Telegram that answers from the n-th question on."""

    def __init__(self, unanswered: int) -> None:
        self.unanswered = unanswered
        self.asked = 0

    async def answers(self) -> bool:
        self.asked += 1
        return self.asked > self.unanswered


async def test_telegram_is_asked_once_for_all_who_wait_and_less_and_less_often():
    clock, telegram = ManualClock(NOW_MS), Deaf(unanswered=2)
    line = Line(telegram, clock.now_ms)

    assert [await line.wait_ms(NOW_MS - 1) for _ in range(3)] == [1_000] * 3
    assert telegram.asked == 1
    clock.advance(1_000)
    assert await line.wait_ms(NOW_MS - 1) == 2_000
    clock.advance(2_000)
    assert [await line.wait_ms(NOW_MS - 1) for _ in range(3)] == [0] * 3
    assert telegram.asked == 3


async def test_an_answer_from_before_a_doubt_says_nothing_about_it():
    clock, telegram = ManualClock(NOW_MS), Deaf(unanswered=0)
    line = Line(telegram, clock.now_ms)
    await line.wait_ms(NOW_MS - 1)
    clock.advance(5_000)

    assert await line.wait_ms(NOW_MS + 4_000) == 0
    assert telegram.asked == 2


def test_a_row_without_a_doubt_has_nothing_to_say_of_copies():
    assert Doubts().note is None
