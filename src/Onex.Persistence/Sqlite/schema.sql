-- The store in SQLite. Has the tables and views that people query in PostgreSQL, without their schema, so that the same queries work:
--   sqlite3 .onex/onex.db "SELECT state, count(*) FROM sagas GROUP BY 1"
-- Ids are text in lower case, times text in UTC (2026-11-24T09:30:00.000000Z), JSON is text.
-- Runs at every start: creates missing tables and indexes, and each view again. Ages and durations in views are in seconds.

CREATE TABLE IF NOT EXISTS sagas (
    id                 TEXT PRIMARY KEY,
    contract           TEXT NOT NULL,
    contract_version   TEXT NOT NULL,
    contract_hash      TEXT NOT NULL,
    correlation_id     TEXT NOT NULL,
    request_id         TEXT NOT NULL,
    business_key       TEXT,
    parent_id          TEXT,
    source             TEXT NOT NULL,
    state              TEXT NOT NULL,
    status             TEXT NOT NULL
        CHECK (status IN ('running', 'waiting', 'compensating', 'blocked', 'paused', 'completed', 'failed', 'cancelled')),
    data               TEXT NOT NULL,
    progress           TEXT NOT NULL,
    fault              TEXT,
    reply_to           TEXT,
    headers            TEXT,
    waiters            TEXT,
    home_partition     INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    last_transition_id TEXT NOT NULL,
    started_at         TEXT NOT NULL,
    updated_at         TEXT NOT NULL,
    ended_at           TEXT,
    next_wakeup_at     TEXT,
    parked             INTEGER NOT NULL DEFAULT 0,
    request_hash       TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS ux_sagas_request_id ON sagas (request_id);
CREATE UNIQUE INDEX IF NOT EXISTS ux_sagas_live_business_key ON sagas (contract, business_key)
    WHERE ended_at IS NULL AND business_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_sagas_live_home_partition ON sagas (home_partition) WHERE ended_at IS NULL AND NOT parked;
CREATE INDEX IF NOT EXISTS ix_sagas_live_contract_hash ON sagas (contract_hash) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS ix_sagas_correlation_id ON sagas (correlation_id);
CREATE INDEX IF NOT EXISTS ix_sagas_business_key ON sagas (business_key) WHERE business_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_sagas_ended_at ON sagas (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_sagas_parent_id ON sagas (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_sagas_halted ON sagas (contract, status) WHERE status IN ('blocked', 'paused');
CREATE INDEX IF NOT EXISTS ix_sagas_waiting_for_nothing ON sagas (id)
    WHERE ended_at IS NULL AND next_wakeup_at IS NULL AND status NOT IN ('blocked', 'paused')
        AND coalesce(json_extract(progress, '$.waiting_for'), '') IN ('', '[]', '{}');
DROP INDEX IF EXISTS ix_sagas_without_wakeup; -- of earlier builds

CREATE TABLE IF NOT EXISTS saga_payloads (
    id      TEXT PRIMARY KEY,
    saga_id TEXT NOT NULL,
    name    TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS ux_saga_payloads_saga_id_name ON saga_payloads (saga_id, name);

CREATE TABLE IF NOT EXISTS saga_items (
    saga_id    TEXT NOT NULL,
    step       TEXT NOT NULL,
    visit      INTEGER NOT NULL,
    "index"    INTEGER NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('completed', 'failed', 'unknown', 'compensated', 'skipped')),
    command_id TEXT NOT NULL,
    result     TEXT,
    undo       TEXT,
    code       TEXT,
    message    TEXT,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (saga_id, step, visit, "index")
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS saga_history (
    saga_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    state   TEXT NOT NULL,
    step    TEXT,
    detail  TEXT,
    PRIMARY KEY (saga_id, version, ordinal)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_saga_history_at ON saga_history (at);

CREATE TABLE IF NOT EXISTS outbox (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id     TEXT NOT NULL UNIQUE,
    saga_id        TEXT NOT NULL,
    home_partition INTEGER NOT NULL,
    topic          TEXT NOT NULL,
    partition      INTEGER,
    key            TEXT NOT NULL,
    value          BLOB NOT NULL,
    headers        TEXT NOT NULL,
    created_at     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_outbox_saga_id ON outbox (saga_id);

CREATE TABLE IF NOT EXISTS inbox (
    saga_id      TEXT NOT NULL,
    message_id   TEXT NOT NULL,
    request_hash TEXT,
    PRIMARY KEY (saga_id, message_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_inbox_message_id ON inbox (message_id);

CREATE TABLE IF NOT EXISTS timers (
    saga_id        TEXT NOT NULL,
    name           TEXT NOT NULL,
    home_partition INTEGER NOT NULL,
    due_at         TEXT NOT NULL,
    PRIMARY KEY (saga_id, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_timers_home_partition_due_at ON timers (home_partition, due_at);

CREATE TABLE IF NOT EXISTS early_events (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id     TEXT NOT NULL UNIQUE,
    saga_id        TEXT,
    contract       TEXT NOT NULL,
    event          TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    business_key   TEXT,
    content        TEXT NOT NULL,
    received_at    TEXT NOT NULL,
    expires_at     TEXT NOT NULL,
    request_hash   TEXT
);
CREATE INDEX IF NOT EXISTS ix_early_events_saga_id ON early_events (saga_id) WHERE saga_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_early_events_address ON early_events (contract, coalesce(business_key, correlation_id), expires_at)
    WHERE saga_id IS NULL;
DROP INDEX IF EXISTS ix_early_events_waiting; -- of earlier builds

CREATE TABLE IF NOT EXISTS dead_letters (
    id              TEXT PRIMARY KEY,
    topic           TEXT NOT NULL,
    partition       INTEGER NOT NULL,
    record_offset   INTEGER NOT NULL,
    code            TEXT NOT NULL,
    reason          TEXT NOT NULL,
    correlation_id  TEXT,
    value           BLOB,
    at              TEXT NOT NULL,
    key             TEXT,
    headers         TEXT,
    error_type      TEXT NOT NULL DEFAULT '',
    retry_count     INTEGER NOT NULL DEFAULT 0,
    status          TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'redriven', 'discarded')),
    redrives        INTEGER NOT NULL DEFAULT 0,
    decision_id     TEXT,
    decided_at      TEXT,
    decided_by      TEXT,
    decision_reason TEXT
);
CREATE INDEX IF NOT EXISTS ix_dead_letters_at ON dead_letters (at);
CREATE INDEX IF NOT EXISTS ix_dead_letters_open ON dead_letters (topic) WHERE status = 'open';

CREATE TABLE IF NOT EXISTS effect_ledger (
    command_id   TEXT PRIMARY KEY,
    saga_id      TEXT NOT NULL,
    step         TEXT NOT NULL,
    operation    TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    lease_token  TEXT NOT NULL,
    leased_until TEXT NOT NULL,
    claimed_at   TEXT NOT NULL,
    outcome      TEXT CHECK (outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled', 'parked')),
    result       TEXT,
    recorded_at  TEXT,
    parked_for   TEXT,
    parked_at    TEXT,
    parked_command BLOB,
    may_sent     INTEGER NOT NULL DEFAULT 0,
    CHECK ((outcome IS NULL OR outcome IN ('lapsed', 'cancelled', 'parked')) = (result IS NULL)),
    CHECK ((outcome IS NOT NULL AND outcome = 'parked') = (parked_for IS NOT NULL AND parked_at IS NOT NULL AND parked_command IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS ix_effect_ledger_parked ON effect_ledger (parked_for, parked_at, command_id) WHERE parked_for IS NOT NULL;

CREATE TABLE IF NOT EXISTS connection_states (
    connection        TEXT NOT NULL,
    process_id        TEXT NOT NULL,
    unavailable_since TEXT NOT NULL,
    next_trial_at     TEXT,
    reason            TEXT,
    valid_until       TEXT NOT NULL,
    PRIMARY KEY (connection, process_id)
);

CREATE TABLE IF NOT EXISTS secret_handles (
    id         TEXT PRIMARY KEY,
    saga_id    TEXT NOT NULL,
    connection TEXT NOT NULL,
    path       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    field      TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_secret_handles_saga_id ON secret_handles (saga_id);

CREATE TABLE IF NOT EXISTS contracts (
    hash          TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    version       TEXT NOT NULL,
    source        TEXT NOT NULL,
    registered_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_contracts_name_version ON contracts (name, version);

CREATE TABLE IF NOT EXISTS schedules (
    contract    TEXT NOT NULL,
    times       TEXT NOT NULL,
    last_due_at TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    removed_at  TEXT,
    PRIMARY KEY (contract, times)
) WITHOUT ROWID;

DROP VIEW IF EXISTS live_sagas;
CREATE VIEW live_sagas AS
    SELECT id, contract, contract_version, business_key, state, status, correlation_id, home_partition, version,
           round((julianday('now') - julianday(started_at)) * 86400, 3) AS age,
           round((julianday('now') - julianday(updated_at)) * 86400, 3) AS still_for,
           next_wakeup_at, fault, parent_id, started_at, updated_at
    FROM sagas
    WHERE ended_at IS NULL;

DROP VIEW IF EXISTS failed_today;
CREATE VIEW failed_today AS
    SELECT id, contract, contract_version, business_key, state, fault ->> 'code' AS code, fault ->> 'message' AS message,
           fault ->> 'step' AS step, correlation_id, started_at, ended_at
    FROM sagas
    WHERE status = 'failed' AND ended_at >= strftime('%Y-%m-%dT00:00:00.000000Z', 'now');

DROP VIEW IF EXISTS slowest_steps;
CREATE VIEW slowest_steps AS
    WITH steps AS (
        SELECT saga_id, state, step, kind, at, lag(kind) OVER one_step AS kind_before, lag(at) OVER one_step AS at_before
        FROM saga_history
        WHERE at >= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-1 day')
          AND kind IN ('step_started', 'step_completed', 'step_rejected', 'step_failed')
        WINDOW one_step AS (PARTITION BY saga_id, state, step ORDER BY version, ordinal)
    ), durations AS (
        SELECT sagas.contract, steps.state, steps.step, (julianday(steps.at) - julianday(steps.at_before)) * 86400 AS seconds
        FROM steps JOIN sagas ON sagas.id = steps.saga_id
        WHERE steps.kind <> 'step_started' AND steps.kind_before = 'step_started'
    ), ranked AS (
        SELECT *, cume_dist() OVER (PARTITION BY contract, state, step ORDER BY seconds) AS share FROM durations
    )
    SELECT contract, state, step, count(*) AS times, round(avg(seconds), 3) AS average,
           round(min(CASE WHEN share >= 0.95 THEN seconds END), 3) AS p95, round(max(seconds), 3) AS slowest
    FROM ranked
    GROUP BY 1, 2, 3
    ORDER BY p95 DESC;

DROP VIEW IF EXISTS stuck;
CREATE VIEW stuck AS
    SELECT id, contract, contract_version, business_key, state, status, correlation_id, version, updated_at,
           round((julianday('now') - julianday(updated_at)) * 86400, 3) AS still_for, reason
    FROM (
        SELECT s.*,
            CASE
                WHEN s.next_wakeup_at IS NULL AND coalesce(json_extract(s.progress, '$.waiting_for'), '') IN ('', '[]', '{}')
                    THEN 'It has no next wake-up and waits for no event.'
                WHEN s.next_wakeup_at < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-5 minutes')
                    THEN 'It should have been woken at ' || strftime('%Y-%m-%d %H:%M:%S', s.next_wakeup_at) || ' UTC.'
                WHEN s.parked AND s.next_wakeup_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.saga_id = s.id)
                    THEN 'It is parked, and its wake-up has no timer.'
            END AS reason
        FROM sagas s
        WHERE s.ended_at IS NULL AND s.status NOT IN ('blocked', 'paused')
    ) live
    WHERE reason IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.saga_id = live.id);
