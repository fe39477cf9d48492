using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class Schedules : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "schedules",
                schema: "onex",
                columns: table => new
                {
                    contract = table.Column<string>(type: "text", nullable: false, comment: "Name of the contract."),
                    times = table.Column<string>(type: "text", nullable: false, comment: "Its times, as the contract says them: other times begin anew."),
                    last_due_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "The last time that was dealt with; at first, when the schedule was seen for the first time."),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "When it was dealt with.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_schedules", x => new { x.contract, x.times });
                },
                comment: "How far the schedules of contracts have come.");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "schedules",
                schema: "onex");
        }
    }
}
