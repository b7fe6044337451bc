"""The two ordered lists of gates: what may go to the channel, and what the paper account has room for.

A gate looks at one signal and at what the book says around it, and gives one verdict; all verdicts are stored, passed
or not. An account without room does not silence the channel (DESIGN 5).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.params import AccountParams, GateParams, Params
from engine.protections import Lock
from engine.scores import SIZE_FACTORS, ScoreStatus
from engine.timeframes import DAY_MS
from engine.vocabulary import Direction, Signal, Verdict


@dataclass(frozen=True, slots=True)
class SentSignal:
    """A signal the channel was given, as the gates need it."""

    symbol: str
    timeframe: str
    direction: Direction
    entry: float
    confidence: float
    created_ms: int
    is_live: bool


@dataclass(frozen=True, slots=True)
class ChannelView:
    """What the book says around a signal at its close. `atr` is the mean true range of its timeframe, in price.

    `locks` hold in its symbol; `better_now` signals of the same instant, more confident, passed every other gate; what
    was sent up to `cap_counts_after_ms` does not count towards the daily cap.
    """

    now_ms: int
    atr: float
    last_price: float
    structure_trend: int
    recent: tuple[SentSignal, ...] = ()
    locks: tuple[Lock, ...] = ()
    blackout: str | None = None
    better_now: int = 0
    cap_counts_after_ms: int = 0
    manual: bool = False


@dataclass(frozen=True, slots=True)
class AccountView:
    """The paper account at the instant of the question; money in its currency."""

    balance: float
    open_in_symbol: int
    open_in_all: int
    exposure: float
    open_risk: float
    realized_today: float
    coin_status: ScoreStatus = ScoreStatus.UNKNOWN


ChannelGate = Callable[[Signal, ChannelView, GateParams], Verdict]
AccountGate = Callable[[Signal, AccountView, AccountParams], Verdict]


def freshness(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """The zone that gives the entry was drawn lately: what price left long ago, it has mostly forgotten."""
    zone_age = signal.chart.zone_age_bars if signal.chart is not None else 0
    age = zone_age + (view.now_ms - signal.candle_close_ms) / signal.timeframe.ms
    return Verdict("freshness", age <= params.fresh_within_bars, f"{age:g} bars", f"{params.fresh_within_bars:g} bars")


def bias(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """Not against both the structure of its own timeframe and that of the higher one; either alone is no veto."""
    sign = signal.direction.sign
    against = [
        name
        for name, trend in (("own structure", view.structure_trend), ("higher timeframe", signal.htf_bias or 0))
        if trend == -sign
    ]
    return Verdict("bias", len(against) < 2, f"{len(against)} against", "1", note=" and ".join(against) or None)


def zone_distance(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """Price has not run so far from the entry that it is unlikely to come back within the validity."""
    distance = abs(view.last_price - signal.entry) / view.atr
    limit = params.zone_distance_max_atr
    return Verdict("zone_distance", distance <= limit, f"{distance:.2f} ATR", f"{limit:g} ATR")


def rr(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    return Verdict("rr", signal.rr >= params.min_rr, f"{signal.rr:.2f}", f"{params.min_rr:g}")


def cost(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    return Verdict("cost", signal.cost_r <= params.max_cost_r, f"{signal.cost_r:.3f}R", f"{params.max_cost_r:g}R")


def confidence(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """The score is high enough to be sent; a signal asked for by hand needs more (DESIGN 5).

    So is the base score: what a model adds to it never sends a signal by itself.
    """
    limit = params.send_from_confidence_manual if view.manual else params.send_from_confidence
    score = min(signal.confidence, signal.base_confidence)
    return Verdict("confidence", score >= limit, f"{score:.1f}", f"{limit:g}")


def dedupe(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """The same series and direction was not sent within the cooldown with an entry as good as equal.

    This is the verdict to show; the claim in `sent_signals`, made in the recording transaction, enforces it.
    """
    cooldown_ms = params.dedupe_cooldown_bars * signal.timeframe.ms
    tolerance = params.dedupe_tolerance_atr * view.atr
    twins = [
        sent
        for sent in view.recent
        if (sent.symbol, sent.timeframe, sent.direction) == (signal.symbol, signal.timeframe.text, signal.direction)
        and signal.candle_close_ms - sent.created_ms < cooldown_ms
        and abs(sent.entry - signal.entry) <= tolerance
    ]
    return Verdict("dedupe", not twins, f"{len(twins)} alike", f"0 in {params.dedupe_cooldown_bars} bars")


def opposite(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """No live signal, armed or open, stands the other way in this symbol."""
    against = [
        sent
        for sent in view.recent
        if sent.is_live and sent.symbol == signal.symbol and sent.direction is not signal.direction
    ]
    note = f"{against[0].direction.value} on {against[0].timeframe}" if against else None
    return Verdict("opposite", not against, f"{len(against)} live", "0", note=note)


def cluster(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """Of one direction within one hour on correlated pairs only the best few are sent; all crypto pairs count as correlated."""
    better = [
        sent
        for sent in view.recent
        if sent.direction is signal.direction
        and sent.symbol != signal.symbol
        and abs(signal.candle_close_ms - sent.created_ms) <= params.cluster_window_ms
    ]
    return Verdict(
        "cluster", len(better) < params.cluster_best, f"{len(better)} within the hour", f"{params.cluster_best}"
    )


def daily_cap(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """The channel was not given its fill in the last 24 hours, nor since somebody lifted the cap."""
    since_ms = max(signal.candle_close_ms - DAY_MS, view.cap_counts_after_ms)
    sent = sum(other.created_ms > since_ms for other in view.recent)
    return Verdict("daily_cap", sent < params.daily_cap, f"{sent} in 24 h", f"{params.daily_cap}")


def blackout(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    return Verdict("blackout", view.blackout is None, view.blackout or "none", "none")


def protections(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """Nobody paused the bot or this symbol, and no losses closed either; the first lock speaks, the note tells of all."""
    if not view.locks:
        return Verdict("protections", True, "none", "none")
    first = view.locks[0]
    note = ", ".join(lock.kind.value for lock in view.locks)
    return Verdict("protections", False, f"{first.kind.value} {first.value}", first.limit, note=note)


def best_three(signal: Signal, view: ChannelView, params: GateParams) -> Verdict:
    """Of what one instant would send only the most confident few are sent."""
    rank, limit = view.better_now + 1, params.best_of_instant
    return Verdict("best_three", rank <= limit, f"rank {rank}", str(limit))


CHANNEL_GATES: tuple[ChannelGate, ...] = (
    freshness,
    bias,
    zone_distance,
    rr,
    cost,
    confidence,
    dedupe,
    opposite,
    cluster,
    daily_cap,
    blackout,
    protections,
    best_three,
)


def open_in_symbol(signal: Signal, view: AccountView, params: AccountParams) -> Verdict:
    return _room("account.open_in_symbol", view.open_in_symbol, params.max_open_per_symbol)


def open_in_all(signal: Signal, view: AccountView, params: AccountParams) -> Verdict:
    return _room("account.open_in_all", view.open_in_all, params.max_open)


def exposure(signal: Signal, view: AccountView, params: AccountParams) -> Verdict:
    """The notional of all open positions and this one stays within a multiple of the balance."""
    wanted = view.exposure + quantity(signal, view, params) * signal.entry
    limit = params.max_exposure_ratio * view.balance
    return Verdict("account.exposure", wanted <= limit, f"{wanted:.2f}", f"{limit:.2f}")


def portfolio_risk(signal: Signal, view: AccountView, params: AccountParams) -> Verdict:
    """What all stops together would cost, this one included, stays within a share of the balance."""
    wanted = view.open_risk + risk_amount(view, params)
    limit = params.max_portfolio_risk_ratio * view.balance
    return Verdict("account.portfolio_risk", wanted <= limit, f"{wanted:.2f}", f"{limit:.2f}")


def daily_loss(signal: Signal, view: AccountView, params: AccountParams) -> Verdict:
    """What today's closes lost stays within a share of the balance."""
    lost = max(0.0, -view.realized_today)
    limit = params.max_daily_loss_ratio * view.balance
    return Verdict("account.daily_loss", view.balance > 0 and lost < limit, f"{lost:.2f}", f"{limit:.2f}")


def coin_score(signal: Signal, view: AccountView, params: AccountParams) -> Verdict:
    """The account does not trade a coin whose closed trades blacklisted it; the channel hears of its signals all the same."""
    status = view.coin_status
    return Verdict("account.coin_score", SIZE_FACTORS[status] > 0, status.value, "a size above 0")


ACCOUNT_GATES: tuple[AccountGate, ...] = (
    open_in_symbol,
    open_in_all,
    exposure,
    portfolio_risk,
    daily_loss,
    coin_score,
)


GATE_ORDER = {
    name: place
    for place, name in enumerate(
        [*(gate.__name__ for gate in CHANNEL_GATES), *(f"account.{gate.__name__}" for gate in ACCOUNT_GATES)]
    )
}
"""The place of each gate, by the name its verdicts carry."""


def quantity(signal: Signal, view: AccountView, params: AccountParams) -> float:
    """How much of the base asset loses the risked amount between entry and stop."""
    return risk_amount(view, params) / signal.risk


def risk_amount(view: AccountView, params: AccountParams) -> float:
    """What a new trade may lose, in the account's currency: the coin's score sizes it, the account's limit clamps it."""
    ratio = min(params.risk_ratio * SIZE_FACTORS[view.coin_status], params.max_risk_ratio)
    return ratio * max(view.balance, 0.0)


def channel_verdicts(signal: Signal, view: ChannelView, params: GateParams) -> tuple[Verdict, ...]:
    """Every channel gate's verdict on `signal`, in their order."""
    return tuple(gate(signal, view, params) for gate in CHANNEL_GATES)


def account_verdicts(signal: Signal, view: AccountView, params: Params) -> tuple[Verdict, ...]:
    """Every account gate's verdict on `signal`, in their order."""
    return tuple(gate(signal, view, params.account) for gate in ACCOUNT_GATES)


def first_block(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The first verdict that stops the signal; None when none does."""
    return next((verdict for verdict in verdicts if verdict.blocks), None)


def _room(gate: str, used: int, limit: int) -> Verdict:
    return Verdict(gate, used < limit, str(used), str(limit))
