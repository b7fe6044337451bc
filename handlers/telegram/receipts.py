"""The receipt of an import as people read it: a row a file, the sums below."""

from collections.abc import Mapping

from handlers.telegram.catalogue import Markup, joined, text
from handlers.telegram.tables import Column, Table
from storage.codec import Json

RECEIPT = Table(
    (
        Column("table.file", 16),
        Column("table.records", 5, right=True),
        Column("table.good", 5, right=True),
        Column("table.bad", 5, right=True),
    )
)
SUMS = ("files", "records", "imported", "duplicate", "quarantined")


def receipt_text(language: str, told: Mapping[str, Json]) -> Markup:
    """What came of an import, by what `services.import_desk.facts_of` tells, or why nothing did."""
    if "reason" in told:
        return text(language, "import.failed", reason=str(told["reason"]))
    return joined([text(language, "import.done"), *receipt_lines(language, told)])


def receipt_lines(language: str, told: Mapping[str, Json]) -> list[Markup]:
    """The table and the sums."""
    rows = told["rows"]
    assert isinstance(rows, list)
    table = RECEIPT.html(language, [tuple(map(str, row)) for row in rows if isinstance(row, list)])
    return [table, text(language, "import.sums", **{name: str(told[name]) for name in SUMS})]
