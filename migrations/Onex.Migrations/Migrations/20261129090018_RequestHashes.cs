using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class RequestHashes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "request_hash",
                schema: "onex",
                table: "sagas",
                type: "uuid",
                nullable: true,
                comment: "Hash of what that request asks for: tells a duplicate from another request under the same identity.");

            migrationBuilder.AddColumn<Guid>(
                name: "request_hash",
                schema: "onex",
                table: "inbox",
                type: "uuid",
                nullable: true,
                comment: "Hash of what it asks for: tells a duplicate from another message under the same identity.");

            migrationBuilder.AddColumn<Guid>(
                name: "request_hash",
                schema: "onex",
                table: "early_events",
                type: "uuid",
                nullable: true,
                comment: "Hash of what it asks for: tells a duplicate from another message under the same identity.");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "request_hash",
                schema: "onex",
                table: "sagas");

            migrationBuilder.DropColumn(
                name: "request_hash",
                schema: "onex",
                table: "inbox");

            migrationBuilder.DropColumn(
                name: "request_hash",
                schema: "onex",
                table: "early_events");
        }
    }
}
