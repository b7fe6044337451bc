"""A report in words: its summary on one screen, its details by everything that trades have in common."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.figures import Voice, in_r, percent, signal_name
from handlers.telegram.locks import lock_line
from handlers.telegram.phrases import setup_words
from handlers.telegram.tables import Column, Table
from services.periods import CalendarPeriod
from services.public_record import ENOUGH_TO_JUDGE
from services.reports import Change, Facts, Figures, Machine, Money, Report, Shown
from storage.job_runs import JobStatus
from storage.reports import Dimension, Results, SignalGroup, Trade

MOST_LOCKS = 4
MOST_ROWS = 8
"""So many rows of a table fit a phone beside the other tables."""
BAD_ENDS = (JobStatus.FAILED, JobStatus.MISSED, JobStatus.ABANDONED)
BACKUP_JOB = "backup"
NO_LOSS = "∞"
NOTHING = "-"

COUNTS = Table((Column("report.signals", 25), Column("", 8, right=True)))
RESULTS = Table(
    (
        Column("table.what", 12),
        Column("table.n", 4, right=True),
        Column("table.won", 4, right=True),
        Column("table.mean", 5, right=True),
        Column("table.sum", 5, right=True),
    )
)
SETUPS = Table(
    (
        Column("report.setup", 21),
        Column("", 1),
        Column("report.n_decided", 4, right=True),
        Column("report.n_sent", 5, right=True),
    )
)
GATES = Table((Column("report.by_gate", 25), Column("table.n", 8, right=True)))
CHANGE_NAMES = {
    "trades.n": "report.closed",
    "trades.wins": "report.wins",
    "trades.losses": "report.losses",
    "trades.total_r": "report.total_r",
    "imported.n": "report.imported",
    "open": "report.open",
    "money.result": "report.money",
}
"""The figures whose change is told by name; of all others their number is."""


def calendar_of(report: Report) -> CalendarPeriod:
    """The period that a report is about."""
    return CalendarPeriod(report.period, date.fromisoformat(report.first), report.zone)


def summary_text(report: Report, voice: Voice, changed: Markup | None = None) -> Markup:
    """What a phone shows without scrolling far; `changed` says what is not as it was told."""
    facts = report.facts
    lines = [*_head(report, voice, changed)]
    if facts.is_empty:
        lines.append(voice.say("report.empty"))
    else:
        lines += [
            COUNTS.html(voice.language, _counts(facts, voice)),
            *_results(facts, voice),
            *_money(facts.money, voice),
        ]
        lines += [*_others(facts, voice), *_model(facts, voice), *_locks(facts, voice)]
    return joined([*lines, *_machine(report.machine, voice)])


def details_text(report: Report, voice: Voice, changed: Markup | None = None) -> Markup:
    """The same period by setup, gate, pair, timeframe, session, score and direction."""
    facts = report.facts
    lines = [*_head(report, voice, changed)]
    if facts.is_empty:
        return joined([*lines, voice.say("report.empty")])
    if facts.signals:
        rows = (_setup_row(group, voice) for group in facts.signals)
        lines += _cut(SETUPS, list(rows), voice)
    if facts.stopped:
        ordered = sorted(facts.stopped, key=lambda stopped: -stopped.n)
        lines += _cut(GATES, [(stopped.gate, str(stopped.n)) for stopped in ordered], voice)
    for grouped in facts.groups:
        if grouped.rows:
            lines.append(voice.say(f"report.by.{grouped.dimension.value}"))
            lines += _cut(RESULTS, [_results_row(results, grouped.dimension, voice) for results in grouped.rows], voice)
    return joined(lines)


def head_text(report: Report, voice: Voice) -> Markup:
    """Which period a picture is about."""
    return joined(_head(report, voice, None))


def changed_line(shown: Shown, voice: Voice) -> Markup | None:
    """What is not as it was told; None when all of it is."""
    if shown.told_ms is None or not shown.changes:
        return None
    named = [_change(change, voice) for change in shown.changes if change.name in CHANGE_NAMES]
    if others := len(shown.changes) - len(named):
        named.append(voice.say("report.other_changes", n=others))
    return voice.say("report.changed", at=voice.clock(shown.told_ms), changes=joined(named, ", "))


def results_table(language: str, found: Iterable[Results]) -> Markup:
    """Trades by what they have in common: how many, the share that won, the mean and the sum in R."""
    return RESULTS.html(language, (_figures_row(results.key, results) for results in found))


def _head(report: Report, voice: Voice, changed: Markup | None) -> Iterator[Markup]:
    last = calendar_of(report).last_day.isoformat()
    yield voice.say(f"report.{report.period.value}", first=report.first, last=last, zone=report.zone)
    if not report.is_over:
        yield voice.say("report.so_far")
    if changed is not None:
        yield changed


def _counts(facts: Facts, voice: Voice) -> Iterator[tuple[str, str]]:
    trades = facts.trades
    for key, count, depth in (
        ("report.decided", facts.decided, 0),
        ("report.sent", facts.sent, 1),
        ("report.held_back", facts.not_sent, 1),
        ("report.missed", facts.missed, 1),
        ("report.filled", facts.filled, 0),
        ("report.expired", facts.expired, 0),
        ("report.cancelled", facts.cancelled, 0),
        ("report.closed", trades.n, 0),
        ("report.wins", trades.wins, 1),
        ("report.losses", trades.losses, 1),
        ("report.breakeven", trades.breakeven, 1),
        ("report.open", facts.open, 0),
    ):
        yield "  " * depth + voice.say(key), str(count)


def _results(facts: Facts, voice: Voice) -> Iterator[Markup]:
    trades = facts.trades
    if trades.win_rate is None or trades.expectancy_r is None:
        return
    rate, mean = trades.win_rate, trades.expectancy_r
    yield voice.say("report.results", total=_r(trades.total_r), fall=f"{trades.drawdown_r:.2f}", factor=_factor(trades))
    yield voice.say("report.rate", rate=f"{rate.value:.0%}", low=f"{rate.low:.0%}", high=f"{rate.high:.0%}")
    if trades.n > 1:  # one trade has no spread
        yield voice.say("report.mean", mean=_r(mean.value), low=_r(mean.low), high=_r(mean.high))
    if not trades.is_judgeable:
        yield voice.say("report.too_few", n=trades.n, enough=ENOUGH_TO_JUDGE)
    if facts.best is not None and facts.worst is not None:
        yield voice.say("report.best", trade=_trade(facts.best, voice))
        yield voice.say("report.worst", trade=_trade(facts.worst, voice))


def _money(money: Money, voice: Voice) -> Iterator[Markup]:
    if money.result or money.closing:
        yield voice.say(
            "report.account",
            result=f"{money.result:+,.2f}",
            currency=money.currency,
            pct=NOTHING if money.result_pct is None else percent(money.result_pct),
            fees=f"{money.fees:,.2f}",
            fall=f"{money.drawdown_pct:.2f} %",
            balance=f"{money.closing:,.2f}",
        )
    if money.moved:
        yield voice.say("report.moved", moved=f"{money.moved:+,.2f}", currency=money.currency)


def _others(facts: Facts, voice: Voice) -> Iterator[Markup]:
    """What ended without having been sent."""
    if (unsent := facts.held_back).n:
        yield voice.say("report.unsent", n=unsent.n, wins=unsent.wins, total=_r(unsent.total_r))
    if (legacy := facts.imported).n:
        total = percent(legacy.total_pct)
        yield voice.say("report.legacy", n=legacy.n, wins=legacy.wins, losses=legacy.losses, total=total)


def _model(facts: Facts, voice: Voice) -> Iterator[Markup]:
    model = facts.model
    if model is None:
        yield voice.say("report.no_model")
        return
    yield voice.say("report.model", asked=model.asked, withheld=model.withheld)
    words = [*model.by_word, *([] if model.withheld_results is None else [model.withheld_results])]
    said = [voice.say(f"report.word.{word.key}", n=word.n, mean=_r(word.mean_r)) for word in words]
    if model.judged:
        promised = f"{model.promised:.1f}"
        said.append(voice.say("report.promise", promised=promised, judged=model.judged, won=model.won))
    if said:
        yield joined(said, "; ")


def _locks(facts: Facts, voice: Voice) -> Iterator[Markup]:
    if not facts.locks:
        yield voice.say("report.no_locks")
    for lock in facts.locks[:MOST_LOCKS]:
        yield lock_line(lock, voice.language, voice.clock)
    if (more := len(facts.locks) - MOST_LOCKS) > 0:
        yield voice.say("report.more_locks", n=more)


def _machine(machine: Machine, voice: Voice) -> Iterator[Markup]:
    done = Counter({job.job: job.n for job in machine.jobs if job.status is JobStatus.OK})
    bad = [
        voice.say(f"report.job.{job.status.value}", n=job.n, job=job.job)
        for job in machine.jobs
        if job.status in BAD_ENDS
    ]
    facts: dict[str, str | int] = {"ok": done.total(), "backups": done[BACKUP_JOB], "starts": machine.starts}
    if bad:
        yield voice.say("report.unwell", bad=joined(bad, ", "), **facts)
    else:
        yield voice.say("report.well", **facts)
    if not machine.incidents:
        yield voice.say("report.no_incidents")
        return
    told = [voice.say(f"report.incident.{incident.type.value}", n=incident.n) for incident in machine.incidents]
    yield voice.say("report.incidents", incidents=joined(told, ", "))


def _cut(table: Table, rows: Sequence[Sequence[str]], voice: Voice) -> Iterator[Markup]:
    """The first rows of a table, and how many more there are."""
    yield table.html(voice.language, rows[:MOST_ROWS])
    if (more := len(rows) - MOST_ROWS) > 0:
        yield voice.say("report.more_rows", n=more)


def _setup_row(group: SignalGroup, voice: Voice) -> tuple[str, ...]:
    return setup_words(voice, group.setup), group.direction.value[0], str(group.decided), str(group.sent)


def _results_row(results: Results, dimension: Dimension, voice: Voice) -> tuple[str, ...]:
    return _figures_row(setup_words(voice, results.key) if dimension is Dimension.SETUP else results.key, results)


def _figures_row(name: str, results: Results) -> tuple[str, ...]:
    share = f"{results.wins / results.n:.0%}"
    return name, str(results.n), share, f"{results.mean_r:+.2f}", f"{results.total_r:+.1f}"


def _trade(trade: Trade, voice: Voice) -> Markup:
    assert trade.r_multiple is not None, "own trades know their risk"
    return voice.say(
        "report.trade",
        name=signal_name(trade.signal_id),
        direction=voice.say(f"direction.{trade.direction.value}"),
        symbol=trade.symbol,
        timeframe=trade.timeframe,
        r=in_r(trade.r_multiple),
        pct=percent(trade.pnl_pct),
    )


def _change(change: Change, voice: Voice) -> Markup:
    name = voice.say(CHANGE_NAMES[change.name])
    return voice.say("report.change", name=name, was=_figure(change.was), now=_figure(change.now))


def _figure(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _factor(figures: Figures) -> str:
    if figures.profit_factor is not None:
        return f"{figures.profit_factor:.2f}"
    return NO_LOSS if figures.total_r > 0 else NOTHING


def _r(value: float) -> str:
    return f"{value:+.2f}"
