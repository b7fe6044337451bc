"""Every command and every setting stands in the docs, and the docs know no other."""

import re
from pathlib import Path

from diagnostics.checks import CHECKS
from handlers.settings import PREFIX, LiveSettings
from handlers.telegram.commands import COMMANDS

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def first_cells(page: str) -> list[str]:
    """The code in the first cell of each table row."""
    cells = re.findall(r"^\| `([^`]+)`", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return [cell.replace("\\|", "|") for cell in cells]


def test_every_command_is_documented_as_it_is_used():
    assert first_cells("commands.md") == [command.usage for command in COMMANDS]


def test_every_setting_is_documented():
    assert first_cells("settings.md") == [PREFIX + name.upper() for name in LiveSettings.model_fields]


def test_every_check_is_documented_with_its_limit_and_what_to_do():
    page = (DOCS / "health.md").read_text(encoding="utf-8")

    for check in CHECKS:
        remedy = check.remedy or "nothing: it only tells"
        assert f"| `{check.name}` | {check.looks_at} | {check.limit} | {remedy} |" in page
    assert first_cells("health.md") == [check.name for check in CHECKS]
