"""Start here: knows every room, asks the clock, offers the commands.

python bot.py demo      the whole pipeline on a simulated market, offline
python bot.py run       the live bot
python bot.py --help    every command
"""

import time

from handlers.cli import Rooms, build


def now_ms() -> int:
    """The clock, asked here and nowhere else: epoch milliseconds UTC."""
    return time.time_ns() // 1_000_000


def run_live(db: str | None, params_file: str | None) -> int:
    """The live bot, until it is stopped; the exit code."""
    from handlers.live import run

    return run(db, params_file, now_ms)


def main() -> None:
    build(Rooms(now_ms=now_ms, run_live=run_live))(prog_name="bot.py")


if __name__ == "__main__":
    main()
