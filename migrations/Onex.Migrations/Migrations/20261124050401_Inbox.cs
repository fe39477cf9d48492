using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class Inbox : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "inbox",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga that has seen it."),
                    message_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The message's identity; of a request, its request id.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_inbox", x => new { x.saga_id, x.message_id });
                },
                comment: "Messages that sagas have seen and that nothing else of them identifies: requests that joined a live saga by its business key.");

            migrationBuilder.CreateIndex(
                name: "ix_inbox_message_id",
                schema: "onex",
                table: "inbox",
                column: "message_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "inbox",
                schema: "onex");
        }
    }
}
