"""The features of a signal: what learning is told of it, one definition for live, replay and backtest.

Everything is known at the close of the signal's candle and taken from its window alone. What has a direction is told in
the signal's own (+ = with it), sizes in mean true ranges (ATR) of its chart. Missing is NaN, never a neutral constant.

Indicators have memory, so where they begin matters: they are read over stretches that begin at fixed instants, WARM_BARS
before the stretch of the signal's bar. A live window and a whole series therefore give the same bits.
"""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.confidence import KILL_ZONE_GRADES, Case
from engine.decide import Describe, Description
from engine.findings import Kind
from engine.looks import Describer, Stack
from engine.params import Params
from engine.reading import Raid, Reading
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, weekday
from engine.vocabulary import Direction, Signal

FEATURES_VERSION = 1
WARM_BARS = 200
SLOPE_BARS = 20
BTC_BARS = 24
FAST_EMA_BARS, SLOW_EMA_BARS = 20, 50
TREND_ADX, RANGE_ADX = 25.0, 20.0
RSI_MIDDLE = 50.0
MISSING = math.nan


@dataclass(frozen=True, slots=True)
class Facts:
    """What features are drawn from: the case, the signal with its levels, the indicators at its bar."""

    case: Case
    signal: Signal
    indicators: "IndicatorValues"

    @property
    def sign(self) -> int:
        return self.case.sign

    @property
    def reading(self) -> Reading:
        return self.case.reading

    @property
    def raid(self) -> Raid:
        return self.case.setup.liquidity

    def in_atr(self, price_difference: float) -> float:
        return price_difference / self.reading.atr


@dataclass(frozen=True, slots=True)
class IndicatorValues:
    """The indicators at one bar; NaN where too few bars lie before it."""

    rsi: float
    adx: float
    fast_ema: float
    slow_ema: float
    macd_histogram: float
    bollinger_position: float
    obv_change: float
    vwap: float


def _points(name: str) -> Callable[[Facts], float]:
    """A contribution of the confidence as a share of its points."""

    def ratio(facts: Facts) -> float:
        part = next(part for part in facts.signal.contributions if part.name == name)
        return MISSING if part.points is None or not part.possible else part.points / part.possible

    return ratio


def _bars_since(index: int | None, facts: Facts) -> float:
    return MISSING if index is None else float(facts.reading.last - index)


def _displacement(facts: Facts) -> float:
    index = facts.case.setup.displacement_index
    return MISSING if index is None else _or_missing(facts.reading.body_strength(index))


def _gap(facts: Facts) -> float:
    gap = facts.case.setup.gap
    return MISSING if gap is None else facts.in_atr(gap.top - gap.bottom)


def _retraced(facts: Facts) -> float:
    """How far the entry retraces the dealing range: 0 at its far end, 1 at the end the signal starts from."""
    dealing = facts.reading.dealing_range()
    if dealing is None:
        return MISSING
    low, high = dealing
    entry = facts.signal.entry
    return (high - entry if facts.sign > 0 else entry - low) / (high - low)


def _is_shift(kind: Kind) -> Callable[[Facts], float]:
    def told(facts: Facts) -> float:
        shift = facts.case.setup.structure
        return MISSING if shift is None else float(shift.kind is kind)

    return told


def _bars_since_break(facts: Facts) -> float:
    shift = facts.case.setup.structure
    return _bars_since(None if shift is None else shift.index, facts)


def _daily_bias(facts: Facts) -> float:
    bias = facts.reading.daily_bias
    return MISSING if bias is None else float(bias * facts.sign)


def _kill_zone(facts: Facts) -> float:
    if facts.reading.timeframe.ms >= 4 * HOUR_MS:
        return MISSING  # a candle this long spans sessions
    return max((KILL_ZONE_GRADES.get(name, 0.0) for name in facts.reading.windows), default=0.0)


def _day_angle(facts: Facts) -> float:
    return 2 * math.pi * (facts.signal.candle_close_ms % DAY_MS) / DAY_MS


def _weekday(facts: Facts) -> float:
    return float(weekday(facts.signal.candle_close_ms))


def _volume(facts: Facts) -> float:
    return _or_missing(facts.reading.volume_ratio(facts.reading.last))


def _distance(price: Callable[[IndicatorValues], float]) -> Callable[[Facts], float]:
    """How far the close stands beyond a price, in ATR and in the signal's direction."""
    return lambda facts: facts.in_atr(facts.reading.close - price(facts.indicators)) * facts.sign


def _btc_trend(facts: Facts) -> float:
    btc = facts.case.btc
    return MISSING if btc is None else float(btc.trend * facts.sign)


def _btc_move(facts: Facts) -> float:
    """BTC's way over the last bars in its own ATR."""
    btc = facts.case.btc
    if btc is None or btc.atr <= 0:
        return MISSING
    before = btc.close_at(btc.last - BTC_BARS)
    return MISSING if before is None else (btc.close - before) / btc.atr * facts.sign


def _or_missing(value: float | None) -> float:
    return MISSING if value is None else value


FEATURES: tuple[tuple[str, Callable[[Facts], float]], ...] = (
    ("structure_ratio", _points("structure")),
    ("liquidity_ratio", _points("liquidity")),
    ("displacement_ratio", _points("displacement")),
    ("zone_ratio", _points("zone")),
    ("fvg_ratio", _points("fvg")),
    ("discount_ratio", _points("discount")),
    ("htf_ratio", _points("htf")),
    ("session_ratio", _points("session")),
    ("volume_ratio", _points("volume")),
    ("btc_ratio", _points("btc")),
    ("is_long", lambda f: float(f.signal.direction is Direction.LONG)),
    ("timeframe_minutes_log2", lambda f: math.log2(f.reading.timeframe.ms / MINUTE_MS)),
    ("zone_height_atr", lambda f: f.in_atr(f.case.setup.zone.height)),
    ("zone_distance_atr", lambda f: f.in_atr(f.reading.close - f.signal.entry) * f.sign),
    ("zone_age_bars", lambda f: float(f.reading.last - f.case.setup.zone.index)),
    ("zone_is_fresh", lambda f: float(f.case.setup.fresh_zone)),
    ("sweep_depth_atr", lambda f: f.in_atr(abs(f.raid.depth))),
    ("sweep_count", lambda f: float(f.raid.count)),
    ("sweep_is_equal", lambda f: float(f.raid.is_equal)),
    ("sweep_is_rejected", lambda f: float(f.raid.is_rejected)),
    ("bars_since_sweep", lambda f: _bars_since(f.raid.index, f)),
    ("displacement_atr", _displacement),
    ("bars_since_displacement", lambda f: _bars_since(f.case.setup.displacement_index, f)),
    ("fvg_atr", _gap),
    ("leg_position", _retraced),
    ("break_is_mss", _is_shift(Kind.MSS)),
    ("break_is_choch", _is_shift(Kind.CHOCH)),
    ("bars_since_break", _bars_since_break),
    ("rr", lambda f: f.signal.rr),
    ("plan_r", lambda f: f.signal.plan_r),
    ("cost_r", lambda f: f.signal.cost_r),
    ("risk_atr", lambda f: f.in_atr(f.signal.risk)),
    ("trend", lambda f: float(f.reading.trend * f.sign)),
    ("htf_trend", lambda f: float(f.case.context.trend * f.sign)),
    ("daily_bias", _daily_bias),
    ("kill_zone", _kill_zone),
    ("hour_sin", lambda f: math.sin(_day_angle(f))),
    ("hour_cos", lambda f: math.cos(_day_angle(f))),
    ("weekday", _weekday),
    ("atr_pct", lambda f: 100.0 * f.reading.atr / f.reading.close),
    ("rsi", lambda f: (f.indicators.rsi - RSI_MIDDLE) * f.sign),
    ("adx", lambda f: f.indicators.adx),
    ("fast_ema_distance_atr", _distance(lambda i: i.fast_ema)),
    ("slow_ema_distance_atr", _distance(lambda i: i.slow_ema)),
    ("macd_histogram_atr", lambda f: f.in_atr(f.indicators.macd_histogram) * f.sign),
    ("bollinger_position", lambda f: (2 * f.indicators.bollinger_position - 1) * f.sign),
    ("obv_change", lambda f: f.indicators.obv_change * f.sign),
    ("vwap_distance_atr", _distance(lambda i: i.vwap)),
    ("bar_volume_ratio", _volume),
    ("btc_trend", _btc_trend),
    ("btc_move_atr", _btc_move),
)
FEATURE_NAMES: tuple[str, ...] = tuple(name for name, _ in FEATURES)


def feature_reader(params: Params) -> Describer:
    """What describes the signals of a stack by their features."""
    return lambda stack: FeatureReader(stack, params.window.window_bars)


class FeatureReader(Describe):
    """Describes the signals of one stack; the indicators of a stretch of bars are worked out once."""

    def __init__(self, stack: Stack, window_bars: int) -> None:
        self._own = stack.own
        self._stretch_bars = max(1, window_bars - WARM_BARS)
        self._stretches: dict[int, _Stretch] = {}

    def __call__(self, case: Case, signal: Signal, /) -> Description:
        indicators = self._indicators(case.reading.open_ms(case.reading.last))
        facts = Facts(case, signal, indicators)
        features = {name: feature(facts) for name, feature in FEATURES}
        return Description(features, FEATURES_VERSION, regime_of(indicators.adx))

    def _indicators(self, open_ms: int) -> IndicatorValues:
        timeframe_ms = self._own.timeframe.ms
        number = open_ms // (self._stretch_bars * timeframe_ms)
        stretch = self._stretches.get(number)
        if stretch is None:
            begin_ms = number * self._stretch_bars * timeframe_ms
            first = int(np.searchsorted(self._own.open_ms, begin_ms - WARM_BARS * timeframe_ms))
            end = int(np.searchsorted(self._own.open_ms, begin_ms + self._stretch_bars * timeframe_ms))
            stretch = self._stretches[number] = _Stretch(self._own.window(end, end - first))
        return stretch.at(open_ms)


def regime_of(adx: float) -> str | None:
    """The market's regime by its ADX: trend, range or between them; None where that is not known."""
    if math.isnan(adx):
        return None
    return "trend" if adx >= TREND_ADX else "range" if adx < RANGE_ADX else "between"


class _Stretch:
    """The indicator columns of one stretch of bars."""

    def __init__(self, candles: Candles) -> None:
        # pandas comes with the first signal that is described: a third of a second that no short command has to wait
        indicators = importlib.import_module("engine.indicators").Indicators(candles)
        self._open_ms = candles.open_ms
        self._rsi = indicators.rsi()
        self._adx = indicators.adx()
        self._fast_ema = indicators.ema(FAST_EMA_BARS)
        self._slow_ema = indicators.ema(SLOW_EMA_BARS)
        self._macd_histogram = indicators.macd_histogram()
        self._bollinger_position = indicators.bollinger_position()
        self._obv_change = _change_by_volume(indicators.obv(), candles.volume)
        self._vwap = indicators.vwap()

    def at(self, open_ms: int) -> IndicatorValues:
        bar = int(np.searchsorted(self._open_ms, open_ms))
        return IndicatorValues(
            rsi=self._rsi.item(bar),
            adx=self._adx.item(bar),
            fast_ema=self._fast_ema.item(bar),
            slow_ema=self._slow_ema.item(bar),
            macd_histogram=self._macd_histogram.item(bar),
            bollinger_position=self._bollinger_position.item(bar),
            obv_change=self._obv_change.item(bar),
            vwap=self._vwap.item(bar),
        )


def _change_by_volume(obv: NDArray[np.float64], volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Change of on-balance volume over the last bars as a share of what was traded in them, -1..1."""
    change = np.full(len(obv), np.nan)
    if len(obv) > SLOPE_BARS:
        traded = np.lib.stride_tricks.sliding_window_view(volume[1:], SLOPE_BARS).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            change[SLOPE_BARS:] = (obv[SLOPE_BARS:] - obv[:-SLOPE_BARS]) / traded
    return np.where(np.isfinite(change), change, np.nan)
