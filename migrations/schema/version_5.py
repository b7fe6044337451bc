"""Version 5: reports, one row a period."""

STATEMENTS = (
    """CREATE TABLE snapshots(
        scope TEXT NOT NULL, scope_id TEXT NOT NULL, period TEXT NOT NULL CHECK(period IN('hour','day','week','month')),
        period_start_ms INTEGER NOT NULL, taken_ms INTEGER NOT NULL, metrics TEXT NOT NULL CHECK(json_valid(metrics)),
        PRIMARY KEY(scope,scope_id,period,period_start_ms)
    ) STRICT, WITHOUT ROWID""",
)
