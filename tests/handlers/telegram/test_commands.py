"""Answers of commands over a real book: what people asked for, in words that are right."""

import pytest

from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import PortfolioKind, Rejected, SignalStatus, Stage
from handlers.telegram.actions import ACTIONS
from handlers.telegram.desk import ChatRef, Place, Pressed
from handlers.telegram.reception import pressed
from services.rules import CHANGEABLE, in_force
from services.split import plain
from storage.events import EventType
from storage.preferences import Loudness, Subject
from storage.scans import Scan
from storage.users import Role
from tests.fakes.exchange_faults import Delisted
from tests.services.rig import CHANNEL, LIVELY, OWNER, ms, started, world_at

BEGIN_MS = ms("2026-01-01T00:50")
BEN = 88


@pytest.fixture
async def rig(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world, started(world, ("ADAUSDT", "XRPUSDT"), (Timeframe.M15,)) as rig:
        yield rig


async def told(rig, text: str, user_id: int = OWNER) -> str:
    answer = await rig.ask(text, user_id)
    return plain(answer.html)


async def press(rig, answer, label: str, user_id: int = OWNER):
    """The answer to pressing the button with this label under an answer."""
    data = next(button.data for row in answer.buttons for button in row if button.label == label)
    with rig.book.reading() as view:
        user = view.users.by_telegram_id(user_id)
    return await pressed(rig.desk, ACTIONS, data, Pressed("", user, ChatRef(user_id), 1))


def preferences(rig, telegram_id: int = OWNER):
    with rig.book.reading() as view:
        return view.chats.of_telegram(telegram_id)[0].preferences


async def test_signals_that_wait_and_those_that_are_open_are_listed(rig):
    assert "No signal waits" in await told(rig, "/signals")
    assert "No signal is filled" in await told(rig, "/open")

    await rig.play(ms("2026-01-01T01:05"))
    assert "ADAUSDT" in await told(rig, "/signals")
    await rig.play(ms("2026-01-01T02:05"))
    assert "ADAUSDT" in await told(rig, "/open")


async def test_why_explains_the_newest_or_a_named_signal_with_its_chart(rig):
    await rig.play(ms("2026-01-01T01:05"))
    answer = await rig.ask("/why S-1")

    assert answer.chart.signal_id == 1
    assert "ADAUSDT 15m" in plain(answer.html)
    assert "Score" in plain(answer.html)
    assert (await rig.ask("/why")).html == answer.html
    assert "Write it like /why S-12" in await told(rig, "/why S-99")


async def test_chart_shows_any_series_as_it_is_read_now_and_names_its_newest_signal(rig):
    answer = await rig.ask("/chart adausdt 1h")
    assert (answer.chart.symbol, answer.chart.timeframe) == ("ADAUSDT", Timeframe.H1)
    assert answer.chart.candles.closed_at_ms == answer.chart.closed_ms == ms("2026-01-01T00:00")
    assert "Newest signal" not in plain(answer.html)

    await rig.play(ms("2026-01-01T01:05"))
    assert "Newest signal: S-1, sent; /why S-1" in await told(rig, "/chart ADAUSDT 15m")


async def test_a_chart_of_what_nobody_lists_says_what_looks_like_it(rig):
    assert "did you mean ADAUSDT" in await told(rig, "/chart ADAUSD 15m")


async def test_whynot_groups_what_was_turned_down_the_most_frequent_first(rig):
    def scan(symbol: str, minutes: int, stage: Stage, reason: str, value: str | None = None) -> Scan:
        at_ms = BEGIN_MS + minutes * MINUTE_MS
        return Scan(symbol, "15m", at_ms, at_ms, rejected=Rejected(stage, reason, value, "3" if value else None))

    assert "No series was looked at" in await told(rig, "/whynot")
    with rig.book.transaction() as tx:
        tx.scans.record(scan("BTCUSDT", 0, Stage.SETUP, "no setup"))
        tx.scans.record(scan("BTCUSDT", 15, Stage.LEVELS, "RR is too small", "1.9"))
        tx.scans.record(scan("ETHUSDT", 30, Stage.LEVELS, "RR is too small", "2.5"))
        tx.scans.record(scan("ETHUSDT", 45, Stage.LEVELS, "no target"))
        tx.scans.record(scan("ETHUSDT", -100, Stage.LEVELS, "yesterday"))
    head, *lines = (await told(rig, "/whynot")).splitlines()

    assert "4 looks" in head
    assert lines == [
        "2× levels: RR is too small (has 2.5, limit 3) – last #ETHUSDT 15m",
        "1× levels: no target – last #ETHUSDT 15m",
        "1 looks ended at: setup",
    ]
    assert "1× levels: RR is too small (has 1.9" in await told(rig, "/whynot btcusdt")


async def test_whynot_names_the_gate_that_stopped_a_signal(rig):
    await rig.ask("/pause holiday")
    await rig.play(ms("2026-01-01T01:05"))

    assert "1× gate: protections" in await told(rig, "/whynot")


async def test_close_asks_twice_and_closes_once(rig):
    await rig.play(ms("2026-01-01T02:05"))
    with rig.book.reading() as view:
        position = view.positions.open_positions(view.portfolios.of_kind(PortfolioKind.PAPER).id)[0]
    first = await rig.ask(f"/close {position.id}")
    second = await press(rig, first, "Close it")
    with rig.book.reading() as view:
        assert view.positions.get(position.id).is_open
    done = await press(rig, second, "Yes, do it")

    assert f"Position {position.id} is closed" in plain(done.html)
    assert done.place is Place.SAME
    assert plain((await press(rig, second, "Yes, do it")).html) == "This button was used already."
    with rig.book.reading() as view:
        closed = view.positions.get(position.id)
        [order] = view.events.latest(1, EventType.HAND_ORDER)
    assert (closed.is_open, closed.close_reason.value, order.actor) == (False, "MANUAL", f"telegram:{OWNER}")
    assert "no open position" in await told(rig, f"/close {position.id}")


async def test_a_position_of_a_delisted_pair_is_closed_at_the_last_price_when_that_is_asked_for(rig):
    await rig.play(ms("2026-01-01T02:05"))
    with rig.book.reading() as view:
        position = view.positions.open_positions(view.portfolios.of_kind(PortfolioKind.PAPER).id)[0]
    rig.world.exchange.troubles = (Delisted(symbol=position.symbol),)
    await rig.play(ms("2026-01-01T05:05"))
    offer = plain((await rig.ask(f"/close {position.id}")).html)
    first = await rig.ask(f"/close {position.id} last")
    second = await press(rig, first, "Close it")
    done = await press(rig, second, "Yes, do it")
    await rig.sender.drain()

    assert "of 2026-01-01 02:05 UTC, 3 h 0 min old, and no candles come: Binance does not know" in offer
    assert "it is listed no more." in offer
    assert offer.endswith(f"/close {position.id} last closes it at that price, less slippage.")
    assert "3 h 0 min old" in plain(first.html)
    assert "at its last known price" in plain(second.html)
    assert f"Position {position.id} is closed" in plain(done.html)
    [post] = [sent.text for sent in rig.world.api.messages(CHANNEL) if "booked at the last price" in sent.text]
    assert "of 2026-01-01 02:05 UTC" in post


async def test_a_confirmation_expires_soon(rig):
    await rig.play(ms("2026-01-01T02:05"))
    with rig.book.reading() as view:
        position = view.positions.open_positions(view.portfolios.of_kind(PortfolioKind.PAPER).id)[0]
    second = await press(rig, await rig.ask(f"/close {position.id}"), "Close it")
    rig.world.clock.advance(5 * MINUTE_MS)

    assert "expired" in plain((await press(rig, second, "Yes, do it")).html)
    with rig.book.reading() as view:
        assert view.positions.get(position.id).is_open


async def test_no_leaves_it_as_it_is(rig):
    await rig.play(ms("2026-01-01T02:05"))
    with rig.book.reading() as view:
        position = view.positions.open_positions(view.portfolios.of_kind(PortfolioKind.PAPER).id)[0]
    second = await press(rig, await rig.ask(f"/close {position.id}"), "Close it")

    assert plain((await press(rig, second, "No")).html) == "Left as it is."


async def test_a_pair_is_paused_for_a_while(rig):
    answer = await told(rig, "/pause ADAUSDT 2h news")
    assert answer.startswith("#ADAUSDT paused until 2026-01-01 02:50 UTC")
    assert "ADAUSDT" in await told(rig, "/locks")

    assert await told(rig, "/resume ADAUSDT") == "Running again."
    assert await told(rig, "/resume ADAUSDT") == "I was not paused."


async def test_risk_is_changed_within_bounds_from_the_next_decision_on(rig):
    assert "account.risk_ratio 0.01 (0.0005 to 0.03)" in await told(rig, "/risk")
    assert "0.005 from the next decision on" in await told(rig, "/risk set account.risk_ratio 0.005")
    assert "without the change 0.01" in await told(rig, "/risk")

    await rig.play(ms("2026-01-01T01:05"))
    with rig.book.reading() as view:
        assert view.signals.get(1).signal.params_hash == in_force(view, LIVELY).hash != LIVELY.hash
        paper = view.portfolios.of_kind(PortfolioKind.PAPER).id
        order = next(order for order in view.conditions.of_signal(1) if order.portfolio_id == paper)
    assert order.risk_amount == pytest.approx(50.0)

    assert "its default is 0.01" in await told(rig, "/risk set account.risk_ratio default")
    with rig.book.reading() as view:
        assert in_force(view, LIVELY).hash == LIVELY.hash
        changes = view.events.latest(9, EventType.SETTING_CHANGED)
    assert [event.message for event in changes if "risk_ratio" in event.message] == [
        "account.risk_ratio: 0.005 to 0.01",
        "account.risk_ratio: 0.01 to 0.005",
    ]


@pytest.mark.parametrize(
    "words",
    ["account.risk_ratio 0.5", "account.risk_ratio nan", "account.max_open 2.5", "window.window_bars 10", "x"],
)
async def test_what_is_out_of_bounds_is_not_set(rig, words):
    before = in_force_hash(rig)

    answer = await told(rig, f"/risk set {words}")

    assert any(part in answer for part in ("cannot be set", "Write it like"))
    assert in_force_hash(rig) == before


def in_force_hash(rig) -> str:
    with rig.book.reading() as view:
        return in_force(view, LIVELY).hash


def test_every_rule_lies_within_its_bounds_by_default():
    for name, bounds in CHANGEABLE.items():
        section, field = name.split(".")
        from_default = getattr(getattr(type(LIVELY)(), section), field)
        assert bounds.least <= from_default <= bounds.most, name


async def test_stats_and_jobs_read_the_book(rig):
    assert "No sent signal has ended" in await told(rig, "/stats")
    await rig.play(ms("2026-01-01T04:05"))

    for word in ("", "symbol", "tf", "setup", "session", "score", "direction"):
        assert "closed signals of those sent" in await told(rig, f"/stats {word}".strip())
    assert "Write it like /stats symbol" in await told(rig, "/stats weather")


async def test_language_and_zone_are_kept_and_used(rig):
    assert await told(rig, "/lang bg") == "Вече ти говоря на български."
    assert "Европа" not in await told(rig, "/tz Europe/Sofia")
    assert "зона Europe/Sofia" in await told(rig, "/whereami")
    assert "02:50 EET" in await told(rig, "/whereami")
    assert (preferences(rig).language, preferences(rig).zone) == ("bg", "Europe/Sofia")
    assert "Напиши го като /tz" in await told(rig, "/tz Mars/Olympus")
    assert "Write it like" not in await told(rig, "/lang xx")


async def test_following_muting_and_choices_are_the_chats_own(rig):
    assert "copy of every signal" in await told(rig, "/follow")
    assert preferences(rig).follows
    await rig.ask("/follow off")
    assert not preferences(rig).follows

    assert "Muted until 2026-01-01 08:50 UTC" in await told(rig, "/mute")
    assert preferences(rig).muted_until_ms == BEGIN_MS + 8 * HOUR_MS
    assert await told(rig, "/mute off") == "Not muted."

    await rig.ask("/alerts entry off")
    await rig.ask("/alerts tf 1h,4h")
    await rig.ask("/alerts quiet 22:00-07:00 held")
    shown = await told(rig, "/alerts score 70")
    held = preferences(rig)
    assert held.loudness_of(Subject.ENTRY) is Loudness.OFF
    assert [timeframe.text for timeframe in held.timeframes] == ["1h", "4h"]
    assert (held.quiet.held, held.min_score) == (True, 70.0)
    for line in ("entry off", "tf 1h,4h", "quiet 22:00-07:00 held", "score 70"):
        assert line in shown.splitlines()


@pytest.mark.parametrize(
    "words", ["score many", "tf 7x", "quiet 25:00", "weather on", "digest 99", "score -1", "entry loud"]
)
async def test_what_cannot_be_chosen_is_not(rig, words):
    answer = await told(rig, f"/alerts {words}")

    assert any(part in answer for part in ("cannot be chosen", "Write it like", "is no timeframe"))


async def test_what_everybody_hears_is_not_for_subscribers(rig):
    with rig.book.transaction() as tx:
        tx.users.ensure(BEN, "Ben", BEGIN_MS)
        tx.users.set_role(BEN, Role.SUBSCRIBER, OWNER, BEGIN_MS)

    assert "decided by those with the role OPERATOR" in await told(rig, "/alerts channel entry off", BEN)
    assert "entry off" in await told(rig, "/alerts channel entry off")


async def test_a_signal_is_suppressed_while_its_pair_is_paused(rig):
    await rig.ask("/pause ADAUSDT")
    await rig.play(ms("2026-01-01T01:05"))

    with rig.book.reading() as view:
        assert view.signals.get(1).status is SignalStatus.SUPPRESSED
