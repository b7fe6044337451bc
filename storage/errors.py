"""Why a book cannot be used: one class per reason, one sentence for a person in each."""


class BookError(Exception):
    """A book that cannot be used; the message is one sentence for a person."""


class MissingDirectory(BookError):
    """The directory of the book does not exist."""


class MissingBook(BookError):
    """There is no file at the path, and none is to be made."""


class NotABook(BookError):
    """The path holds something else: a directory, a text file, another program's database."""


class LegacyBook(BookError):
    """The path holds a legacy positions.db, which is imported, not opened."""


class NewerBook(BookError):
    """A newer program made this book; this one would not understand it."""


class OlderBook(BookError):
    """The book waits for an upgrade, and a reader may not do it."""


class WrongKind(BookError):
    """A book of one kind was about to be used as another."""


class ReadOnlyBook(BookError):
    """The file, its directory or its disk cannot be written."""


class DiskFull(BookError):
    """There is no room for the next page; the transaction did not happen."""


class CorruptBook(BookError):
    """SQLite found the file damaged."""


class BusyBook(BookError):
    """Another process has been writing for longer than we wait."""


class UnreachableBook(BookError):
    """The disk or the file system failed, or the file may not be read."""


class BookInUse(BookError):
    """Another bot runs on this book."""


class ForeignLog(BookError):
    """Beside the book lies the log of another one."""
