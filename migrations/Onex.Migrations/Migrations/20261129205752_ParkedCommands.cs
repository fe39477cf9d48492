using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class ParkedCommands : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.AlterColumn<string>(
                name: "outcome",
                schema: "onex",
                table: "effect_ledger",
                type: "text",
                nullable: true,
                comment: "completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it, or while it was parked; parked: its connection does not let it begin; empty: not known yet.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it; empty: not known yet.");

            migrationBuilder.AddColumn<bool>(
                name: "may_sent",
                schema: "onex",
                table: "effect_ledger",
                type: "boolean",
                nullable: false,
                defaultValue: false,
                comment: "Whether the latest attempt may have been sent before it was parked.");

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "parked_at",
                schema: "onex",
                table: "effect_ledger",
                type: "timestamp with time zone",
                nullable: true,
                comment: "When it was parked: parked commands begin in this order.");

            migrationBuilder.AddColumn<byte[]>(
                name: "parked_command",
                schema: "onex",
                table: "effect_ledger",
                type: "bytea",
                nullable: true,
                comment: "The parked command as JSON.");

            migrationBuilder.AddColumn<string>(
                name: "parked_for",
                schema: "onex",
                table: "effect_ledger",
                type: "text",
                nullable: true,
                comment: "The connection for which the command is parked.");

            migrationBuilder.CreateTable(
                name: "connection_states",
                schema: "onex",
                columns: table => new
                {
                    connection = table.Column<string>(type: "text", nullable: false, comment: "The connection's name."),
                    process_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The effects process, new at each start."),
                    unavailable_since = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "Since when its circuit breaker is not closed."),
                    next_trial_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When the next command is tried; empty while one is."),
                    reason = table.Column<string>(type: "text", nullable: true, comment: "The latest failure, for people."),
                    valid_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "After this time the process is dead.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_connection_states", x => new { x.connection, x.process_id });
                },
                comment: "Connections that an effects process considers unavailable. Processes write their rows again before they expire.");

            migrationBuilder.CreateIndex(
                name: "ix_effect_ledger_parked",
                schema: "onex",
                table: "effect_ledger",
                columns: new[] { "parked_for", "parked_at", "command_id" },
                filter: "parked_for IS NOT NULL");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger",
                sql: "outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled', 'parked')");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_parked",
                schema: "onex",
                table: "effect_ledger",
                sql: "coalesce(outcome = 'parked', false) = (parked_for IS NOT NULL AND parked_at IS NOT NULL AND parked_command IS NOT NULL)");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger",
                sql: "(outcome IS NULL OR outcome IN ('lapsed', 'cancelled', 'parked')) = (result IS NULL)");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "connection_states",
                schema: "onex");

            migrationBuilder.DropIndex(
                name: "ix_effect_ledger_parked",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_parked",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropColumn(
                name: "may_sent",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropColumn(
                name: "parked_at",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropColumn(
                name: "parked_command",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.DropColumn(
                name: "parked_for",
                schema: "onex",
                table: "effect_ledger");

            migrationBuilder.AlterColumn<string>(
                name: "outcome",
                schema: "onex",
                table: "effect_ledger",
                type: "text",
                nullable: true,
                comment: "completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it; empty: not known yet.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it, or while it was parked; parked: its connection does not let it begin; empty: not known yet.");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_outcome",
                schema: "onex",
                table: "effect_ledger",
                sql: "outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled')");

            migrationBuilder.AddCheckConstraint(
                name: "ck_effect_ledger_result",
                schema: "onex",
                table: "effect_ledger",
                sql: "(outcome IS NULL OR outcome IN ('lapsed', 'cancelled')) = (result IS NULL)");
        }
    }
}
