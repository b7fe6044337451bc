"""An incident of the soak is explained by what can cause it and by nothing else."""

from dataclasses import replace

import pytest

from diagnostics.checks import CHECKS
from engine.timeframes import HOUR_MS, MINUTE_MS
from gateways.binance import CLOCK_VALID_MS
from storage.events import Event, EventType
from tests.fakes.exchange_faults import FOR_EVER_MS, Frozen, Gap, Refused, WrongClock
from tests.soak.causes import CAUSES, Explanation, Incident, Kind, Span, explanation, spans_of
from tests.soak.verdict import HEALED_AFTER_MS, incidents_of, with_causes
from tests.times import ms

NOON_MS = ms("2026-01-05T12:00")
STALE = "candles: 2 stale (P01USDT 1h, P01USDT 2h)"
FROZEN = Span(Kind.FROZEN, NOON_MS, NOON_MS + 3 * HOUR_MS, "P01USDT")


def opened(message: str, at_ms: int) -> Incident:
    return Incident(message, at_ms, None)


def test_every_cause_belongs_to_a_check_there_is():
    assert CAUSES.keys() <= {check.name for check in CHECKS}


def test_a_frozen_pair_explains_its_stale_candles():
    incident = opened(STALE, NOON_MS + 2 * HOUR_MS)

    assert explanation(incident, [FROZEN]) == Explanation(Kind.FROZEN, 0)


def test_a_frozen_pair_explains_its_unsettled_position():
    incident = opened("positions: 1 unsettled (P01USDT)", NOON_MS + HOUR_MS)

    assert explanation(incident, [FROZEN]) is not None
    assert explanation(incident, [replace(FROZEN, symbol="P02USDT")]) is None


@pytest.mark.parametrize(
    "other",
    [
        Span(Kind.TELEGRAM, NOON_MS, FOR_EVER_MS),
        Span(Kind.STOPPED, NOON_MS, FOR_EVER_MS),
        Span(Kind.CLOCK, NOON_MS, FOR_EVER_MS),
        Span(Kind.FROZEN, NOON_MS, FOR_EVER_MS, "P02USDT"),
        Span(Kind.FROZEN, NOON_MS + 3 * HOUR_MS, FOR_EVER_MS, "P01USDT"),
    ],
    ids=lambda span: f"{span.kind.value} {span.symbol or ''} {span.since_ms}",
)
def test_trouble_of_another_kind_pair_or_time_explains_no_stale_candles(other: Span):
    assert explanation(opened(STALE, NOON_MS + 2 * HOUR_MS), [other]) is None


@pytest.mark.parametrize("check", [check.name for check in CHECKS if check.name not in CAUSES])
def test_a_check_that_nothing_scripted_can_make_ill_is_never_explained(check: str):
    everything = [Span(kind, 0, FOR_EVER_MS) for kind in Kind]

    assert explanation(opened(f"{check}: bad (very)", NOON_MS), everything) is None


def test_after_its_end_a_trouble_explains_as_long_as_the_check_may_stay_ill():
    span = Span(Kind.CLOCK, NOON_MS - HOUR_MS, NOON_MS)
    allowed_ms = CLOCK_VALID_MS + MINUTE_MS

    assert explanation(opened("exchange clock: 3600000 ms (..)", NOON_MS + allowed_ms - 1), [span]) is not None
    assert explanation(opened("exchange clock: 3600000 ms (..)", NOON_MS + allowed_ms), [span]) is None


def test_a_series_left_out_may_be_stale_until_its_own_next_close():
    late_ms = FROZEN.until_ms + HOUR_MS + 10 * MINUTE_MS

    assert explanation(opened("candles: 1 stale (P01USDT 1h)", late_ms), [FROZEN]) is None
    assert explanation(opened("candles: 1 stale (P01USDT 2h)", late_ms), [FROZEN]) is not None


def test_of_many_pairs_a_message_names_some_and_may_mean_any():
    delisted = Span(Kind.DELISTED, NOON_MS, FOR_EVER_MS, "P09USDT")
    few = opened("positions: 2 unsettled (P01USDT, P02USDT)", NOON_MS + HOUR_MS)
    many = opened("positions: 5 unsettled (P01USDT, P02USDT, P03USDT and 2 more)", NOON_MS + HOUR_MS)

    assert explanation(few, [delisted]) is None
    assert explanation(many, [delisted]) is not None


def test_an_incident_that_lasts_longer_than_its_trouble_is_not_explained():
    began_ms = NOON_MS + 2 * HOUR_MS
    in_time = Incident(STALE, began_ms, FROZEN.until_ms + HOUR_MS + HEALED_AFTER_MS)
    too_long = Incident(STALE, began_ms, FROZEN.until_ms + 3 * HOUR_MS + HEALED_AFTER_MS)
    never = opened(STALE, began_ms)

    assert with_causes(in_time, [FROZEN], FOR_EVER_MS).is_whole
    assert not with_causes(too_long, [FROZEN], FOR_EVER_MS).is_whole
    assert not with_causes(never, [FROZEN], FROZEN.until_ms + 4 * HOUR_MS).is_whole


def test_an_incident_ends_with_the_next_resolution_of_its_check():
    def event(number: int, type: EventType, message: str) -> Event:
        return Event(number, NOON_MS + number, type, None, None, None, None, "soak", message, None, None, None)

    events = [
        event(1, EventType.INCIDENT_OPENED, "scans: 1 of 4 behind (P01USDT 1h)"),
        event(2, EventType.INCIDENT_OPENED, STALE),
        event(3, EventType.INCIDENT_RESOLVED, "scans: after 5 min"),
        event(4, EventType.INCIDENT_OPENED, "scans: 2 of 4 behind (P01USDT 1h, P01USDT 2h)"),
        event(5, EventType.INCIDENT_RESOLVED, "scans: after 10 min"),
    ]

    assert [(one.check, one.opened_ms - NOON_MS, one.resolved_ms) for one in incidents_of(events)] == [
        ("scans", 1, NOON_MS + 3),
        ("candles", 2, None),
        ("scans", 4, NOON_MS + 5),
    ]


def test_what_is_scripted_becomes_spans_of_its_kind():
    lost = Gap(symbol="P02USDT", first_ms=NOON_MS + HOUR_MS, end_ms=NOON_MS + 3 * HOUR_MS)
    troubles = [Refused(status=503), Refused(status=418), Frozen(symbol="P01USDT"), WrongClock(ahead_ms=1), lost]
    spans = spans_of(troubles, [(1, 2)], [(3, 4)])

    assert [span.kind for span in spans] == [
        Kind.REFUSED, Kind.BANNED, Kind.FROZEN, Kind.CLOCK, Kind.HOLE, Kind.TELEGRAM, Kind.STOPPED,
    ]  # fmt: skip
    # the 4h bars of 12:00 are lost, the candle behind them closes at 20:00
    assert spans[4] == Span(Kind.HOLE, lost.first_ms, NOON_MS + 8 * HOUR_MS, "P02USDT")
