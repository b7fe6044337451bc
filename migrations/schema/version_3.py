"""Version 3: the public record, hash-chained and append-only, and what a re-analysis on the way said."""

STATEMENTS = (
    "CREATE TABLE publication_kinds(word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """INSERT INTO publication_kinds VALUES
        ('SIGNAL'),('ENTRY'),('TARGET'),('STOP_MOVED'),('CLOSE'),('EXPIRED'),('CANCELLED'),('MISSED'),('CORRECTION')""",
    # what the public channel WAS told: written with the SENT (or UNKNOWN) mark, never before
    """CREATE TABLE publications(
        seq INTEGER PRIMARY KEY, signal_id INTEGER NOT NULL REFERENCES signals(id),
        kind TEXT NOT NULL REFERENCES publication_kinds(word),
        delivery TEXT NOT NULL CHECK(delivery IN('SENT','UNKNOWN')),
        payload TEXT NOT NULL CHECK(json_valid(payload)), prev_hash TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
        at_ms INTEGER NOT NULL
    ) STRICT""",
    """CREATE TRIGGER publications_no_update BEFORE UPDATE ON publications
        BEGIN SELECT RAISE(ABORT,'publications are append-only'); END""",
    """CREATE TRIGGER publications_no_delete BEFORE DELETE ON publications
        BEGIN SELECT RAISE(ABORT,'publications are append-only'); END""",
    """CREATE TABLE checkpoints(
        position_id INTEGER NOT NULL REFERENCES positions(id), level INTEGER NOT NULL CHECK(level IN(25,50,75,85)),
        at_ms INTEGER NOT NULL, price REAL NOT NULL, confidence_now REAL, confidence_delta REAL, htf_flipped INTEGER,
        structure_broken INTEGER, rr_now REAL,
        recommendation TEXT NOT NULL CHECK(recommendation IN('HOLD','PARTIAL_CLOSE','MOVE_SL','CLOSE_NOW')),
        reasons TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(reasons)), action TEXT, PRIMARY KEY(position_id,level)
    ) STRICT, WITHOUT ROWID""",
)
