"""Snapshots: one a period, as it was told first."""

from dataclasses import replace

from storage.book import Book
from storage.snapshots import Snapshot, SnapshotPeriod
from tests.storage.samples import DAY_MS, NOW_MS, book

__all__ = ["book"]

TOLD = Snapshot("report", "UTC", SnapshotPeriod.DAY, NOW_MS, NOW_MS + DAY_MS, {"trades": 3, "total_r": 1.5})


def test_a_period_has_one_snapshot_and_the_first_stands(book: Book):
    with book.transaction() as tx:
        assert tx.snapshots.keep(TOLD)
        assert not tx.snapshots.keep(replace(TOLD, metrics={"trades": 4}))

        assert tx.snapshots.at("report", "UTC", SnapshotPeriod.DAY, NOW_MS) == TOLD


def test_another_zone_period_or_day_is_another_snapshot(book: Book):
    with book.transaction() as tx:
        tx.snapshots.keep(TOLD)

        assert tx.snapshots.at("report", "Europe/Sofia", SnapshotPeriod.DAY, NOW_MS) is None
        assert tx.snapshots.at("report", "UTC", SnapshotPeriod.WEEK, NOW_MS) is None
        assert tx.snapshots.at("report", "UTC", SnapshotPeriod.DAY, NOW_MS + 1) is None


def test_the_last_is_that_of_the_latest_period(book: Book):
    later = replace(TOLD, scope_id="Europe/Sofia", period_start_ms=NOW_MS + DAY_MS)
    with book.transaction() as tx:
        for snapshot in (later, TOLD):
            tx.snapshots.keep(snapshot)

        assert tx.snapshots.last("report", SnapshotPeriod.DAY) == later
        assert tx.snapshots.last("report", SnapshotPeriod.MONTH) is None
