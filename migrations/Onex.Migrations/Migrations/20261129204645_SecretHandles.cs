using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class SecretHandles : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "secret_handles",
                schema: "onex",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, comment: "128 random bits: onex-secret:<id>."),
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga that may use it."),
                    connection = table.Column<string>(type: "text", nullable: false, comment: "The connection to Vault."),
                    path = table.Column<string>(type: "text", nullable: false, comment: "The secret's path."),
                    version = table.Column<int>(type: "integer", nullable: false, comment: "The secret's version."),
                    field = table.Column<string>(type: "text", nullable: false, comment: "The field of the secret."),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "When the effect returned it.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_secret_handles", x => x.id);
                },
                comment: "What the handles of secrets stand for in the data of a saga. The values are in Vault alone.");

            migrationBuilder.CreateIndex(
                name: "ix_secret_handles_saga_id",
                schema: "onex",
                table: "secret_handles",
                column: "saga_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "secret_handles",
                schema: "onex");
        }
    }
}
