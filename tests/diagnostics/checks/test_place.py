"""What the disk says around a book."""

from pathlib import Path

from diagnostics.checks import Status, health_of, place_of
from engine.vocabulary import BookKind
from services.backup import back_up
from storage.book import Book
from tests.storage.samples import NOW_MS


def made(folder: Path) -> Path:
    """A new live book."""
    path = folder / "positions.db"
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()
    return path


def test_a_new_book_is_its_owners_alone(tmp_path: Path):
    assert place_of(made(tmp_path), tmp_path / ".env").open_to_others == ()


def test_a_book_and_a_token_that_others_may_read_are_named(tmp_path: Path):
    book, secrets = made(tmp_path), tmp_path / ".env"
    secrets.write_text("ONEBOOK_TOKEN=x")
    secrets.chmod(0o640)
    book.chmod(0o604)

    assert place_of(book, secrets).open_to_others == (book, secrets)


def test_sizes_room_and_the_newest_backup_are_told(tmp_path: Path):
    book = made(tmp_path)
    assert place_of(book).newest_backup_ms is None
    back_up(book, NOW_MS)

    place = place_of(book)
    assert place.newest_backup_ms == NOW_MS // 1_000 * 1_000
    assert place.book_bytes == book.stat().st_size
    assert place.free_bytes > 0
    assert not place.is_large


def test_the_health_of_a_path_looks_at_what_lies_around_it(tmp_path: Path):
    book = made(tmp_path)
    book.chmod(0o644)

    [modes] = [one for one in health_of(book, NOW_MS).checks if one.name == "file modes"]
    assert (modes.status, modes.detail) == (Status.WARN, f"chmod 600 {book}")
