import multiprocessing
from datetime import UTC
from hashlib import sha256
from pathlib import Path

import pytest

from services.legacy_files import BATCH, FileFailed, LegacyFile, found_files, opened
from storage.legacy_bulk import Bulk
from tests.migrations.legacy.documents import NOW_MS, journal, row

LARGE = Bulk(from_bytes=0)


@pytest.fixture
def file(tmp_path: Path) -> LegacyFile:
    """A journal of more than one batch."""
    trades = [row(id=no, timestamp=f"2025-11-25T06:59:56.{no:06}") for no in range(BATCH + 1)]
    (tmp_path / "journal.json").write_text(journal(*trades))
    [found] = found_files(tmp_path, tmp_path / "book.db")
    assert isinstance(found, LegacyFile)
    return found


def test_a_large_file_is_known_by_its_content_and_leaves_no_process_when_nobody_reads_it(file: LegacyFile):
    before = set(multiprocessing.active_children())  # other tests keep processes for what comes next
    with opened(file, UTC, NOW_MS, LARGE) as (version, _):
        assert version.sha256 == sha256(file.path.read_bytes()).hexdigest()
        begun = set(multiprocessing.active_children()) - before
        assert begun != set()

    assert begun.isdisjoint(multiprocessing.active_children())


def test_a_file_that_is_changed_while_it_is_read_fails(file: LegacyFile):
    with opened(file, UTC, NOW_MS) as (_, read):
        next(read)
        file.path.write_text(journal(row()))

        with pytest.raises(FileFailed, match="it was changed while it was read"):
            list(read)
