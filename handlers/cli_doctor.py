"""`doctor`: the set-up of the live bot looked over, with what to do where something is missing."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from diagnostics import doctor
from diagnostics.checks.place import ENV_FILE
from diagnostics.doctor import Finding
from engine.vocabulary import Market
from gateways.binance import Binance
from handlers.settings import DEFAULT_DB, TELEGRAM_URL, LiveSettings, SettingsError


def examined(db: Path | None, params: Path | None, now_ms: Callable[[], int]) -> tuple[Finding, ...]:
    """Everything that is looked at, in the order in which it matters; takes ten seconds at the most."""
    settings, read = _settings(db, params)
    book = settings.db if settings is not None else db or DEFAULT_DB
    here = (
        read,
        doctor.env_file(ENV_FILE),
        doctor.folder(book),
        doctor.disk(book),
        doctor.sqlite(),
        doctor.zone(settings.zone if settings is not None else "UTC"),
        doctor.soundness(book),
        doctor.lock(book),
    )
    return (*here, *asyncio.run(_reached(settings, now_ms)))


def document(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The JSON of the command."""
    return {
        "good": all(found.is_good for found in findings),
        "findings": [{"name": f.name, "good": f.is_good, "value": f.value, "fix": f.fix} for f in findings],
    }


def lines(findings: tuple[Finding, ...]) -> list[str]:
    """The same for people."""
    told = []
    for found in findings:
        told.append(f"{'ok ' if found.is_good else 'FIX'}  {found.name:14} {found.value}")
        if found.fix is not None:
            told.append(f"     {'':14} -> {found.fix}")
    return told


def _settings(db: Path | None, params: Path | None) -> tuple[LiveSettings | None, Finding]:
    db_text, params_text = None if db is None else str(db), None if params is None else str(params)
    try:
        return LiveSettings.read(db=db_text, params=params_text), Finding(
            "settings", "understood, with a token and somebody to tell"
        )
    except SettingsError as error:
        return None, Finding("settings", str(error), "docs/settings.md has every setting")


async def _reached(settings: LiveSettings | None, now_ms: Callable[[], int]) -> tuple[Finding, ...]:
    market = Binance(
        (settings and settings.market) or Market.USDT_M,
        now_ms,
        base_url=None if settings is None else settings.exchange_url,
    )
    async with aclosing(market):
        url = TELEGRAM_URL if settings is None else settings.telegram_url
        return tuple(await asyncio.gather(doctor.exchange(market.server_time_ms, now_ms), doctor.telegram(url)))
