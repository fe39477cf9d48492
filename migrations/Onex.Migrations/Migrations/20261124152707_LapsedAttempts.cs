using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class LapsedAttempts : Migration
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
                comment: "completed, rejected, failed; lapsed: given up when its lease had run out; cancelled: before anyone took it; empty: not known yet.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "completed, rejected, failed; cancelled: before anyone took it; empty: not known yet.");

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

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // As it was before main gave them up: the lease has run out.
            migrationBuilder.Sql("UPDATE onex.effect_ledger SET outcome = NULL, recorded_at = NULL WHERE outcome = 'lapsed';");

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
                comment: "completed, rejected, failed; cancelled: before anyone took it; empty: not known yet.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "completed, rejected, failed; lapsed: given up when its lease had run out; cancelled: before anyone took it; empty: not known yet.");

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
        }
    }
}
