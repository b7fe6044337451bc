"""No second and no minute sees more messages than Telegram allows."""

from services.throttle import Throttle


def sent_times(chats, until_ms, step_ms=10):
    """When messages go out if every chat always has one waiting."""
    throttle = Throttle()
    return [
        (now_ms, chat) for now_ms in range(0, until_ms, step_ms) for chat in chats if not throttle.reserve(chat, now_ms)
    ]


def most_in(times, window_ms):
    return max(sum(start <= time < start + window_ms for time in times) for start in times)


def test_one_chat_hears_at_most_one_message_a_second():
    times = [time for time, _ in sent_times([1], 20_000)]

    assert most_in(times, 1_000) == 1
    assert len(times) == 20


def test_a_channel_hears_at_most_twenty_a_minute_and_at_first_they_come_quickly():
    times = [time for time, _ in sent_times([-100], 300_000)]

    assert most_in(times, 60_000) == 20
    assert times[4] < 6_000


def test_all_chats_together_hear_at_most_thirty_a_second():
    times = [time for time, _ in sent_times(range(1, 101), 5_000)]

    assert most_in(times, 1_000) <= 30
    assert len(times) > 120


def test_who_has_to_wait_is_told_how_long():
    throttle = Throttle()

    assert throttle.reserve(1, 1_000_000) == 0
    assert throttle.reserve(1, 1_000_400) == 600
