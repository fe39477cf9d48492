using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class DeadLetterDecisions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterTable(
                name: "dead_letters",
                schema: "onex",
                comment: "What went to dead-letter topics (<topic>.dlq), with all that sending it again needs, and what operators decided about it.",
                oldComment: "An index of what went to dead-letter topics (<topic>.dlq), and the values that are too large for them.");

            migrationBuilder.AlterColumn<byte[]>(
                name: "value",
                schema: "onex",
                table: "dead_letters",
                type: "bytea",
                nullable: true,
                comment: "Its value as it was read, secrets included; empty where it is not kept.",
                oldClrType: typeof(byte[]),
                oldType: "bytea",
                oldNullable: true,
                oldComment: "Its value, where that is too large for the dead-letter topic.");

            migrationBuilder.AlterColumn<long>(
                name: "record_offset",
                schema: "onex",
                table: "dead_letters",
                type: "bigint",
                nullable: false,
                comment: "Its offset; -1: none.",
                oldClrType: typeof(long),
                oldType: "bigint",
                oldComment: "Its offset.");

            migrationBuilder.AlterColumn<int>(
                name: "partition",
                schema: "onex",
                table: "dead_letters",
                type: "integer",
                nullable: false,
                comment: "Its partition; -1: none.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "Its partition.");

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "decided_at",
                schema: "onex",
                table: "dead_letters",
                type: "timestamp with time zone",
                nullable: true,
                comment: "When that was.");

            migrationBuilder.AddColumn<string>(
                name: "decided_by",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "Who decided: the name of a token, or loopback.");

            migrationBuilder.AddColumn<Guid>(
                name: "decision_id",
                schema: "onex",
                table: "dead_letters",
                type: "uuid",
                nullable: true,
                comment: "The latest decision about it: the id of its message in onex.outbox, if it sent one.");

            migrationBuilder.AddColumn<string>(
                name: "decision_reason",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "Why, in the operator's words.");

            migrationBuilder.AddColumn<string>(
                name: "error_type",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: false,
                defaultValue: "",
                comment: "The kind of failure.");

            migrationBuilder.AddColumn<string>(
                name: "headers",
                schema: "onex",
                table: "dead_letters",
                type: "jsonb",
                nullable: true,
                comment: "Its headers as they were read, name to text; empty where they are not kept.");

            migrationBuilder.AddColumn<string>(
                name: "key",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "Its key.");

            migrationBuilder.AddColumn<int>(
                name: "redrives",
                schema: "onex",
                table: "dead_letters",
                type: "integer",
                nullable: false,
                defaultValue: 0,
                comment: "How often it was sent again since.");

            migrationBuilder.AddColumn<int>(
                name: "retry_count",
                schema: "onex",
                table: "dead_letters",
                type: "integer",
                nullable: false,
                defaultValue: 0,
                comment: "How often it was tried again before it was given up.");

            migrationBuilder.AddColumn<string>(
                name: "status",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: false,
                defaultValue: "open",
                comment: "open: nobody has decided yet; redriven: sent again; discarded: nothing is wanted of it any more.");

            migrationBuilder.AddCheckConstraint(
                name: "ck_dead_letters_status",
                schema: "onex",
                table: "dead_letters",
                sql: "status IN ('open', 'redriven', 'discarded')");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropCheckConstraint(
                name: "ck_dead_letters_status",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "decided_at",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "decided_by",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "decision_id",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "decision_reason",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "error_type",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "headers",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "key",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "redrives",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "retry_count",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "status",
                schema: "onex",
                table: "dead_letters");

            migrationBuilder.AlterTable(
                name: "dead_letters",
                schema: "onex",
                comment: "An index of what went to dead-letter topics (<topic>.dlq), and the values that are too large for them.",
                oldComment: "What went to dead-letter topics (<topic>.dlq), with all that sending it again needs, and what operators decided about it.");

            migrationBuilder.AlterColumn<byte[]>(
                name: "value",
                schema: "onex",
                table: "dead_letters",
                type: "bytea",
                nullable: true,
                comment: "Its value, where that is too large for the dead-letter topic.",
                oldClrType: typeof(byte[]),
                oldType: "bytea",
                oldNullable: true,
                oldComment: "Its value as it was read, secrets included; empty where it is not kept.");

            migrationBuilder.AlterColumn<long>(
                name: "record_offset",
                schema: "onex",
                table: "dead_letters",
                type: "bigint",
                nullable: false,
                comment: "Its offset.",
                oldClrType: typeof(long),
                oldType: "bigint",
                oldComment: "Its offset; -1: none.");

            migrationBuilder.AlterColumn<int>(
                name: "partition",
                schema: "onex",
                table: "dead_letters",
                type: "integer",
                nullable: false,
                comment: "Its partition.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "Its partition; -1: none.");
        }
    }
}
