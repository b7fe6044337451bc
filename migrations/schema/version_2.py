"""Version 2: receipts of legacy imports, backtests with their trades, and what training reads from both."""

STATEMENTS = (
    """CREATE TABLE imports(
        id INTEGER PRIMARY KEY, directory TEXT NOT NULL, started_ms INTEGER NOT NULL, finished_ms INTEGER,
        report TEXT CHECK(report IS NULL OR json_valid(report))
    ) STRICT""",
    # raw = zlib-compressed JSON of the record as it was found
    """CREATE TABLE legacy_records(
        id INTEGER PRIMARY KEY, import_id INTEGER NOT NULL REFERENCES imports(id), file TEXT NOT NULL,
        file_sha256 TEXT NOT NULL, place TEXT NOT NULL, shape TEXT NOT NULL, natural_key TEXT,
        verdict TEXT NOT NULL CHECK(verdict IN('IMPORTED','REPAIRED','DUPLICATE','QUARANTINED')), reason TEXT,
        table_name TEXT, row_id INTEGER, raw BLOB NOT NULL, UNIQUE(file_sha256,place)
    ) STRICT""",
    "CREATE UNIQUE INDEX legacy_original ON legacy_records(natural_key) WHERE verdict IN('IMPORTED','REPAIRED')",
    """CREATE TABLE backtests(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, params_hash TEXT NOT NULL, engine_version TEXT NOT NULL,
        files TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
        metrics TEXT NOT NULL CHECK(json_valid(metrics)), created_ms INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE backtest_trades(
        backtest_id INTEGER NOT NULL REFERENCES backtests(id), no INTEGER NOT NULL, symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL, direction TEXT NOT NULL, setup TEXT NOT NULL, decided_ms INTEGER NOT NULL,
        opened_ms INTEGER, closed_ms INTEGER, r_multiple REAL, outcome TEXT, confidence REAL, features_version INTEGER,
        features TEXT, PRIMARY KEY(backtest_id,no)
    ) STRICT, WITHOUT ROWID""",
    # one row per labelled decision: never the paper and the shadow twin of one signal
    """CREATE VIEW v_training AS
    SELECT 'journal' origin, id, symbol, timeframe, direction, setup, created_ms decided_ms, closed_ms, r_multiple,
      outcome, confidence, features_version, features, book
    FROM journal WHERE outcome IN('WIN','LOSS') AND features<>'{}' AND exit_quality<>'poll'
    UNION ALL
    SELECT 'backtest', backtest_id*1000000+no, symbol, timeframe, direction, setup, decided_ms, closed_ms, r_multiple,
      outcome, confidence, features_version, features, 'backtest'
    FROM backtest_trades WHERE outcome IN('WIN','LOSS') AND features IS NOT NULL""",
)
