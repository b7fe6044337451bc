"""The dated events around which history is judged as if nothing had been sent: `--blackouts` of replay and backtest."""

import sys
from pathlib import Path

from services.blackouts import Blackout, read_calendar


class BlackoutUsageError(ValueError):
    """A file of blackouts that cannot be read; the message is one sentence."""


def blackouts_of(path: Path | None) -> tuple[Blackout, ...]:
    """The blackouts of the file; a line that cannot be read is named on stderr and left out, as live."""
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BlackoutUsageError(f"{path} cannot be read: {error}") from error
    calendar = read_calendar(lines)
    for fault in calendar.faults:
        print(f"onebook: {path}, {fault}", file=sys.stderr)
    return calendar.blackouts
