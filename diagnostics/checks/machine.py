"""Whether the machine carries the bot: disk, memory, files, and who may read what is secret."""

from diagnostics.checks.finding import Asked, Check, Said, Status

LEAST_FREE_BYTES = 1_000_000_000
HARDLY_FREE_BYTES = 100_000_000
MOST_WAL_BYTES = 100_000_000
MOST_MEMORY_BYTES = 800_000_000
"""Of the 1 GB that the bot is made for."""
MOST_OPEN_RATIO = 0.8

NOBODY_LOOKED = Said(Status.IDLE, "-", "nobody looked at the disk")
NEVER_RAN = Said(Status.IDLE, "-", "the bot was not started on this book")


def free_disk(asked: Asked) -> Said:
    """The book and its backups have room to grow."""
    if asked.place is None:
        return NOBODY_LOOKED
    free = asked.place.free_bytes
    value = f"{free / 1e9:,.1f} GB"
    if free < HARDLY_FREE_BYTES:
        return Said(Status.FAIL, value, "soon nothing can be written")
    if free < LEAST_FREE_BYTES:
        return Said(Status.WARN, value, "too little for the book and its backups to grow")
    return Said(Status.OK, value, f"free beside a book of {asked.place.book_bytes / 1e6:,.0f} MB")


def wal(asked: Asked) -> Said:
    """The write-ahead log is brought into the book now and then."""
    if asked.place is None:
        return NOBODY_LOOKED
    value = f"{asked.place.wal_bytes / 1e6:,.1f} MB"
    if asked.place.wal_bytes > MOST_WAL_BYTES:
        return Said(Status.WARN, value, "some reader never lets go of the book")
    return Said(Status.OK, value, "beside the book")


def file_modes(asked: Asked) -> Said:
    """The book and the file with the token are their owner's alone."""
    if asked.place is None:
        return NOBODY_LOOKED
    if found := asked.place.open_to_others:
        return Said(Status.WARN, f"{len(found)} open to others", "chmod 600 " + " ".join(map(str, found)))
    return Said(Status.OK, "600", "the book and the token are their owner's alone")


def memory(asked: Asked) -> Said:
    """The bot leaves the machine room to breathe."""
    if asked.pulse is None or asked.pulse.vitals.memory_bytes is None:
        return NEVER_RAN
    taken = asked.pulse.vitals.memory_bytes
    status = Status.WARN if taken > MOST_MEMORY_BYTES else Status.OK
    return Said(status, f"{taken / 1e6:,.0f} MB", "what the bot holds in memory")


def open_files(asked: Asked) -> Said:
    """The bot is far from the number of files it may open."""
    if asked.pulse is None or asked.pulse.vitals.open_files is None or asked.pulse.vitals.most_open_files is None:
        return NEVER_RAN
    count, most = asked.pulse.vitals.open_files, asked.pulse.vitals.most_open_files
    status = Status.WARN if count > MOST_OPEN_RATIO * most else Status.OK
    return Said(status, f"{count} of {most}", "files and connections the bot has open")


CHECKS = (
    Check(
        "free disk",
        "room on the disk of the book",
        f"{LEAST_FREE_BYTES / 1e9:g} GB",
        "free some, or move data/ to a larger disk",
        free_disk,
    ),
    Check(
        "wal",
        "the write-ahead log beside the book",
        f"{MOST_WAL_BYTES / 1e6:g} MB",
        "close programs that keep the book open, or restart the bot",
        wal,
    ),
    Check(
        "file modes",
        "who may read the book and .env",
        "their owner alone",
        "the command stands behind the count",
        file_modes,
    ),
    Check(
        "memory",
        "what the bot holds in memory",
        f"{MOST_MEMORY_BYTES / 1e6:g} MB",
        "restart the bot; watch fewer pairs if it comes again",
        memory,
    ),
    Check(
        "open files",
        "files and connections the bot has open",
        f"{MOST_OPEN_RATIO:.0%} of what it may",
        "restart the bot, and tell whoever wrote this program",
        open_files,
    ),
)
