using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class HaltedSagas : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "halted_sagas",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga."),
                    contract = table.Column<string>(type: "text", nullable: false, comment: "Name of the contract that it runs."),
                    status = table.Column<string>(type: "text", nullable: false, comment: "Its status."),
                    since = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "Since when, by the database's clock.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_halted_sagas", x => x.saga_id);
                },
                comment: "Live sagas that do not continue by themselves: blocked, paused, or without a wake-up and an awaited event. Written by triggers of onex.sagas, so that they can be counted without reading the others.");

            migrationBuilder.CreateIndex(
                name: "ix_dead_letters_open",
                schema: "onex",
                table: "dead_letters",
                column: "topic",
                filter: "status = 'open'");

            migrationBuilder.Sql(CreateTriggers);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropTriggers);

            migrationBuilder.DropTable(
                name: "halted_sagas",
                schema: "onex");

            migrationBuilder.DropIndex(
                name: "ix_dead_letters_open",
                schema: "onex",
                table: "dead_letters");
        }

        // Conditions of triggers are checked for each written row, so they read no JSON. A saga that moves never fires one.
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

            INSERT INTO onex.halted_sagas (saga_id, contract, status, since)
            SELECT id, contract, status, updated_at FROM onex.sagas
            WHERE ended_at IS NULL AND (status IN ('blocked', 'paused') OR (next_wakeup_at IS NULL
                AND coalesce(progress -> 'waiting_for', 'null') IN ('null', '""', '[]', '{}')));
            """;

        private const string DropTriggers = """
            DROP TRIGGER tr_sagas_halted_delete ON onex.sagas;
            DROP TRIGGER tr_sagas_halted_update ON onex.sagas;
            DROP TRIGGER tr_sagas_halted_insert ON onex.sagas;
            DROP FUNCTION onex.note_halted_saga();
            """;
    }
}
