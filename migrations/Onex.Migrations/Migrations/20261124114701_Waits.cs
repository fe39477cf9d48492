using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class Waits : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_sagas_live_home_partition",
                schema: "onex",
                table: "sagas");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.AlterTable(
                name: "inbox",
                schema: "onex",
                comment: "Messages that sagas have seen and that nothing else of them identifies: events, and requests that joined a live saga by its business key. Kept as long as the saga's row.",
                oldComment: "Messages that sagas have seen and that nothing else of them identifies: requests that joined a live saga by its business key.");

            migrationBuilder.AddColumn<bool>(
                name: "parked",
                schema: "onex",
                table: "sagas",
                type: "boolean",
                nullable: false,
                defaultValue: false,
                comment: "Whether it waits for long: its wake-up, if it has one, is then a row of onex.timers.");

            migrationBuilder.AlterColumn<string>(
                name: "outcome",
                schema: "onex",
                table: "effect_ledger",
                type: "text",
                nullable: true,
                comment: "completed, rejected, failed; cancelled: before anyone took it; empty: not known yet.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "completed, rejected, failed; empty: not known yet.");

            migrationBuilder.CreateTable(
                name: "early_events",
                schema: "onex",
                columns: table => new
                {
                    message_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The message's identity."),
                    saga_id = table.Column<Guid>(type: "uuid", nullable: true, comment: "The saga that has it; empty for one that came before its saga."),
                    contract = table.Column<string>(type: "text", nullable: false, comment: "The contract that it is for."),
                    @event = table.Column<string>(name: "event", type: "text", nullable: false, comment: "The event's name."),
                    correlation_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The correlation id by which it finds its saga, unless business_key does."),
                    business_key = table.Column<string>(type: "text", nullable: true, comment: "The business key that it named."),
                    content = table.Column<string>(type: "jsonb", nullable: false, comment: "Its payload, and who is told if it is refused."),
                    received_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it came."),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "Until when it is kept."),
                    seq = table.Column<long>(type: "bigint", nullable: false, comment: "The order of arrival.")
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityAlwaysColumn)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_early_events", x => x.message_id);
                },
                comment: "Events that wait for their saga, or for a state of their saga that wants them. Bounded in number, and in time.");

            migrationBuilder.CreateTable(
                name: "timers",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga."),
                    name = table.Column<string>(type: "text", nullable: false, comment: "Which of its timers: wakeup."),
                    home_partition = table.Column<int>(type: "integer", nullable: false, comment: "The saga's home partition, whose reader fires it."),
                    due_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it fires.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_timers", x => new { x.saga_id, x.name });
                },
                comment: "When sagas that wait for long (parked) want to be woken. Written and removed with the saga's row.");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_business_key",
                schema: "onex",
                table: "sagas",
                column: "business_key",
                filter: "business_key IS NOT NULL")
                .Annotation("Npgsql:IndexOperators", new[] { "text_pattern_ops" });

            migrationBuilder.CreateIndex(
                name: "ix_sagas_ended_at",
                schema: "onex",
                table: "sagas",
                column: "ended_at",
                filter: "ended_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_live_home_partition",
                schema: "onex",
                table: "sagas",
                column: "home_partition",
                filter: "ended_at IS NULL AND NOT parked");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_started_at",
                schema: "onex",
                table: "sagas",
                columns: new[] { "started_at", "id" });

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger",
                sql: "outcome IN ('completed', 'rejected', 'failed', 'cancelled')");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger",
                sql: "(outcome IS NULL OR outcome = 'cancelled') = (result IS NULL)");

            migrationBuilder.CreateIndex(
                name: "ix_early_events_saga_id",
                schema: "onex",
                table: "early_events",
                column: "saga_id",
                filter: "saga_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_early_events_waiting",
                schema: "onex",
                table: "early_events",
                columns: new[] { "contract", "correlation_id" },
                filter: "saga_id IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_timers_home_partition_due_at",
                schema: "onex",
                table: "timers",
                columns: new[] { "home_partition", "due_at" });

            migrationBuilder.Sql(CreateHistoryRetention);
            migrationBuilder.Sql(CreateStuck);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(CreateStuckAsBefore);
            migrationBuilder.Sql(DropHistoryRetention);
            migrationBuilder.Sql("DELETE FROM onex.effect_ledger WHERE outcome = 'cancelled';");

            migrationBuilder.DropTable(
                name: "early_events",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "timers",
                schema: "onex");

            migrationBuilder.DropIndex(
                name: "ix_sagas_business_key",
                schema: "onex",
                table: "sagas");

            migrationBuilder.DropIndex(
                name: "ix_sagas_ended_at",
                schema: "onex",
                table: "sagas");

            migrationBuilder.DropIndex(
                name: "ix_sagas_live_home_partition",
                schema: "onex",
                table: "sagas");

            migrationBuilder.DropIndex(
                name: "ix_sagas_started_at",
                schema: "onex",
                table: "sagas");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropColumn(
                name: "parked",
                schema: "onex",
                table: "sagas");

            migrationBuilder.AlterTable(
                name: "inbox",
                schema: "onex",
                comment: "Messages that sagas have seen and that nothing else of them identifies: requests that joined a live saga by its business key.",
                oldComment: "Messages that sagas have seen and that nothing else of them identifies: events, and requests that joined a live saga by its business key. Kept as long as the saga's row.");

            migrationBuilder.AlterColumn<string>(
                name: "outcome",
                schema: "onex",
                table: "effect_ledger",
                type: "text",
                nullable: true,
                comment: "completed, rejected, failed; empty: not known yet.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "completed, rejected, failed; cancelled: before anyone took it; empty: not known yet.");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_live_home_partition",
                schema: "onex",
                table: "sagas",
                column: "home_partition",
                filter: "ended_at IS NULL");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger",
                sql: "outcome IN ('completed', 'rejected', 'failed')");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger",
                sql: "(outcome IS NULL) = (result IS NULL)");
        }
    }
}
