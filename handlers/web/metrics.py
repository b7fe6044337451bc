"""A reading of the book in the words of Prometheus; `docs/operations.md` lists them."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from handlers.web.reading import Numbers, Reading
from storage.job_runs import JobStatus
from storage.lock import Holder
from storage.pulse import Pulse, Vitals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MS_PER_SECOND = 1_000

Samples = Iterable[tuple[tuple[str, ...], float]]


def exposition(reading: Reading) -> bytes:
    """The reading, and the memory and files of this process, as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Read(reading))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Read(Collector):
    """Tells one reading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[GaugeMetricFamily]:
        health, numbers = self._reading.health, self._reading.numbers
        yield _gauge("health", "0 OK, 1 WARN, 2 FAIL, as the exit code of `health`.", (), [((), health.exit_code)])
        checks = [((check.name,), check.status.rank) for check in health.checks]
        yield _gauge("check", "One check: 0 OK, 1 IDLE, 2 WARN, 3 FAIL.", ("check",), checks)
        if numbers is not None:
            yield from _counted(numbers, self._reading.taken_ms)


def _counted(numbers: Numbers, now_ms: int) -> Iterator[GaugeMetricFamily]:
    gauges, holder = numbers.gauges, numbers.holder
    accounts = gauges.accounts
    yield _gauge("signals", "Signals of the book by status.", ("status",), [((s,), n) for s, n in gauges.signals])
    yield _gauge("outbox", "Messages to chats by state.", ("state",), [((s,), n) for s, n in gauges.outbox])
    waiting_ms = 0 if gauges.waiting_since_ms is None else now_ms - gauges.waiting_since_ms
    yield _gauge("outbox_oldest_seconds", "Age of the oldest message that waits.", (), [((), _seconds(waiting_ms))])
    yield _gauge("positions_open", "Open positions.", ("book",), [((a.kind,), a.open_positions) for a in accounts])
    balances = [((a.kind,), a.balance) for a in accounts if a.balance is not None]
    yield _gauge("balance", "Sum of the ledger, in the account's currency.", ("book",), balances)
    unrealized = [((a.kind,), a.unrealized) for a in accounts if a.unrealized is not None]
    yield _gauge("unrealized", "What open positions stand at, before costs.", ("book",), unrealized)
    ages = [((run.job,), _seconds(now_ms - (run.finished_ms or run.started_ms or run.slot_ms))) for run in numbers.jobs]
    yield _gauge("job_age_seconds", "Since the last run of a job ended, or began if it runs.", ("job",), ages)
    bad = (JobStatus.FAILED, JobStatus.MISSED, JobStatus.ABANDONED)
    yield _gauge(
        "job_ok",
        "0 when a job's last run went wrong.",
        ("job",),
        [((j.job,), j.status not in bad) for j in numbers.jobs],
    )
    yield _gauge("incidents_open", "Checks that are ill and were told.", (), [((), numbers.incidents_open)])
    yield _gauge("bot_up", "1 while a bot runs on the book.", (), [((), holder is not None)])
    if holder is not None:
        yield from _of_the_bot(holder, numbers.pulse, now_ms)


def _of_the_bot(holder: Holder, pulse: Pulse | None, now_ms: int) -> Iterator[GaugeMetricFamily]:
    age, uptime = _seconds(now_ms - holder.heartbeat_ms), _seconds(now_ms - holder.since_ms)
    yield _gauge("bot_heartbeat_age_seconds", "Since the bot's last sign of life.", (), [((), age)])
    yield _gauge("bot_uptime_seconds", "Since the bot was started.", (), [((), uptime)])
    vitals = Vitals() if pulse is None else pulse.vitals
    if vitals.memory_bytes is not None:
        yield _gauge("bot_memory_bytes", "Memory of the bot.", (), [((), vitals.memory_bytes)])
    if vitals.open_files is not None:
        yield _gauge("bot_open_files", "Files the bot has open.", (), [((), vitals.open_files)])


def _gauge(name: str, about: str, labels: tuple[str, ...], samples: Samples) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"onebook_{name}", about, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _seconds(ms: int) -> float:
    return ms / MS_PER_SECOND
