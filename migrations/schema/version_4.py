"""Version 4: models, what they said of each signal, and scores that follow from closed trades."""

STATEMENTS = (
    """CREATE TABLE models(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, trained_ms INTEGER NOT NULL,
        n_samples INTEGER NOT NULL, features_version INTEGER NOT NULL, feature_names TEXT NOT NULL,
        metrics TEXT NOT NULL CHECK(json_valid(metrics)), verdict TEXT NOT NULL, library_versions TEXT NOT NULL,
        blob BLOB, sha256 TEXT, is_active INTEGER NOT NULL DEFAULT 0, UNIQUE(name,version)
    ) STRICT""",
    "CREATE UNIQUE INDEX one_active_model ON models(name) WHERE is_active=1",
    """CREATE TABLE predictions(
        signal_id INTEGER NOT NULL REFERENCES signals(id), model_id INTEGER NOT NULL REFERENCES models(id),
        p_win REAL NOT NULL CHECK(p_win BETWEEN 0 AND 1), weight REAL NOT NULL, adjustment REAL NOT NULL,
        created_ms INTEGER NOT NULL, PRIMARY KEY(signal_id,model_id)
    ) STRICT, WITHOUT ROWID""",
    # paper and real closes only; dims: coin, setup, session, timeframe, hour, weekday, regime, direction
    """CREATE TABLE scores(
        dim TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL DEFAULT 0, wins INTEGER NOT NULL DEFAULT 0,
        losses INTEGER NOT NULL DEFAULT 0, breakevens INTEGER NOT NULL DEFAULT 0, gross_win REAL NOT NULL DEFAULT 0,
        gross_loss REAL NOT NULL DEFAULT 0, sum_r REAL NOT NULL DEFAULT 0, last_closed_ms INTEGER,
        status TEXT NOT NULL DEFAULT 'UNKNOWN'
            CHECK(status IN('UNKNOWN','NORMAL','REDUCED','FAVORED','BLACKLISTED','INACTIVE')),
        status_source TEXT NOT NULL DEFAULT 'auto' CHECK(status_source IN('auto','manual','adaptation')),
        status_reason TEXT, status_ms INTEGER, PRIMARY KEY(dim,key), CHECK(n=wins+losses+breakevens)
    ) STRICT, WITHOUT ROWID""",
)
