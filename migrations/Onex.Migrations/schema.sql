DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = 'onex') THEN
        CREATE SCHEMA onex;
    END IF;
END $EF$;
CREATE TABLE IF NOT EXISTS onex.schema_migrations (
    "MigrationId" character varying(150) NOT NULL,
    "ProductVersion" character varying(32) NOT NULL,
    CONSTRAINT "PK_schema_migrations" PRIMARY KEY ("MigrationId")
);

START TRANSACTION;
DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = 'onex') THEN
        CREATE SCHEMA onex;
    END IF;
END $EF$;

CREATE TABLE onex.connection_states (
    connection text NOT NULL,
    process_id uuid NOT NULL,
    unavailable_since timestamp with time zone NOT NULL,
    next_trial_at timestamp with time zone,
    reason text,
    valid_until timestamp with time zone NOT NULL,
    CONSTRAINT pk_connection_states PRIMARY KEY (connection, process_id)
);
COMMENT ON TABLE onex.connection_states IS 'Connections that an effects process considers unavailable. Processes write their rows again before they expire.';
COMMENT ON COLUMN onex.connection_states.connection IS 'The connection''s name.';
COMMENT ON COLUMN onex.connection_states.process_id IS 'The effects process, new at each start.';
COMMENT ON COLUMN onex.connection_states.unavailable_since IS 'Since when its circuit breaker is not closed.';
COMMENT ON COLUMN onex.connection_states.next_trial_at IS 'When the next command is tried; empty while one is.';
COMMENT ON COLUMN onex.connection_states.reason IS 'The latest failure, for people.';
COMMENT ON COLUMN onex.connection_states.valid_until IS 'After this time the process is dead.';

CREATE TABLE onex.contracts (
    hash text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    source jsonb NOT NULL,
    registered_at timestamp with time zone NOT NULL DEFAULT (now()),
    CONSTRAINT pk_contracts PRIMARY KEY (hash)
);
COMMENT ON TABLE onex.contracts IS 'Every contract version ever loaded, so that a saga continues with the contract that started it.';
COMMENT ON COLUMN onex.contracts.hash IS 'SHA-256 of the file and everything it refers to, in lower-case hex.';
COMMENT ON COLUMN onex.contracts.name IS 'The contract''s name.';
COMMENT ON COLUMN onex.contracts.version IS 'Its version.';
COMMENT ON COLUMN onex.contracts.source IS 'The file and everything it refers to.';
COMMENT ON COLUMN onex.contracts.registered_at IS 'When it was first loaded.';

CREATE TABLE onex.dead_letters (
    id uuid NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    correlation_id uuid,
    value bytea,
    at timestamp with time zone NOT NULL,
    key text,
    headers jsonb,
    error_type text NOT NULL DEFAULT '',
    retry_count integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'open',
    redrives integer NOT NULL DEFAULT 0,
    decision_id uuid,
    decided_at timestamp with time zone,
    decided_by text,
    decision_reason text,
    CONSTRAINT pk_dead_letters PRIMARY KEY (id),
    CONSTRAINT ck_dead_letters_status CHECK (status IN ('open', 'redriven', 'discarded'))
);
COMMENT ON TABLE onex.dead_letters IS 'Index of the dead-letter topics (<topic>.dlq), with everything that a redrive needs, and operators'' decisions.';
COMMENT ON COLUMN onex.dead_letters.id IS 'Derived from the record''s position.';
COMMENT ON COLUMN onex.dead_letters.topic IS 'The topic that the record was read from.';
COMMENT ON COLUMN onex.dead_letters.partition IS 'Its partition; -1: none.';
COMMENT ON COLUMN onex.dead_letters.record_offset IS 'Its offset; -1: none.';
COMMENT ON COLUMN onex.dead_letters.code IS 'Why it could not be handled, as a code.';
COMMENT ON COLUMN onex.dead_letters.reason IS 'Why it could not be handled, for people.';
COMMENT ON COLUMN onex.dead_letters.correlation_id IS 'Its correlation id, where it is known.';
COMMENT ON COLUMN onex.dead_letters.value IS 'Its value as it was read, secrets included; empty where it is not stored.';
COMMENT ON COLUMN onex.dead_letters.at IS 'When it became a dead letter.';
COMMENT ON COLUMN onex.dead_letters.key IS 'Its key.';
COMMENT ON COLUMN onex.dead_letters.headers IS 'Its headers as they were read; empty where they are not stored.';
COMMENT ON COLUMN onex.dead_letters.error_type IS 'The type of the error.';
COMMENT ON COLUMN onex.dead_letters.retry_count IS 'How often it was retried before.';
COMMENT ON COLUMN onex.dead_letters.status IS 'open: no decision yet; redriven: sent again; discarded: nothing will be done.';
COMMENT ON COLUMN onex.dead_letters.redrives IS 'How often it was redriven.';
COMMENT ON COLUMN onex.dead_letters.decision_id IS 'The latest decision: also the id of its message in onex.outbox, if it sent one.';
COMMENT ON COLUMN onex.dead_letters.decided_at IS 'When it was decided.';
COMMENT ON COLUMN onex.dead_letters.decided_by IS 'Who decided: the name of a token, or loopback.';
COMMENT ON COLUMN onex.dead_letters.decision_reason IS 'The operator''s reason.';

CREATE TABLE onex.early_events (
    message_id uuid NOT NULL,
    saga_id uuid,
    contract text NOT NULL,
    event text NOT NULL,
    correlation_id uuid NOT NULL,
    business_key text,
    request_hash uuid,
    content jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT pk_early_events PRIMARY KEY (message_id)
);
COMMENT ON TABLE onex.early_events IS 'Early events, which wait for their saga, and buffered events, which wait for a state that accepts them. Limited in number and time.';
COMMENT ON COLUMN onex.early_events.message_id IS 'The message''s identity.';
COMMENT ON COLUMN onex.early_events.saga_id IS 'The saga that buffers it; empty for an early event.';
COMMENT ON COLUMN onex.early_events.contract IS 'The contract of the target saga.';
COMMENT ON COLUMN onex.early_events.event IS 'The event''s name.';
COMMENT ON COLUMN onex.early_events.correlation_id IS 'The correlation id that identifies its saga, unless business_key does.';
COMMENT ON COLUMN onex.early_events.business_key IS 'The business key that identifies its saga.';
COMMENT ON COLUMN onex.early_events.request_hash IS 'Hash of its content: distinguishes a duplicate from another message with the same identity.';
COMMENT ON COLUMN onex.early_events.content IS 'Its payload, and the requester of the response if it is declined.';
COMMENT ON COLUMN onex.early_events.received_at IS 'When it arrived.';
COMMENT ON COLUMN onex.early_events.expires_at IS 'When it expires.';
COMMENT ON COLUMN onex.early_events.seq IS 'The order of arrival.';

CREATE TABLE onex.effect_ledger (
    command_id uuid NOT NULL,
    saga_id uuid NOT NULL,
    step text NOT NULL,
    operation text NOT NULL,
    attempt integer NOT NULL,
    lease_token uuid NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    outcome text,
    result json,
    recorded_at timestamp with time zone,
    parked_for text,
    parked_at timestamp with time zone,
    parked_command bytea,
    may_sent boolean NOT NULL DEFAULT FALSE,
    CONSTRAINT pk_effect_ledger PRIMARY KEY (command_id),
    CONSTRAINT ck_effect_ledger_outcome CHECK (outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled', 'parked')),
    CONSTRAINT ck_effect_ledger_parked CHECK (coalesce(outcome = 'parked', false) = (parked_for IS NOT NULL AND parked_at IS NOT NULL AND parked_command IS NOT NULL)),
    CONSTRAINT ck_effect_ledger_result CHECK ((outcome IS NULL OR outcome IN ('lapsed', 'cancelled', 'parked')) = (result IS NULL))
)
WITH (fillfactor=20);
COMMENT ON TABLE onex.effect_ledger IS 'One row per command of an effect: the lease of the process that may run it, and the outcome.';
COMMENT ON COLUMN onex.effect_ledger.command_id IS 'The command: the same for all attempts of one step. It is the Idempotency-Key.';
COMMENT ON COLUMN onex.effect_ledger.saga_id IS 'The saga that sent it.';
COMMENT ON COLUMN onex.effect_ledger.step IS 'The step''s id in the contract.';
COMMENT ON COLUMN onex.effect_ledger.operation IS 'The operation: http.post, ...';
COMMENT ON COLUMN onex.effect_ledger.attempt IS 'The latest attempt that was claimed.';
COMMENT ON COLUMN onex.effect_ledger.lease_token IS 'The token that recording the outcome requires.';
COMMENT ON COLUMN onex.effect_ledger.leased_until IS 'Until then nobody else may run it, unless an outcome is recorded. By the database''s clock.';
COMMENT ON COLUMN onex.effect_ledger.claimed_at IS 'When the latest attempt was claimed.';
COMMENT ON COLUMN onex.effect_ledger.outcome IS 'completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it, or while it was parked; parked: its connection does not let it begin; empty: not known yet.';
COMMENT ON COLUMN onex.effect_ledger.result IS 'The result as it was sent to the orchestrator.';
COMMENT ON COLUMN onex.effect_ledger.recorded_at IS 'When the outcome was recorded.';
COMMENT ON COLUMN onex.effect_ledger.parked_for IS 'The connection for which the command is parked.';
COMMENT ON COLUMN onex.effect_ledger.parked_at IS 'When it was parked: parked commands begin in this order.';
COMMENT ON COLUMN onex.effect_ledger.parked_command IS 'The parked command as JSON.';
COMMENT ON COLUMN onex.effect_ledger.may_sent IS 'Whether the latest attempt may have been sent before it was parked.';

CREATE TABLE onex.halted_sagas (
    saga_id uuid NOT NULL,
    contract text NOT NULL,
    status text NOT NULL,
    since timestamp with time zone NOT NULL DEFAULT (now()),
    CONSTRAINT pk_halted_sagas PRIMARY KEY (saga_id)
);
COMMENT ON TABLE onex.halted_sagas IS 'Live sagas that do not continue by themselves: blocked, paused, or without a wake-up and an awaited event. Written by triggers of onex.sagas, so that they can be counted without reading the others.';
COMMENT ON COLUMN onex.halted_sagas.saga_id IS 'The saga.';
COMMENT ON COLUMN onex.halted_sagas.contract IS 'Name of the contract that it runs.';
COMMENT ON COLUMN onex.halted_sagas.status IS 'Its status.';
COMMENT ON COLUMN onex.halted_sagas.since IS 'Since when, by the database''s clock.';

CREATE TABLE onex.inbox (
    saga_id uuid NOT NULL,
    message_id uuid NOT NULL,
    request_hash uuid,
    CONSTRAINT pk_inbox PRIMARY KEY (saga_id, message_id)
);
COMMENT ON TABLE onex.inbox IS 'Events that sagas have processed, and requests that joined a live saga by its business key. Kept as long as the saga''s row.';
COMMENT ON COLUMN onex.inbox.saga_id IS 'The saga that has processed it.';
COMMENT ON COLUMN onex.inbox.message_id IS 'The message''s identity; of a request, its request id.';
COMMENT ON COLUMN onex.inbox.request_hash IS 'Hash of its content: distinguishes a duplicate from another message with the same identity.';

CREATE TABLE onex.saga_transitions (
    saga_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    ordinal integer NOT NULL,
    entries json NOT NULL
) PARTITION BY RANGE (at);

CREATE INDEX ix_saga_transitions_saga_id ON onex.saga_transitions (saga_id, version);

CREATE TABLE onex.saga_transitions_default PARTITION OF onex.saga_transitions DEFAULT;

COMMENT ON TABLE onex.saga_transitions IS
    'The history of each saga, a row per transition; read it through the view onex.saga_history. Append only; one partition per day (UTC), created in advance.';
COMMENT ON TABLE onex.saga_transitions_default IS
    'History of days without a partition, and old history of live sagas.';
COMMENT ON COLUMN onex.saga_transitions.saga_id IS 'The saga.';
COMMENT ON COLUMN onex.saga_transitions.at IS 'When it was decided.';
COMMENT ON COLUMN onex.saga_transitions.version IS 'Version of the saga that the entries belong to.';
COMMENT ON COLUMN onex.saga_transitions.ordinal IS 'The ordinal of the first entry.';
COMMENT ON COLUMN onex.saga_transitions.entries IS 'What happened: an array of kind, state, step and detail for each entry.';

CREATE VIEW onex.saga_history AS
    SELECT t.saga_id, t.version, t.ordinal + e.place::integer - 1 AS ordinal, t.at,
           e.entry ->> 0 AS kind, e.entry ->> 1 AS state, e.entry ->> 2 AS step, e.entry -> 3 AS detail
    FROM onex.saga_transitions t
    CROSS JOIN LATERAL json_array_elements(t.entries) WITH ORDINALITY AS e(entry, place);
COMMENT ON VIEW onex.saga_history IS 'The history of each saga, ordered by (version, ordinal).';
COMMENT ON COLUMN onex.saga_history.saga_id IS 'The saga.';
COMMENT ON COLUMN onex.saga_history.version IS 'Version of the saga that the entry belongs to.';
COMMENT ON COLUMN onex.saga_history.ordinal IS '0, 1, ... within the version.';
COMMENT ON COLUMN onex.saga_history.at IS 'When it was decided.';
COMMENT ON COLUMN onex.saga_history.kind IS 'started, state_entered, step_started, step_completed, ...';
COMMENT ON COLUMN onex.saga_history.state IS 'The state in which it happened.';
COMMENT ON COLUMN onex.saga_history.step IS 'The step that it concerns, if any.';
COMMENT ON COLUMN onex.saga_history.detail IS 'Further details, without secrets and payloads.';

CREATE TABLE onex.outbox_batches (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    messages integer NOT NULL,
    sent integer[] NOT NULL DEFAULT '{}',
    message_ids uuid[] NOT NULL,
    saga_ids uuid[] NOT NULL,
    home_partitions integer[] NOT NULL,
    topics text[] NOT NULL,
    partitions integer[] NOT NULL,
    keys text[] NOT NULL,
    values bytea[] NOT NULL,
    headers json[] NOT NULL,
    CONSTRAINT pk_outbox_batches PRIMARY KEY (seq)
)
WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000,
    toast.autovacuum_vacuum_insert_threshold = -1, toast.autovacuum_vacuum_cost_delay = 0);

COMMENT ON TABLE onex.outbox_batches IS
    'Committed messages, a row per commit; read them through the view onex.outbox. Normally nearly empty; a row is deleted once all its messages are sent.';
COMMENT ON COLUMN onex.outbox_batches.seq IS 'The order of the commits.';
COMMENT ON COLUMN onex.outbox_batches.created_at IS 'When they were committed, by the database''s clock.';
COMMENT ON COLUMN onex.outbox_batches.messages IS 'The number of messages.';
COMMENT ON COLUMN onex.outbox_batches.sent IS 'The places, from 1, of messages that are sent while others are not.';
COMMENT ON COLUMN onex.outbox_batches.message_ids IS 'Identities of the messages; every copy has the same.';
COMMENT ON COLUMN onex.outbox_batches.saga_ids IS 'The sagas that send them.';
COMMENT ON COLUMN onex.outbox_batches.home_partitions IS 'Those sagas'' home partitions.';
COMMENT ON COLUMN onex.outbox_batches.topics IS 'The topics.';
COMMENT ON COLUMN onex.outbox_batches.partitions IS 'The partitions; empty: chosen by key.';
COMMENT ON COLUMN onex.outbox_batches.keys IS 'The records'' keys.';
COMMENT ON COLUMN onex.outbox_batches.values IS 'The records'' values: JSON in UTF-8.';
COMMENT ON COLUMN onex.outbox_batches.headers IS 'The records'' headers.';

CREATE VIEW onex.outbox AS
    SELECT m.message_id, (b.seq << 20) + m.place AS seq, m.saga_id, m.home_partition, m.topic, m.partition, m.key, m.value,
           m.headers, b.created_at
    FROM onex.outbox_batches b
    CROSS JOIN LATERAL unnest(
        b.message_ids, b.saga_ids, b.home_partitions, b.topics, b.partitions, b.keys, b.values, b.headers)
        WITH ORDINALITY AS m(message_id, saga_id, home_partition, topic, partition, key, value, headers, place)
    WHERE NOT m.place = ANY (b.sent);
COMMENT ON VIEW onex.outbox IS 'Committed messages that the broker has not acknowledged yet. Normally nearly empty.';
COMMENT ON COLUMN onex.outbox.message_id IS 'Identity of the message; every copy has the same.';
COMMENT ON COLUMN onex.outbox.seq IS 'The order in which messages were committed.';
COMMENT ON COLUMN onex.outbox.saga_id IS 'The saga that sends it.';
COMMENT ON COLUMN onex.outbox.home_partition IS 'That saga''s home partition.';
COMMENT ON COLUMN onex.outbox.topic IS 'The topic.';
COMMENT ON COLUMN onex.outbox.partition IS 'The partition; empty: chosen by key.';
COMMENT ON COLUMN onex.outbox.key IS 'The record''s key.';
COMMENT ON COLUMN onex.outbox.value IS 'The record''s value: JSON in UTF-8.';
COMMENT ON COLUMN onex.outbox.headers IS 'The record''s headers.';
COMMENT ON COLUMN onex.outbox.created_at IS 'When it was committed, by the database''s clock.';

CREATE TABLE onex.saga_items (
    saga_id uuid NOT NULL,
    step text NOT NULL,
    visit integer NOT NULL,
    index integer NOT NULL,
    status text NOT NULL,
    command_id uuid NOT NULL,
    result jsonb,
    undo text,
    code text,
    message text,
    updated_at timestamp with time zone NOT NULL DEFAULT (now()),
    CONSTRAINT pk_saga_items PRIMARY KEY (saga_id, step, visit, index),
    CONSTRAINT ck_saga_items_status CHECK (status IN ('completed', 'failed', 'unknown', 'compensated', 'skipped'))
);
COMMENT ON TABLE onex.saga_items IS 'Items of an each: one row per item with a final result. The saga''s row has counters only.';
COMMENT ON COLUMN onex.saga_items.saga_id IS 'The saga.';
COMMENT ON COLUMN onex.saga_items.step IS 'The step''s id in the contract.';
COMMENT ON COLUMN onex.saga_items.visit IS 'The visit of its state: each visit has its own items.';
COMMENT ON COLUMN onex.saga_items.index IS 'The item''s index in the list, from 0.';
COMMENT ON COLUMN onex.saga_items.status IS 'completed; failed: rejected or finally failed; unknown: to be compensated; compensated; skipped: by an operator.';
COMMENT ON COLUMN onex.saga_items.command_id IS 'The command of its call. It is the Idempotency-Key.';
COMMENT ON COLUMN onex.saga_items.result IS 'The stored part of its result.';
COMMENT ON COLUMN onex.saga_items.undo IS 'The arguments of its compensation.';
COMMENT ON COLUMN onex.saga_items.code IS 'The reason of a failure, as a code.';
COMMENT ON COLUMN onex.saga_items.message IS 'The reason of a failure, for people.';
COMMENT ON COLUMN onex.saga_items.updated_at IS 'When it was last written, by the database''s clock.';

CREATE TABLE onex.saga_payloads (
    id uuid NOT NULL,
    saga_id uuid NOT NULL,
    name text NOT NULL,
    content json NOT NULL,
    CONSTRAINT pk_saga_payloads PRIMARY KEY (id)
);
COMMENT ON TABLE onex.saga_payloads IS 'Inputs and outputs of sagas, and values that are too large for a message or a row. Written once, never updated.';
COMMENT ON COLUMN onex.saga_payloads.id IS 'The id that references use.';
COMMENT ON COLUMN onex.saga_payloads.saga_id IS 'The saga that it belongs to.';
COMMENT ON COLUMN onex.saga_payloads.name IS 'input, output, response, arguments:... or result:...; unique within the saga.';
COMMENT ON COLUMN onex.saga_payloads.content IS 'The value.';

CREATE TABLE onex.sagas (
    id uuid NOT NULL,
    request_id uuid NOT NULL,
    request_hash uuid,
    correlation_id uuid NOT NULL,
    parent_id uuid,
    started_at timestamp with time zone NOT NULL,
    home_partition integer NOT NULL,
    contract text NOT NULL,
    contract_version text NOT NULL,
    contract_hash text NOT NULL,
    business_key text,
    source text NOT NULL,
    reply_to text,
    headers jsonb,
    input json,
    version bigint NOT NULL,
    last_transition_id uuid NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    next_wakeup_at timestamp with time zone,
    parked boolean NOT NULL DEFAULT FALSE,
    state text NOT NULL,
    status text NOT NULL,
    data jsonb NOT NULL,
    progress jsonb NOT NULL,
    fault jsonb,
    waiters jsonb,
    CONSTRAINT pk_sagas PRIMARY KEY (id),
    CONSTRAINT ck_sagas_status CHECK (status IN ('running', 'waiting', 'compensating', 'blocked', 'paused', 'completed', 'failed', 'cancelled'))
)
WITH (autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0.02, fillfactor=50);
COMMENT ON TABLE onex.sagas IS 'One row per saga (a running or ended instance of a contract). Ended sagas stay until retention removes them.';
COMMENT ON COLUMN onex.sagas.id IS 'The saga''s id: a UUID version 7, so ids sort by age.';
COMMENT ON COLUMN onex.sagas.request_id IS 'Identity of the request that started it: envelope_id, or derived from the record. Unique.';
COMMENT ON COLUMN onex.sagas.request_hash IS 'Hash of that request''s content: distinguishes a duplicate from another request with the same identity.';
COMMENT ON COLUMN onex.sagas.correlation_id IS 'Correlation id of the request. Not unique: one flow may make many requests.';
COMMENT ON COLUMN onex.sagas.parent_id IS 'The saga that waits for this one, if any.';
COMMENT ON COLUMN onex.sagas.started_at IS 'When it started.';
COMMENT ON COLUMN onex.sagas.home_partition IS 'Partition that the request came from; results come back to the same number.';
COMMENT ON COLUMN onex.sagas.contract IS 'Name of the contract that it runs.';
COMMENT ON COLUMN onex.sagas.contract_version IS 'Version of that contract.';
COMMENT ON COLUMN onex.sagas.contract_hash IS 'Content hash of that contract: its row in onex.contracts. A saga keeps it to its end.';
COMMENT ON COLUMN onex.sagas.business_key IS 'The contract''s key of this saga. Unique per contract among live sagas.';
COMMENT ON COLUMN onex.sagas.source IS 'Where the request came from: topic/partition/offset.';
COMMENT ON COLUMN onex.sagas.reply_to IS 'Topic of the response, if not the default one.';
COMMENT ON COLUMN onex.sagas.headers IS 'Headers and unknown fields of the request, for the response.';
COMMENT ON COLUMN onex.sagas.input IS 'The request''s payload, up to 1 kB; a larger one is a row of onex.saga_payloads.';
COMMENT ON COLUMN onex.sagas.version IS '1 after the first transition; each one adds 1.';
COMMENT ON COLUMN onex.sagas.last_transition_id IS 'Identity of the last transition: shows whether a commit with unknown outcome was made.';
COMMENT ON COLUMN onex.sagas.updated_at IS 'When its last transition was.';
COMMENT ON COLUMN onex.sagas.ended_at IS 'When it ended; empty for a live saga.';
COMMENT ON COLUMN onex.sagas.next_wakeup_at IS 'Its next wake-up: a step''s timeout, a retry, a timer.';
COMMENT ON COLUMN onex.sagas.parked IS 'Whether its wait is long: then its wake-up, if any, is a row of onex.timers.';
COMMENT ON COLUMN onex.sagas.state IS 'Current state, by the contract''s own name.';
COMMENT ON COLUMN onex.sagas.status IS 'running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator).';
COMMENT ON COLUMN onex.sagas.data IS 'The contract''s data.';
COMMENT ON COLUMN onex.sagas.progress IS 'State of the engine: outstanding commands, attempts, compensation stack, counters.';
COMMENT ON COLUMN onex.sagas.fault IS 'Why it left its normal path: code, message, step, at.';
COMMENT ON COLUMN onex.sagas.waiters IS 'Requests that joined this saga by key; each gets a response.';

CREATE TABLE onex.schedules (
    contract text NOT NULL,
    times text NOT NULL,
    last_due_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL DEFAULT (now()),
    removed_at timestamp with time zone,
    CONSTRAINT pk_schedules PRIMARY KEY (contract, times)
);
COMMENT ON TABLE onex.schedules IS 'The progress of contracts'' schedules.';
COMMENT ON COLUMN onex.schedules.contract IS 'Name of the contract.';
COMMENT ON COLUMN onex.schedules.times IS 'Its times, as written in the contract. Other times make another schedule.';
COMMENT ON COLUMN onex.schedules.last_due_at IS 'The last processed time; at first, when the schedule was first seen.';
COMMENT ON COLUMN onex.schedules.updated_at IS 'When it was processed.';
COMMENT ON COLUMN onex.schedules.removed_at IS 'When an orchestrator started without it. A restored schedule begins again at that time and does not make up for missed ones.';

CREATE TABLE onex.secret_handles (
    id uuid NOT NULL,
    saga_id uuid NOT NULL,
    connection text NOT NULL,
    path text NOT NULL,
    version integer NOT NULL,
    field text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT (now()),
    CONSTRAINT pk_secret_handles PRIMARY KEY (id)
);
COMMENT ON TABLE onex.secret_handles IS 'What the handles of secrets stand for in the data of a saga. The values are in Vault alone.';
COMMENT ON COLUMN onex.secret_handles.id IS '128 random bits: onex-secret:<id>.';
COMMENT ON COLUMN onex.secret_handles.saga_id IS 'The saga that may use it.';
COMMENT ON COLUMN onex.secret_handles.connection IS 'The connection to Vault.';
COMMENT ON COLUMN onex.secret_handles.path IS 'The secret''s path.';
COMMENT ON COLUMN onex.secret_handles.version IS 'The secret''s version.';
COMMENT ON COLUMN onex.secret_handles.field IS 'The field of the secret.';
COMMENT ON COLUMN onex.secret_handles.created_at IS 'When the effect returned it.';

CREATE TABLE onex.timers (
    saga_id uuid NOT NULL,
    name text NOT NULL,
    home_partition integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_timers PRIMARY KEY (saga_id, name)
);
COMMENT ON TABLE onex.timers IS 'Wake-ups of sagas with a long wait (parked). Written and deleted with the saga''s row.';
COMMENT ON COLUMN onex.timers.saga_id IS 'The saga.';
COMMENT ON COLUMN onex.timers.name IS 'The name of the timer: wakeup.';
COMMENT ON COLUMN onex.timers.home_partition IS 'The saga''s home partition, whose owner fires it.';
COMMENT ON COLUMN onex.timers.due_at IS 'When it fires.';

CREATE INDEX ix_contracts_name_version ON onex.contracts (name, version);

CREATE INDEX ix_dead_letters_at ON onex.dead_letters (at);

CREATE INDEX ix_dead_letters_open ON onex.dead_letters (topic) WHERE status = 'open';

CREATE INDEX ix_early_events_saga_id ON onex.early_events (saga_id) WHERE saga_id IS NOT NULL;

CREATE INDEX ix_early_events_waiting ON onex.early_events (contract, correlation_id) WHERE saga_id IS NULL;

CREATE INDEX ix_effect_ledger_parked ON onex.effect_ledger (parked_for, parked_at, command_id) WHERE parked_for IS NOT NULL;

CREATE INDEX ix_inbox_message_id ON onex.inbox (message_id);

CREATE UNIQUE INDEX ux_saga_payloads_saga_id_name ON onex.saga_payloads (saga_id, name);

CREATE INDEX ix_sagas_business_key ON onex.sagas (business_key text_pattern_ops) WHERE business_key IS NOT NULL;

CREATE INDEX ix_sagas_correlation_id ON onex.sagas (correlation_id);

CREATE INDEX ix_sagas_ended_at ON onex.sagas (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_sagas_live_home_partition ON onex.sagas (home_partition) WHERE ended_at IS NULL AND NOT parked;

CREATE INDEX ix_sagas_parent_id ON onex.sagas (parent_id) WHERE parent_id IS NOT NULL;

CREATE UNIQUE INDEX ux_sagas_live_business_key ON onex.sagas (contract, business_key) WHERE ended_at IS NULL AND business_key IS NOT NULL;

CREATE UNIQUE INDEX ux_sagas_request_id ON onex.sagas (request_id);

CREATE INDEX ix_secret_handles_saga_id ON onex.secret_handles (saga_id);

CREATE INDEX ix_timers_home_partition_due_at ON onex.timers (home_partition, due_at);

CREATE FUNCTION onex.make_history_partitions(days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    first_day date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    name text;
    from_time timestamp with time zone;
    to_time timestamp with time zone;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('onex.make_history_partitions'));
    FOR i IN 0..days LOOP
        day := first_day + i;
        name := 'saga_transitions_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('onex.' || name) IS NOT NULL;
        from_time := day::timestamp AT TIME ZONE 'UTC';
        to_time := (day + 1)::timestamp AT TIME ZONE 'UTC';
        LOCK TABLE onex.saga_transitions_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE onex.%I (LIKE onex.saga_transitions INCLUDING ALL)', name);
        EXECUTE format(
            'WITH late AS (DELETE FROM onex.saga_transitions_default WHERE at >= %L AND at < %L RETURNING *) '
            'INSERT INTO onex.%I SELECT * FROM late', from_time, to_time, name);
        EXECUTE format('ALTER TABLE onex.saga_transitions ATTACH PARTITION onex.%I FOR VALUES FROM (%L) TO (%L)',
            name, from_time, to_time);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

COMMENT ON FUNCTION onex.make_history_partitions(integer) IS
    'Creates the partitions of onex.saga_transitions for today (UTC) and that many more days. Returns the number created.';

CREATE FUNCTION onex.drop_history_partitions(kept interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    first_kept date := ((now() - kept) AT TIME ZONE 'UTC')::date;
    name text;
    to_time timestamp with time zone;
    dropped integer := 0;
BEGIN
    PERFORM set_config('lock_timeout', '200ms', true);
    PERFORM pg_advisory_xact_lock(hashtext('onex.make_history_partitions'));
    DELETE FROM onex.saga_transitions_default h
    WHERE h.at < now() - kept
        AND NOT EXISTS (SELECT FROM onex.sagas s WHERE s.id = h.saga_id AND (s.ended_at IS NULL OR s.ended_at >= now() - kept));
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'onex.saga_transitions'::regclass AND c.relname ~ '^saga_transitions_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < first_kept
        ORDER BY 1
    LOOP
        BEGIN
            to_time := (to_date(right(name, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC';
            EXECUTE format(
                'CREATE TABLE onex.saga_transitions_moving AS SELECT h.* FROM onex.sagas s JOIN onex.%I h ON h.saga_id = s.id '
                'WHERE s.started_at < %L AND (s.ended_at IS NULL OR s.ended_at >= %L)', name, to_time, now() - kept);
            EXECUTE format('DROP TABLE onex.%I', name);
            INSERT INTO onex.saga_transitions SELECT * FROM onex.saga_transitions_moving;
            DROP TABLE onex.saga_transitions_moving;
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available THEN
            IF dropped = 0 THEN
                RAISE;
            END IF;
            EXIT;
        END;
    END LOOP;
    RETURN dropped;
END
$$;

COMMENT ON FUNCTION onex.drop_history_partitions(interval) IS
    'Drops the partitions of onex.saga_transitions without younger entries, but keeps the history of sagas that are live or ended since. Returns the number dropped; what is in use stays for the next time.';

SELECT onex.make_history_partitions(7);

CREATE VIEW onex.live_sagas AS
    SELECT id, contract, contract_version, business_key, state, status, correlation_id, home_partition, version,
           now() - started_at AS age, now() - updated_at AS still_for, next_wakeup_at, fault, parent_id, started_at, updated_at
    FROM onex.sagas
    WHERE ended_at IS NULL;
COMMENT ON VIEW onex.live_sagas IS 'Live sagas, with their age and the time since their last transition.';

CREATE VIEW onex.failed_today AS
    SELECT id, contract, contract_version, business_key, state, fault ->> 'code' AS code, fault ->> 'message' AS message,
           fault ->> 'step' AS step, correlation_id, started_at, ended_at
    FROM onex.sagas
    WHERE status = 'failed' AND ended_at >= date_trunc('day', now());
COMMENT ON VIEW onex.failed_today IS 'Sagas that failed since midnight (of the session''s time zone), with the reason.';

CREATE VIEW onex.slowest_steps AS
    WITH steps AS (
        SELECT saga_id, state, step, kind, at,
               lag(kind) OVER one_step AS kind_before, lag(at) OVER one_step AS at_before
        FROM onex.saga_history
        WHERE at >= now() - interval '1 day'
          AND kind IN ('step_started', 'step_completed', 'step_rejected', 'step_failed')
        WINDOW one_step AS (PARTITION BY saga_id, state, step ORDER BY version, ordinal)
    )
    SELECT sagas.contract, steps.state, steps.step, count(*) AS times,
           avg(steps.at - steps.at_before) AS average,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY steps.at - steps.at_before) AS p95,
           max(steps.at - steps.at_before) AS slowest
    FROM steps JOIN onex.sagas ON sagas.id = steps.saga_id
    WHERE steps.kind <> 'step_started' AND steps.kind_before = 'step_started'
    GROUP BY 1, 2, 3
    ORDER BY p95 DESC;
COMMENT ON VIEW onex.slowest_steps IS
    'How long attempts of each step took in the last 24 hours, from being sent to their result; slowest first.';

CREATE VIEW onex.stuck AS
    SELECT id, contract, contract_version, business_key, state, status, correlation_id, version, updated_at, still_for, reason
    FROM (
        SELECT s.*, now() - s.updated_at AS still_for,
            CASE
                WHEN s.next_wakeup_at IS NULL AND coalesce(s.progress -> 'waiting_for', 'null') IN ('null', '""', '[]', '{}')
                    THEN 'It has no next wake-up and waits for no event.'
                WHEN s.next_wakeup_at < now() - interval '5 minutes'
                    THEN 'It should have been woken at ' || to_char(s.next_wakeup_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.'
                WHEN s.parked AND s.next_wakeup_at IS NOT NULL
                    AND NOT EXISTS (SELECT FROM onex.timers t WHERE t.saga_id = s.id)
                    THEN 'It is parked, and its wake-up has no timer.'
            END AS reason
        FROM onex.sagas s
        WHERE s.ended_at IS NULL AND s.status NOT IN ('blocked', 'paused')
    ) live
    WHERE reason IS NOT NULL AND NOT EXISTS (SELECT FROM onex.outbox o WHERE o.saga_id = live.id);
COMMENT ON VIEW onex.stuck IS
    'Live sagas that will never continue by themselves, with the reason: not blocked or paused, nothing to send, no wake-up and no awaited event. Must be empty.';

CREATE FUNCTION onex.note_halted_saga() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND NEW.ended_at IS NULL AND (NEW.status IN ('blocked', 'paused')
        OR (NEW.next_wakeup_at IS NULL
            AND coalesce(NEW.progress -> 'waiting_for', 'null') IN ('null', '""', '[]', '{}'))) THEN
        INSERT INTO onex.halted_sagas (saga_id, contract, status) VALUES (NEW.id, NEW.contract, NEW.status)
        ON CONFLICT (saga_id) DO UPDATE SET status = EXCLUDED.status, since = now()
        WHERE halted_sagas.status <> EXCLUDED.status;
    ELSIF TG_OP <> 'INSERT' THEN
        DELETE FROM onex.halted_sagas WHERE saga_id = OLD.id;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION onex.note_halted_saga() IS 'Keeps onex.halted_sagas.';

CREATE TRIGGER tr_sagas_halted_insert AFTER INSERT ON onex.sagas FOR EACH ROW
    WHEN (NEW.ended_at IS NULL AND (NEW.status IN ('blocked', 'paused') OR NEW.next_wakeup_at IS NULL))
    EXECUTE FUNCTION onex.note_halted_saga();

CREATE TRIGGER tr_sagas_halted_update AFTER UPDATE ON onex.sagas FOR EACH ROW
    WHEN ((OLD.ended_at IS NULL AND (OLD.status IN ('blocked', 'paused') OR OLD.next_wakeup_at IS NULL))
        OR (NEW.ended_at IS NULL AND (NEW.status IN ('blocked', 'paused') OR NEW.next_wakeup_at IS NULL)))
    EXECUTE FUNCTION onex.note_halted_saga();

CREATE TRIGGER tr_sagas_halted_delete AFTER DELETE ON onex.sagas FOR EACH ROW
    WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION onex.note_halted_saga();

INSERT INTO onex.schema_migrations ("MigrationId", "ProductVersion")
VALUES ('20261130071023_Initial', '10.0.15');

COMMIT;

START TRANSACTION;
COMMENT ON COLUMN onex.sagas.source IS 'Origin of the request: topic/partition/offset (and the dead letter, if redriven), http/id, or schedule:time.';

COMMENT ON COLUMN onex.sagas.status IS 'running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator or its parent).';

COMMENT ON COLUMN onex.sagas.home_partition IS 'Partition of the request, or one chosen for it if it came from no topic; results come back to the same number.';

COMMENT ON COLUMN onex.sagas.parent_id IS 'The saga whose step started this one, whether that step waits for it or is detached; empty for others.';

COMMENT ON COLUMN onex.effect_ledger.claimed_at IS 'When that attempt was claimed or parked; with attempt 0, when the command was cancelled.';

COMMENT ON COLUMN onex.effect_ledger.attempt IS 'The latest attempt that was claimed or parked; 0: it was cancelled before that.';

COMMENT ON COLUMN onex.dead_letters.topic IS 'The topic that the record was read from, or that did not accept the message.';

COMMENT ON COLUMN onex.dead_letters.decision_reason IS 'The reason that the operator or Onex gave.';

COMMENT ON COLUMN onex.dead_letters.decided_by IS 'Who decided: the name of a token, or loopback; onex: Onex itself.';

COMMENT ON COLUMN onex.dead_letters.at IS 'When it became a dead letter, the last time if it was reopened.';

COMMENT ON COLUMN onex.dead_letters.id IS 'Derived from the record''s position, or from the message''s identity.';

COMMIT;

SET lock_timeout = 0;

DO $$ BEGIN IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('onex.ix_sagas_live_contract_hash') AND NOT indisvalid) THEN ALTER INDEX onex.ix_sagas_live_contract_hash RENAME TO ix_sagas_live_contract_hash_invalid; END IF; END $$;

DROP INDEX CONCURRENTLY IF EXISTS onex.ix_sagas_live_contract_hash_invalid;

CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_sagas_live_contract_hash ON onex.sagas (contract_hash) WHERE ended_at IS NULL;

SET lock_timeout = '2s';

INSERT INTO onex.schema_migrations ("MigrationId", "ProductVersion")
VALUES ('20261130132646_LiveSagasByContract', '10.0.15');

START TRANSACTION;
COMMENT ON COLUMN onex.sagas.waiters IS 'Other requests that get its response: joined by key, or duplicates of its own request.';

COMMENT ON COLUMN onex.sagas.home_partition IS 'The partition to which its results come back: that of its request or of another record of the same batch; without a record, one derived from its id.';

COMMENT ON COLUMN onex.sagas.headers IS 'The rest of the request, for the response: operation, envelope_id, headers, unknown fields, the parent''s step.';

COMMENT ON COLUMN onex.contracts.hash IS 'SHA-256, in lower-case hex, of the contract without its description and examples, and of the files that it refers to. Comments and layout do not change it.';

COMMENT ON VIEW onex.stuck IS 'Live sagas that nothing will wake, or whose wake-up is five minutes late, with the reason. Without those that are blocked or paused or have a message to send. Must be empty.';

COMMIT;

SET lock_timeout = 0;

DO $$ BEGIN IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('onex.ix_early_events_address') AND NOT indisvalid) THEN ALTER INDEX onex.ix_early_events_address RENAME TO ix_early_events_address_invalid; END IF; END $$;

DROP INDEX CONCURRENTLY IF EXISTS onex.ix_early_events_address_invalid;

CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_early_events_address ON onex.early_events (contract, left(coalesce(business_key, correlation_id::text), 200)) WHERE saga_id IS NULL;

DROP INDEX CONCURRENTLY IF EXISTS onex.ix_early_events_waiting;

SET lock_timeout = '2s';

INSERT INTO onex.schema_migrations ("MigrationId", "ProductVersion")
VALUES ('20261130225000_EarlyEventsByAddress', '10.0.15');

