"""Version 1, the spine: decisions, positions, money, telling, machinery, and the views every surface reads.

*_ms = epoch milliseconds UTC; *_pct = percent; *_ratio = fraction 0..1; *_r = multiples of the initial risk.
Closed sets are CHECKs; sets that grow are word tables, because SQLite cannot alter a CHECK.
"""

WORDS = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE close_reasons(word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """INSERT INTO close_reasons VALUES('STOP_LOSS'),('BREAK_EVEN'),('TRAILING_STOP'),('TAKE_PROFIT'),('EOD_CLOSE'),
      ('TIME_LIMIT'),('CHECKPOINT'),('MANUAL'),('OPPOSITE_SIGNAL'),('LIQUIDATION'),('IMPORT')""",
    "CREATE TABLE portfolio_kinds(word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    "INSERT INTO portfolio_kinds VALUES('paper'),('shadow'),('legacy'),('real'),('what_if')",
    """CREATE TABLE portfolios(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL REFERENCES portfolio_kinds(word),
        broker TEXT NOT NULL DEFAULT 'paper' CHECK(broker=lower(trim(broker))),
        account_id TEXT NOT NULL DEFAULT 'default' CHECK(length(trim(account_id))>0),
        currency TEXT NOT NULL DEFAULT 'USDT', opened_ms INTEGER NOT NULL CHECK(opened_ms>1000000000000),
        status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK(status IN('ACTIVE','PAUSED','BLOWN','CLOSED')),
        limits TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(limits)), UNIQUE(broker,account_id,kind)
    ) STRICT""",
)

DECISIONS = (
    # uid = sha256(symbol|timeframe|direction|setup_key|candle_close_ms); setup_key = kind + zone + formed_at, so one
    # zone is ONE row however often it is looked at; confidence is NULL only for source='import'
    """CREATE TABLE signals(
        id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
        symbol TEXT NOT NULL, timeframe TEXT NOT NULL, market TEXT NOT NULL DEFAULT 'spot',
        direction TEXT NOT NULL CHECK(direction IN('LONG','SHORT')),
        setup TEXT NOT NULL, setup_key TEXT NOT NULL,
        candle_close_ms INTEGER NOT NULL CHECK(candle_close_ms>1000000000000),
        created_ms INTEGER NOT NULL CHECK(created_ms>1000000000000), last_seen_ms INTEGER NOT NULL,
        entry REAL NOT NULL CHECK(entry>0), zone_low REAL NOT NULL CHECK(zone_low>0),
        zone_high REAL NOT NULL CHECK(zone_high>=zone_low), stop_loss REAL NOT NULL CHECK(stop_loss>0),
        valid_until_ms INTEGER NOT NULL,
        rr REAL NOT NULL CHECK(rr>0), plan_r REAL NOT NULL, cost_r REAL NOT NULL,
        confidence REAL CHECK(confidence BETWEEN 0 AND 100), base_confidence REAL,
        contributions TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(contributions)),
        features TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(features)), features_version INTEGER,
        session TEXT, regime TEXT, htf_bias INTEGER,
        engine_version TEXT NOT NULL, params_hash TEXT NOT NULL,
        source TEXT NOT NULL DEFAULT 'auto' CHECK(source IN('auto','command','llm','import')),
        status TEXT NOT NULL DEFAULT 'GENERATED' CHECK(status IN('GENERATED','SUPPRESSED','REJECTED','ACCEPTED','SENT',
          'EXECUTED','CLOSED','EXPIRED','CANCELLED','MISSED')),
        status_reason TEXT, status_ms INTEGER NOT NULL,
        CHECK(confidence IS NOT NULL OR source='import'),
        CHECK((direction='LONG' AND stop_loss<entry) OR (direction='SHORT' AND stop_loss>entry))
    ) STRICT""",
    "CREATE UNIQUE INDEX signals_setup ON signals(symbol,timeframe,setup_key) WHERE source='auto'",
    "CREATE INDEX signals_recent ON signals(created_ms)",
    "CREATE INDEX signals_series ON signals(symbol,timeframe,direction,created_ms)",
    "CREATE INDEX signals_status ON signals(status,created_ms)",
    """CREATE TABLE targets(
        signal_id INTEGER NOT NULL REFERENCES signals(id), no INTEGER NOT NULL CHECK(no BETWEEN 1 AND 3),
        price REAL NOT NULL CHECK(price>0), share_ratio REAL NOT NULL CHECK(share_ratio>0 AND share_ratio<=1),
        reason TEXT, PRIMARY KEY(signal_id,no)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE decisions(
        signal_id INTEGER NOT NULL REFERENCES signals(id), gate TEXT NOT NULL, at_ms INTEGER NOT NULL,
        passed INTEGER NOT NULL CHECK(passed IN(0,1)), value TEXT, threshold TEXT,
        severity TEXT NOT NULL DEFAULT 'BLOCK' CHECK(severity IN('BLOCK','WARN','INFO')), note TEXT,
        PRIMARY KEY(signal_id,gate,at_ms)
    ) STRICT, WITHOUT ROWID""",
    # one look at one series; a rejection before levels lives here: /whynot reads it
    """CREATE TABLE scans(
        symbol TEXT NOT NULL, timeframe TEXT NOT NULL, candle_close_ms INTEGER NOT NULL, ran_ms INTEGER NOT NULL,
        duration_ms INTEGER, signals INTEGER NOT NULL DEFAULT 0,
        stage TEXT, reason TEXT, value TEXT, threshold TEXT, PRIMARY KEY(symbol,timeframe,candle_close_ms)
    ) STRICT, WITHOUT ROWID""",
    # the dedupe cache: key symbol|timeframe|direction, hash sha256 with the entry; claimed by one upsert
    """CREATE TABLE sent_signals(
        dedupe_key TEXT PRIMARY KEY, hash TEXT NOT NULL, signal_id INTEGER REFERENCES signals(id), entry REAL NOT NULL,
        confidence REAL, sent_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

POSITIONS = (
    """CREATE TABLE conditions(
        id INTEGER PRIMARY KEY, signal_id INTEGER NOT NULL REFERENCES signals(id),
        portfolio_id INTEGER NOT NULL REFERENCES portfolios(id), trigger_price REAL NOT NULL CHECK(trigger_price>0),
        trigger_op TEXT NOT NULL CHECK(trigger_op IN('ABOVE','BELOW','NOW')), qty REAL, risk_amount REAL,
        valid_until_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL,
        status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK(status IN('PENDING_APPROVAL','ACTIVE','TRIGGERED','EXPIRED',
          'CANCELLED','REJECTED')),
        status_reason TEXT, status_ms INTEGER NOT NULL, UNIQUE(portfolio_id,signal_id)
    ) STRICT""",
    "CREATE INDEX conditions_live ON conditions(status) WHERE status IN('ACTIVE','PENDING_APPROVAL')",
    # exclusive = 0 in the shadow and legacy books: several per symbol; settled up to settled_ms on settled_on candles
    """CREATE TABLE positions(
        id INTEGER PRIMARY KEY, portfolio_id INTEGER NOT NULL REFERENCES portfolios(id),
        signal_id INTEGER REFERENCES signals(id), condition_id INTEGER UNIQUE REFERENCES conditions(id),
        symbol TEXT NOT NULL, timeframe TEXT, direction TEXT NOT NULL CHECK(direction IN('LONG','SHORT')),
        qty REAL NOT NULL CHECK(qty>0), entry_price REAL NOT NULL CHECK(entry_price>0),
        opened_ms INTEGER NOT NULL CHECK(opened_ms>1000000000000),
        initial_stop REAL, stop_loss REAL, risk_amount REAL CHECK(risk_amount IS NULL OR risk_amount>=0),
        closed_ratio REAL NOT NULL DEFAULT 0 CHECK(closed_ratio BETWEEN 0 AND 1),
        exclusive INTEGER NOT NULL DEFAULT 1 CHECK(exclusive IN(0,1)),
        mark_price REAL, settled_ms INTEGER, settled_on TEXT,
        mfe_r REAL NOT NULL DEFAULT 0, mae_r REAL NOT NULL DEFAULT 0,
        context TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(context)),
        status TEXT NOT NULL DEFAULT 'OPEN' CHECK(status IN('OPEN','CLOSED')), exit_price REAL, closed_ms INTEGER,
        close_reason TEXT REFERENCES close_reasons(word),
        exit_quality TEXT NOT NULL DEFAULT 'candle'
          CHECK(exit_quality IN('candle','tick','fill','poll','unknown')),
        realized_pnl REAL, pnl_pct REAL, r_multiple REAL, fees REAL NOT NULL DEFAULT 0,
        outcome TEXT GENERATED ALWAYS AS (CASE WHEN status<>'CLOSED' THEN NULL
          WHEN r_multiple>=0.1 OR (r_multiple IS NULL AND pnl_pct>0) THEN 'WIN'
          WHEN r_multiple<=-0.1 OR (r_multiple IS NULL AND pnl_pct<0) THEN 'LOSS' ELSE 'BREAKEVEN' END) STORED,
        CHECK((status='OPEN' AND closed_ms IS NULL AND close_reason IS NULL) OR (status='CLOSED'
          AND closed_ms>=opened_ms AND close_reason IS NOT NULL AND exit_price IS NOT NULL
          AND (pnl_pct IS NOT NULL)))
    ) STRICT""",
    "CREATE UNIQUE INDEX one_open_per_symbol ON positions(portfolio_id,symbol) WHERE status='OPEN' AND exclusive=1",
    "CREATE INDEX positions_signal ON positions(signal_id)",
    "CREATE INDEX positions_closed ON positions(portfolio_id,status,closed_ms)",
    # idem_key: 'entry:42', 'target:42:1', 'stop:42', 'close:42:1'
    """CREATE TABLE fills(
        id INTEGER PRIMARY KEY, position_id INTEGER NOT NULL REFERENCES positions(id),
        at_ms INTEGER NOT NULL CHECK(at_ms>1000000000000),
        kind TEXT NOT NULL CHECK(kind IN('ENTRY','TARGET','STOP','CLOSE')),
        target_no INTEGER CHECK(target_no BETWEEN 1 AND 3),
        qty REAL NOT NULL CHECK(qty>0), price REAL NOT NULL CHECK(price>0), fee REAL NOT NULL DEFAULT 0,
        slippage REAL NOT NULL DEFAULT 0, ambiguous INTEGER NOT NULL DEFAULT 0 CHECK(ambiguous IN(0,1)),
        idem_key TEXT NOT NULL UNIQUE
    ) STRICT""",
    "CREATE INDEX fills_position ON fills(position_id)",
    # the ONLY source of a balance; the shadow book has none, it settles in R
    """CREATE TABLE ledger(
        id INTEGER PRIMARY KEY, portfolio_id INTEGER NOT NULL REFERENCES portfolios(id),
        at_ms INTEGER NOT NULL CHECK(at_ms>1000000000000),
        kind TEXT NOT NULL CHECK(kind IN('DEPOSIT','WITHDRAWAL','REALIZED_PNL','FEE','FUNDING','ADJUSTMENT')),
        amount REAL NOT NULL, fill_id INTEGER REFERENCES fills(id), note TEXT, idem_key TEXT NOT NULL UNIQUE,
        CHECK(kind IN('DEPOSIT','WITHDRAWAL','ADJUSTMENT','FUNDING') OR fill_id IS NOT NULL)
    ) STRICT""",
    "CREATE INDEX ledger_portfolio ON ledger(portfolio_id,at_ms)",
)

TELLING = (
    """CREATE TABLE users(
        id INTEGER PRIMARY KEY, telegram_id INTEGER NOT NULL UNIQUE, name TEXT,
        role TEXT NOT NULL DEFAULT 'PENDING'
          CHECK(role IN('OWNER','ADMIN','OPERATOR','SUBSCRIBER','PENDING','BLOCKED')),
        language TEXT NOT NULL DEFAULT 'en', timezone TEXT NOT NULL DEFAULT 'UTC', created_ms INTEGER NOT NULL,
        decided_by INTEGER, decided_ms INTEGER
    ) STRICT""",
    """CREATE TABLE chats(
        id INTEGER PRIMARY KEY, telegram_id INTEGER NOT NULL, topic_id INTEGER NOT NULL DEFAULT 0,
        kind TEXT NOT NULL CHECK(kind IN('CHANNEL','GROUP','PRIVATE')),
        preferences TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(preferences)), enabled INTEGER NOT NULL DEFAULT 1,
        disabled_reason TEXT, UNIQUE(telegram_id,topic_id)
    ) STRICT""",
    # a message is said once ...
    """CREATE TABLE messages(
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, signal_id INTEGER REFERENCES signals(id),
        payload TEXT NOT NULL CHECK(json_valid(payload)), created_ms INTEGER NOT NULL, expires_ms INTEGER,
        dedupe_key TEXT NOT NULL UNIQUE
    ) STRICT""",
    # ... to each chat
    """CREATE TABLE outbox(
        id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages(id),
        chat_id INTEGER NOT NULL REFERENCES chats(id), reply_to INTEGER REFERENCES outbox(id),
        not_before_ms INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'PENDING'
          CHECK(state IN('PENDING','SENDING','SENT','UNKNOWN','FAILED','DROPPED')),
        tries INTEGER NOT NULL DEFAULT 0, sent_ms INTEGER, telegram_message_id INTEGER, error TEXT,
        UNIQUE(message_id,chat_id)
    ) STRICT""",
    "CREATE INDEX outbox_due ON outbox(chat_id,id) WHERE state IN('PENDING','SENDING')",
    "CREATE INDEX outbox_reply ON outbox(reply_to)",
)

MACHINERY = (
    # state changes of money, signals, settings, models; telemetry goes to job_runs
    """CREATE TABLE events(
        id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL CHECK(at_ms>1000000000000), type TEXT NOT NULL,
        signal_id INTEGER, position_id INTEGER, portfolio_id INTEGER, symbol TEXT,
        actor TEXT NOT NULL DEFAULT 'system', message TEXT,
        market_context TEXT CHECK(market_context IS NULL OR json_valid(market_context)),
        decision_context TEXT CHECK(decision_context IS NULL OR json_valid(decision_context)), idem_key TEXT UNIQUE
    ) STRICT""",
    "CREATE INDEX events_type ON events(type,at_ms)",
    "CREATE INDEX events_position ON events(position_id) WHERE position_id IS NOT NULL",
    """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT,'events are append-only'); END""",
    """CREATE TABLE series(
        id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, source TEXT NOT NULL, fetched_ms INTEGER,
        error TEXT, UNIQUE(symbol,timeframe,source)
    ) STRICT""",
    # the live window that decisions saw; research data stays in files
    """CREATE TABLE candles(
        series_id INTEGER NOT NULL REFERENCES series(id), open_ms INTEGER NOT NULL, open REAL NOT NULL,
        high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL, volume REAL, PRIMARY KEY(series_id,open_ms),
        CHECK(high>=max(open,close) AND low<=min(open,close))
    ) STRICT, WITHOUT ROWID""",
    # one per timeframe slot, not per series; claimed by INSERT ... ON CONFLICT DO NOTHING RETURNING
    """CREATE TABLE job_runs(
        job TEXT NOT NULL, slot_ms INTEGER NOT NULL, owner TEXT, started_ms INTEGER, finished_ms INTEGER,
        status TEXT NOT NULL DEFAULT 'STARTED'
          CHECK(status IN('STARTED','OK','FAILED','SKIPPED','MISSED','ABANDONED')),
        detail TEXT, PRIMARY KEY(job,slot_ms)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE settings(
        key TEXT PRIMARY KEY, value TEXT NOT NULL CHECK(json_valid(value)), updated_ms INTEGER NOT NULL,
        updated_by TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

VIEWS = (
    # the unified journal: ONE row per signal, with what became of it (paper, else real, else legacy, else shadow)
    """CREATE VIEW journal AS
    SELECT s.id, s.uid, s.symbol, s.timeframe, s.direction, s.setup, s.confidence, s.entry, s.stop_loss, s.rr, s.status,
      s.source, s.created_ms, datetime(s.created_ms/1000,'unixepoch') created_at,
      k.kind book, x.id position_id, x.opened_ms, x.closed_ms, datetime(x.closed_ms/1000,'unixepoch') closed_at,
      x.exit_price, x.close_reason, x.exit_quality, x.realized_pnl, x.pnl_pct, x.r_multiple, x.outcome,
      s.features_version, s.features
    FROM signals s
    LEFT JOIN positions x ON x.id=(
      SELECT p.id FROM positions p JOIN portfolios f ON f.id=p.portfolio_id WHERE p.signal_id=s.id
      ORDER BY CASE f.kind WHEN 'paper' THEN 0 WHEN 'real' THEN 1 WHEN 'legacy' THEN 2 ELSE 3 END LIMIT 1)
    LEFT JOIN portfolios k ON k.id=x.portfolio_id""",
    """CREATE VIEW v_account AS
    SELECT p.id portfolio_id, p.name, p.kind, p.status,
      (SELECT COALESCE(SUM(amount),0) FROM ledger l WHERE l.portfolio_id=p.id) balance,
      (SELECT COALESCE(SUM((CASE direction WHEN 'LONG' THEN 1 ELSE -1 END)
        *(COALESCE(mark_price,entry_price)-entry_price)*qty*(1-closed_ratio)),0)
        FROM positions x WHERE x.portfolio_id=p.id AND x.status='OPEN') unrealized,
      (SELECT COALESCE(SUM(realized_pnl),0)
        FROM positions x WHERE x.portfolio_id=p.id AND x.status='CLOSED') realized,
      (SELECT COUNT(*) FROM positions x WHERE x.portfolio_id=p.id AND x.status='OPEN') n_open,
      (SELECT COUNT(*) FROM positions x WHERE x.portfolio_id=p.id AND x.status='CLOSED') n_closed
    FROM portfolios p WHERE p.kind<>'shadow'""",
    "CREATE VIEW v_trades AS SELECT * FROM positions WHERE status='CLOSED'",
)

STATEMENTS = (*WORDS, *DECISIONS, *POSITIONS, *TELLING, *MACHINERY, *VIEWS)
