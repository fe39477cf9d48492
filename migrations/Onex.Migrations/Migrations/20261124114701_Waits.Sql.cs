namespace Onex.Migrations.Migrations
{
    // What EF cannot say: functions, views.
    public partial class Waits
    {
        // Dropping a partition locks the whole table: rather not now than that every commit waits behind a long query.
        private const string CreateHistoryRetention = """
            CREATE FUNCTION onex.drop_history_partitions(kept interval) RETURNS integer LANGUAGE plpgsql AS $$
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

            COMMENT ON FUNCTION onex.drop_history_partitions(interval) IS
                'Drops the partitions of onex.saga_history that hold nothing younger than that. Answers how many were dropped; what is in use stays for the next time.';
            """;

        private const string DropHistoryRetention = "DROP FUNCTION onex.drop_history_partitions(interval);";

        // Every live saga has a next wake-up or a named event that it waits for, unless an operator must or did decide.
        private const string CreateStuck = """
            DROP VIEW onex.stuck;
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
                'Live sagas that nothing will ever move, with the reason: not blocked or paused, nothing to send, and no wake-up that will come and no event that they wait for. Must be empty.';
            """;

        private const string CreateStuckAsBefore = """
            DROP VIEW onex.stuck;
            CREATE VIEW onex.stuck AS
                SELECT id, contract, contract_version, business_key, state, status, correlation_id, version, updated_at,
                       now() - updated_at AS still_for
                FROM onex.sagas
                WHERE ended_at IS NULL
                  AND next_wakeup_at IS NULL
                  AND status NOT IN ('waiting', 'blocked', 'paused')
                  AND NOT EXISTS (SELECT FROM onex.outbox WHERE outbox.saga_id = sagas.id);
            COMMENT ON VIEW onex.stuck IS
                'Live sagas that nothing will ever move: no wake-up, no message to send, not waiting, blocked or paused. Must be empty.';
            """;
    }
}
