using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class SagaItems : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "saga_items",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga."),
                    step = table.Column<string>(type: "text", nullable: false, comment: "The step's id in the contract."),
                    visit = table.Column<int>(type: "integer", nullable: false, comment: "Which visit of its state: another visit has items of its own."),
                    index = table.Column<int>(type: "integer", nullable: false, comment: "The item's place in the list, from 0."),
                    status = table.Column<string>(type: "text", nullable: false, comment: "completed; failed: rejected or failed finally; unknown: to be taken back; compensated; skipped: by an operator."),
                    command_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The command of its call. It is the Idempotency-Key."),
                    result = table.Column<string>(type: "jsonb", nullable: true, comment: "What of its result is kept."),
                    undo = table.Column<string>(type: "text", nullable: true, comment: "The arguments of its compensation."),
                    code = table.Column<string>(type: "text", nullable: true, comment: "Why it failed, as a code."),
                    message = table.Column<string>(type: "text", nullable: true, comment: "Why it failed, for people."),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "When it was last written, by the database's clock.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_saga_items", x => new { x.saga_id, x.step, x.visit, x.index });
                    table.CheckConstraint("ck_saga_items_status", "status IN ('completed', 'failed', 'unknown', 'compensated', 'skipped')");
                },
                comment: "Items of an each: one row per item whose call was answered finally. The saga's row keeps counters only.");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_parent_id",
                schema: "onex",
                table: "sagas",
                column: "parent_id",
                filter: "parent_id IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "saga_items",
                schema: "onex");

            migrationBuilder.DropIndex(
                name: "ix_sagas_parent_id",
                schema: "onex",
                table: "sagas");
        }
    }
}
