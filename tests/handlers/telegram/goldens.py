"""Texts as people may review them: files under `golden/`; `ONEBOOK_GOLDEN=write` writes them anew."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
WRITES = os.environ.get("ONEBOOK_GOLDEN") == "write"


def compare(name: str, language: str, html: str, folder: str = "") -> None:
    """That a text is what its golden file says."""
    path = GOLDEN / folder / f"{name}.{language}.html"
    if WRITES:
        path.parent.mkdir(exist_ok=True)
        path.write_text(html + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == html + "\n"


def kept(folder: str = "") -> set[str]:
    """The names of the golden files of a folder."""
    return {path.name for path in (GOLDEN / folder).glob("*.html")}
