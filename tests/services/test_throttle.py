"""No second and no minute sees more messages than Telegram allows, and no fewer than it nearly does."""

from services.throttle import FLOODED_CHATS, SECOND_MS, Throttle


def sent_times(chats, until_ms, step_ms=10):
    """When messages go out if every chat always has one waiting, the longest waiting first."""
    throttle, line, sent = Throttle(), list(chats), []
    for now_ms in range(0, until_ms, step_ms):
        for chat in tuple(line):
            if not throttle.all_wait_ms(now_ms) and not throttle.chat_wait_ms(chat, now_ms):
                throttle.take(chat, now_ms)
                sent.append((now_ms, chat))
                line.remove(chat)
                line.append(chat)
    return sent


def most_in(times, window_ms):
    return max(sum(start <= time < start + window_ms for time in times) for start in times)


def test_one_chat_hears_one_message_a_second():
    times = [time for time, _ in sent_times([1], 20_000)]

    assert most_in(times, 1_000) == 1
    assert len(times) >= 19


def test_a_channel_hears_at_most_twenty_a_minute_and_at_first_they_come_quickly():
    times = [time for time, _ in sent_times([-100], 300_000)]

    assert most_in(times, 60_000) <= 20
    assert len(times) >= 5 * 15
    assert times[4] < 6_000


def test_all_chats_together_hear_at_most_thirty_a_second():
    times = [time for time, _ in sent_times(range(1, 101), 5_000)]

    assert most_in(times, 1_000) <= 30
    assert len(times) >= 5 * 24  # the steps of 10 ms cost some


def test_a_flood_in_one_chat_stops_this_chat_alone():
    throttle = Throttle()
    throttle.flooded(1, 30 * SECOND_MS)

    assert throttle.chat_wait_ms(1, 0) == 30 * SECOND_MS
    assert throttle.chat_wait_ms(2, 0) == 0
    assert throttle.all_wait_ms(0) == 0


def test_floods_in_one_chat_after_the_other_stop_everything():
    throttle = Throttle()
    for chat in range(1, FLOODED_CHATS + 1):
        throttle.flooded(chat, 30 * SECOND_MS)

    assert throttle.all_wait_ms(0) == 30 * SECOND_MS


def test_floods_between_deliveries_do_not_add_up():
    throttle = Throttle()
    for chat in range(1, FLOODED_CHATS + 3):
        throttle.flooded(chat, 30 * SECOND_MS)
        throttle.delivered()

    assert throttle.all_wait_ms(0) == 0


def test_a_chat_is_given_at_most_seven_orders_a_minute():
    throttle, now_ms, times = Throttle(), 0, list[int]()
    while now_ms < 5 * 60_000:
        throttle.take(-1, now_ms, is_order=True)
        times.append(now_ms)
        now_ms += throttle.chat_wait_ms(-1, now_ms, is_order=True)

    assert most_in(times, 60_000) <= 7
    assert len(times) >= 5 * 4
