using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class Upkeep : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "removed_at",
                schema: "onex",
                table: "schedules",
                type: "timestamp with time zone",
                nullable: true,
                comment: "When a main began without it. Restored, it begins anew: what came meanwhile was not missed.");

            migrationBuilder.Sql(KeepHistoryOfLiveSagas);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropHistoryOfLiveSagas);

            migrationBuilder.DropColumn(
                name: "removed_at",
                schema: "onex",
                table: "schedules");
        }
    }
}
