namespace Onex.Migrations.Migrations
{
    // What EF cannot express: partitions, views, functions, triggers.
    public partial class Initial
    {
        private const string CreateSagaHistory = """
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
            """;

        // A row per commit and not per message: a message costs no row, no index entry and no deletion of its own. Arrays and not a JSON
        // document, because values are bytes; long ones are compressed together.
        private const string CreateOutbox = """
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
            """;

        // A partition is filled before it is attached, so that rows which went to the default partition meanwhile do not forbid it; and
        // attaching takes a weaker lock on the parent than creating a partition in place. The history of live sagas moves to the default
        // partition when that of its day is dropped.
        private const string CreateHistoryFunctions = """
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
            """;

        private const string DropHistoryFunctions = """
            DROP FUNCTION onex.drop_history_partitions(interval);
            DROP FUNCTION onex.make_history_partitions(integer);
            """;

        // Conditions of triggers are checked for each written row, so they read no JSON. A saga that continues by itself never fires one.
        private const string CreateTriggers = """
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
            """;

        private const string DropTriggers = """
            DROP TRIGGER tr_sagas_halted_delete ON onex.sagas;
            DROP TRIGGER tr_sagas_halted_update ON onex.sagas;
            DROP TRIGGER tr_sagas_halted_insert ON onex.sagas;
            DROP FUNCTION onex.note_halted_saga();
            """;

        // "stuck" must be empty: a live saga that is neither blocked nor paused has a next wake-up or an event that it waits for.
        private const string CreateViews = """
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
            """;

        private const string DropViews = """
            DROP VIEW onex.stuck, onex.slowest_steps, onex.failed_today, onex.live_sagas, onex.outbox, onex.saga_history;
            """;
    }
}
