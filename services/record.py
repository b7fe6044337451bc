"""Records one instant's decisions: scan rows, signals with every verdict, dedupe claims, messages, armed orders.

All looks of one instant are recorded in one unit of work, the best first, because signals of one instant compete for
the same room.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from engine.gates import ChannelView, account_verdicts, best_three, channel_verdicts, first_block, risk_amount
from engine.params import Params
from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import PortfolioKind, Rejected, Signal, SignalStatus, Verdict
from ml.acting import Said
from services.announce import Announcements
from services.blackouts import Blackout
from services.position_manager import Settlement, arm
from services.protections import Guard, guard_at
from storage.events import EventType
from storage.predictions import Prediction
from storage.scans import Scan
from storage.signals import StoredSignal
from storage.stores import Stores

BEST_THREE = best_three.__name__
SUPPRESSING_GATES = frozenset({"dedupe", "opposite", "cluster", "daily_cap", "blackout", "protections", BEST_THREE})
UNWANTED = "audience: no chat wants it"


class Told(Enum):
    """What became of a look in the book."""

    NOTHING = "nothing"
    SEEN_AGAIN = "seen again"
    KEPT = "kept"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at one series at one close."""

    symbol: str
    timeframe: Timeframe
    candle_close_ms: int
    result: Signal | Rejected
    duration_ms: int | None = None
    said: Said | None = None
    """What the acting model said of the signal; None where none was asked."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for the decisions of an instant besides the book: who is told, and the blackouts of the calendar."""

    announcements: Announcements
    blackouts: tuple[Blackout, ...] = ()


class Recorder:
    """Writes looks into the running unit of work; new orders go straight into its settlement."""

    def __init__(self, stores: Stores, settlement: Settlement, params: Params, circumstances: Circumstances) -> None:
        self._stores = stores
        self._settlement = settlement
        self._params = params
        self._circumstances = circumstances
        self._paper = stores.portfolios.of_kind(PortfolioKind.PAPER)
        self._shadow = stores.portfolios.of_kind(PortfolioKind.SHADOW)

    def instant(self, looks: Sequence[Looked], now_ms: int) -> tuple[Told, ...]:
        """Record the looks of one instant; `now_ms` is when they were taken. The answers follow the order given."""
        self.looked(looks, now_ms)
        return self.decided(looks, now_ms)

    def looked(self, looks: Iterable[Looked], ran_ms: int | None = None) -> None:
        """Write the scan rows of looks taken at `ran_ms`; None = each at its own close, as in a replay."""
        self._stores.scans.record_many(_scan(look, ran_ms) for look in looks)

    def decided(self, looks: Sequence[Looked], now_ms: int) -> tuple[Told, ...]:
        """Record the signals among the looks of one instant, the most confident first."""
        told = [Told.NOTHING] * len(looks)
        found = [(number, look.result) for number, look in enumerate(looks) if isinstance(look.result, Signal)]
        found.sort(key=lambda entry: (-entry[1].confidence, entry[1].symbol, entry[1].timeframe.ms))
        instant = _Instant(now_ms)
        for number, signal in found:
            told[number] = self._record(signal, looks[number].said, instant)
        return tuple(told)

    def _record(self, signal: Signal, said: Said | None, instant: "_Instant") -> Told:
        stores, at_ms = self._stores, signal.candle_close_ms
        if stores.signals.see_again(signal, at_ms) is not None:
            return Told.SEEN_AGAIN
        verdicts = channel_verdicts(signal, self._channel_view(signal, instant), self._params.gates)
        blocked = first_block(verdicts)
        status = _status_behind(blocked)
        stored = stores.signals.record(signal, verdicts, status, _reason(blocked), at_ms).stored
        if said is not None:
            word = Prediction(stored.id, said.model_id, said.p_win, said.weight, said.adjustment, at_ms)
            stores.predictions.add(word)
        if blocked is None and not self._claim(signal, stored.id):
            status = SignalStatus.SUPPRESSED
            stores.signals.set_status(stored.id, status, "dedupe: its place in the cache is taken", at_ms)
            stored = stores.signals.get(stored.id)
        instant.passed += status is SignalStatus.ACCEPTED or (blocked is not None and blocked.gate == BEST_THREE)
        if status is SignalStatus.ACCEPTED:
            stored = self._send(stored)
        if stored.is_live:
            self._arm_paper(stored)
        self._settlement.follow(arm(stores, stored, self._shadow, at_ms), stored)
        return Told.SENT if stored.is_live else Told.KEPT

    def _channel_view(self, signal: Signal, instant: "_Instant") -> ChannelView:
        stores, at_ms = self._stores, signal.candle_close_ms
        assert signal.chart is not None, "a decided signal carries the facts of its chart"
        if instant.guard is None:
            instant.guard = guard_at(stores, at_ms, self._params, self._circumstances.blackouts)
        since_ms = at_ms - max(DAY_MS, self._params.gates.dedupe_cooldown_bars * signal.timeframe.ms)
        return ChannelView(
            now_ms=instant.now_ms,
            atr=signal.chart.atr,
            last_price=signal.chart.last_price,
            structure_trend=signal.chart.structure_trend,
            recent=stores.signals.recent_sent(since_ms),
            locks=instant.guard.protections_in(signal.symbol),
            blackout=instant.guard.blackout_in(signal.symbol),
            better_now=instant.passed,
            cap_counts_after_ms=instant.guard.cap_counts_after_ms,
        )

    def _claim(self, signal: Signal, signal_id: int) -> bool:
        gates = self._params.gates
        assert signal.chart is not None
        return self._stores.signal_cache.claim(
            signal.symbol,
            signal.timeframe,
            signal.direction,
            signal.entry,
            signal.confidence,
            signal_id,
            signal.candle_close_ms,
            gates.dedupe_cooldown_bars * signal.timeframe.ms,
            gates.dedupe_tolerance_atr * signal.chart.atr,
        )

    def _send(self, stored: StoredSignal) -> StoredSignal:
        """Queue the post, if any chat wants it; a replay only marks what would have been sent."""
        signals, at_ms = self._stores.signals, stored.signal.candle_close_ms
        announcements = self._circumstances.announcements
        if not announcements.chat_ids:
            signals.set_status(stored.id, SignalStatus.SENT, None, at_ms)
        elif not announcements.signal(self._stores, stored.id, stored.signal, at_ms):
            signals.set_status(stored.id, SignalStatus.SUPPRESSED, UNWANTED, at_ms)
        return signals.get(stored.id)

    def _arm_paper(self, stored: StoredSignal) -> None:
        """An order in the paper book if the account gates agree; their verdicts are kept either way."""
        stores, signal, at_ms = self._stores, stored.signal, stored.signal.candle_close_ms
        view = stores.positions.account_view(self._paper.id, signal.symbol, int(Timeframe.D1.floor(at_ms)))
        verdicts = account_verdicts(signal, view, self._params)
        stores.signals.add_verdicts(stored.id, verdicts, at_ms)
        if first_block(verdicts) is None:
            amount = risk_amount(view, self._params.account)
            condition = arm(stores, stored, self._paper, at_ms, risk_amount=amount)
            self._settlement.follow(condition, stored)
            stores.events.add(
                EventType.CONDITION_ARMED,
                at_ms,
                signal_id=stored.id,
                portfolio_id=self._paper.id,
                symbol=signal.symbol,
                message=f"order at {signal.entry:.10g}",
                idem_key=f"armed:{condition.id}",
            )


@dataclass(slots=True)
class _Instant:
    """What the recording of one instant has come to: how many signals passed every gate but that of the best."""

    now_ms: int
    guard: Guard | None = None
    passed: int = 0


def _scan(look: Looked, ran_ms: int | None) -> Scan:
    return Scan(
        symbol=look.symbol,
        timeframe=look.timeframe.text,
        candle_close_ms=look.candle_close_ms,
        ran_ms=look.candle_close_ms if ran_ms is None else ran_ms,
        duration_ms=look.duration_ms,
        signals=int(isinstance(look.result, Signal)),
        rejected=look.result if isinstance(look.result, Rejected) else None,
    )


def _status_behind(blocked: Verdict | None) -> SignalStatus:
    if blocked is None:
        return SignalStatus.ACCEPTED
    return SignalStatus.SUPPRESSED if blocked.gate in SUPPRESSING_GATES else SignalStatus.REJECTED


def _reason(blocked: Verdict | None) -> str | None:
    return None if blocked is None else f"{blocked.gate}: {blocked.value}, limit {blocked.limit}"
