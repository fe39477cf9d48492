namespace Onex.Migrations.Migrations
{
    // What EF cannot say: functions.
    public partial class Upkeep
    {
        // What a live saga did moves to the default partition before its day's is dropped; no index of the day is needed, for few sagas are that old.
        private const string KeepHistoryOfLiveSagas = """
            CREATE OR REPLACE FUNCTION onex.drop_history_partitions(kept interval) RETURNS integer LANGUAGE plpgsql AS $$
            DECLARE
                first_kept date := ((now() - kept) AT TIME ZONE 'UTC')::date;
                name text;
                to_time timestamp with time zone;
                dropped integer := 0;
            BEGIN
                PERFORM set_config('lock_timeout', '200ms', true);
                PERFORM pg_advisory_xact_lock(hashtext('onex.make_history_partitions'));
                DELETE FROM onex.saga_history_default h
                WHERE h.at < now() - kept
                    AND NOT EXISTS (SELECT FROM onex.sagas s WHERE s.id = h.saga_id AND (s.ended_at IS NULL OR s.ended_at >= now() - kept));
                FOR name IN
                    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhparent = 'onex.saga_history'::regclass AND c.relname ~ '^saga_history_[0-9]{8}$'
                      AND to_date(right(c.relname, 8), 'YYYYMMDD') < first_kept
                    ORDER BY 1
                LOOP
                    BEGIN
                        to_time := (to_date(right(name, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC';
                        EXECUTE format(
                            'CREATE TABLE onex.saga_history_moving AS SELECT h.* FROM onex.sagas s JOIN onex.%I h ON h.saga_id = s.id '
                            'WHERE s.started_at < %L AND (s.ended_at IS NULL OR s.ended_at >= %L)', name, to_time, now() - kept);
                        EXECUTE format('DROP TABLE onex.%I', name);
                        INSERT INTO onex.saga_history SELECT * FROM onex.saga_history_moving;
                        DROP TABLE onex.saga_history_moving;
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
                'Drops the partitions of onex.saga_history that hold nothing younger than that, but keeps what belongs to sagas that live or ended since. Answers how many were dropped; what is in use stays for the next time.';
            COMMENT ON TABLE onex.saga_history_default IS
                'History of days for which no partition was made in time, and old history of sagas that still live.';
            """;

        private const string DropHistoryOfLiveSagas = """
            CREATE OR REPLACE FUNCTION onex.drop_history_partitions(kept interval) RETURNS integer LANGUAGE plpgsql AS $$
            DECLARE
                first_kept date := ((now() - kept) AT TIME ZONE 'UTC')::date;
                name text;
                dropped integer := 0;
            BEGIN
                PERFORM pg_advisory_xact_lock(hashtext('onex.make_history_partitions'));
                PERFORM set_config('lock_timeout', '200ms', true);
                DELETE FROM onex.saga_history_default WHERE at < now() - kept;
                FOR name IN
                    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhparent = 'onex.saga_history'::regclass AND c.relname ~ '^saga_history_[0-9]{8}$'
                      AND to_date(right(c.relname, 8), 'YYYYMMDD') < first_kept
                    ORDER BY 1
                LOOP
                    BEGIN
                        EXECUTE format('DROP TABLE onex.%I', name);
                        dropped := dropped + 1;
                    EXCEPTION WHEN lock_not_available THEN
                        EXIT;
                    END;
                END LOOP;
                RETURN dropped;
            END
            $$;
            """;
    }
}
