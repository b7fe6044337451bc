"""Each finding of the doctor is good where all is well, and names what to do where it is not."""

import asyncio
from pathlib import Path

from diagnostics import doctor
from engine.vocabulary import BookKind
from gateways.market import MarketError
from storage.book import Book
from storage.lock import BookLock
from tests.fakes.bot_api import BotApi
from tests.storage.samples import NOW_MS


def test_a_settings_file_that_others_can_read_is_named_with_its_cure(tmp_path: Path):
    path = tmp_path / ".env"
    assert doctor.env_file(path).is_good
    path.touch(mode=0o600)
    assert doctor.env_file(path).is_good
    path.chmod(0o644)

    assert doctor.env_file(path).fix == f"chmod 600 {path}"


def test_a_missing_folder_is_named(tmp_path: Path):
    assert doctor.folder(tmp_path / "live.db").is_good
    assert doctor.folder(tmp_path / "none" / "live.db").fix == f"mkdir -p {tmp_path / 'none'}"
    assert "GB" in doctor.disk(tmp_path / "none" / "live.db").value


def test_an_old_sqlite_and_a_zone_without_data_are_named():
    assert doctor.sqlite().is_good
    assert not doctor.sqlite("3.39.4").is_good
    assert doctor.zone("Europe/Sofia").is_good
    assert not doctor.zone("Europe/Atlantis").is_good


def test_a_book_is_sound_or_is_not_and_tells_who_runs_on_it(tmp_path: Path):
    path = tmp_path / "live.db"
    assert doctor.soundness(path).is_good
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()
    with BookLock.acquire(path, "bot 7", NOW_MS):
        assert doctor.lock(path).value == "held by bot 7"
    assert doctor.lock(path).value == "free"
    assert doctor.soundness(path).is_good
    path.write_bytes(b"no book")

    assert not doctor.soundness(path).is_good


async def test_an_exchange_that_answers_with_another_time_or_not_at_all_is_named():
    async def answers() -> int:
        return NOW_MS

    async def fails() -> int:
        raise MarketError("it is shut")

    assert (await doctor.exchange(answers, lambda: NOW_MS + 900)).is_good
    assert "NTP" in str((await doctor.exchange(answers, lambda: NOW_MS + 5_000)).fix)
    assert (await doctor.exchange(fails, lambda: NOW_MS)).value == "it is shut"


async def test_an_exchange_that_hangs_is_waited_for_a_bounded_time():
    async def hangs() -> int:
        await asyncio.sleep(60)
        return NOW_MS

    assert not (await doctor.exchange(hangs, lambda: NOW_MS, within_s=0.05)).is_good


async def test_telegram_answers_or_is_named_with_its_port():
    with BotApi().running() as url:
        assert (await doctor.telegram(url)).is_good

    assert "port 9" in str((await doctor.telegram("http://127.0.0.1:9")).fix)
