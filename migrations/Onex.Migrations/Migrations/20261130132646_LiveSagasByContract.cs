using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class LiveSagasByContract : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterColumn<string>(
                name: "source",
                schema: "onex",
                table: "sagas",
                type: "text",
                nullable: false,
                comment: "Origin of the request: topic/partition/offset (and the dead letter, if redriven), http/id, or schedule:time.",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "Where the request came from: topic/partition/offset.");

            migrationBuilder.AlterColumn<string>(
                name: "status",
                schema: "onex",
                table: "sagas",
                type: "text",
                nullable: false,
                comment: "running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator or its parent).",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator).");

            migrationBuilder.AlterColumn<int>(
                name: "home_partition",
                schema: "onex",
                table: "sagas",
                type: "integer",
                nullable: false,
                comment: "Partition of the request, or one chosen for it if it came from no topic; results come back to the same number.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "Partition that the request came from; results come back to the same number.");

            migrationBuilder.AlterColumn<Guid>(
                name: "parent_id",
                schema: "onex",
                table: "sagas",
                type: "uuid",
                nullable: true,
                comment: "The saga whose step started this one, whether that step waits for it or is detached; empty for others.",
                oldClrType: typeof(Guid),
                oldType: "uuid",
                oldNullable: true,
                oldComment: "The saga that waits for this one, if any.");

            migrationBuilder.AlterColumn<DateTimeOffset>(
                name: "claimed_at",
                schema: "onex",
                table: "effect_ledger",
                type: "timestamp with time zone",
                nullable: false,
                comment: "When that attempt was claimed or parked; with attempt 0, when the command was cancelled.",
                oldClrType: typeof(DateTimeOffset),
                oldType: "timestamp with time zone",
                oldComment: "When the latest attempt was claimed.");

            migrationBuilder.AlterColumn<int>(
                name: "attempt",
                schema: "onex",
                table: "effect_ledger",
                type: "integer",
                nullable: false,
                comment: "The latest attempt that was claimed or parked; 0: it was cancelled before that.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "The latest attempt that was claimed.");

            migrationBuilder.AlterColumn<string>(
                name: "topic",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: false,
                comment: "The topic that the record was read from, or that did not accept the message.",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "The topic that the record was read from.");

            migrationBuilder.AlterColumn<string>(
                name: "decision_reason",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "The reason that the operator or Onex gave.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "The operator's reason.");

            migrationBuilder.AlterColumn<string>(
                name: "decided_by",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "Who decided: the name of a token, or loopback; onex: Onex itself.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "Who decided: the name of a token, or loopback.");

            migrationBuilder.AlterColumn<DateTimeOffset>(
                name: "at",
                schema: "onex",
                table: "dead_letters",
                type: "timestamp with time zone",
                nullable: false,
                comment: "When it became a dead letter, the last time if it was reopened.",
                oldClrType: typeof(DateTimeOffset),
                oldType: "timestamp with time zone",
                oldComment: "When it became a dead letter.");

            migrationBuilder.AlterColumn<Guid>(
                name: "id",
                schema: "onex",
                table: "dead_letters",
                type: "uuid",
                nullable: false,
                comment: "Derived from the record's position, or from the message's identity.",
                oldClrType: typeof(Guid),
                oldType: "uuid",
                oldComment: "Derived from the record's position.");

            migrationBuilder.CreateIndexConcurrently("ix_sagas_live_contract_hash", "sagas (contract_hash) WHERE ended_at IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_sagas_live_contract_hash",
                schema: "onex",
                table: "sagas");

            migrationBuilder.AlterColumn<string>(
                name: "source",
                schema: "onex",
                table: "sagas",
                type: "text",
                nullable: false,
                comment: "Where the request came from: topic/partition/offset.",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "Origin of the request: topic/partition/offset (and the dead letter, if redriven), http/id, or schedule:time.");

            migrationBuilder.AlterColumn<string>(
                name: "status",
                schema: "onex",
                table: "sagas",
                type: "text",
                nullable: false,
                comment: "running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator).",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator or its parent).");

            migrationBuilder.AlterColumn<int>(
                name: "home_partition",
                schema: "onex",
                table: "sagas",
                type: "integer",
                nullable: false,
                comment: "Partition that the request came from; results come back to the same number.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "Partition of the request, or one chosen for it if it came from no topic; results come back to the same number.");

            migrationBuilder.AlterColumn<Guid>(
                name: "parent_id",
                schema: "onex",
                table: "sagas",
                type: "uuid",
                nullable: true,
                comment: "The saga that waits for this one, if any.",
                oldClrType: typeof(Guid),
                oldType: "uuid",
                oldNullable: true,
                oldComment: "The saga whose step started this one, whether that step waits for it or is detached; empty for others.");

            migrationBuilder.AlterColumn<DateTimeOffset>(
                name: "claimed_at",
                schema: "onex",
                table: "effect_ledger",
                type: "timestamp with time zone",
                nullable: false,
                comment: "When the latest attempt was claimed.",
                oldClrType: typeof(DateTimeOffset),
                oldType: "timestamp with time zone",
                oldComment: "When that attempt was claimed or parked; with attempt 0, when the command was cancelled.");

            migrationBuilder.AlterColumn<int>(
                name: "attempt",
                schema: "onex",
                table: "effect_ledger",
                type: "integer",
                nullable: false,
                comment: "The latest attempt that was claimed.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "The latest attempt that was claimed or parked; 0: it was cancelled before that.");

            migrationBuilder.AlterColumn<string>(
                name: "topic",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: false,
                comment: "The topic that the record was read from.",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "The topic that the record was read from, or that did not accept the message.");

            migrationBuilder.AlterColumn<string>(
                name: "decision_reason",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "The operator's reason.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "The reason that the operator or Onex gave.");

            migrationBuilder.AlterColumn<string>(
                name: "decided_by",
                schema: "onex",
                table: "dead_letters",
                type: "text",
                nullable: true,
                comment: "Who decided: the name of a token, or loopback.",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true,
                oldComment: "Who decided: the name of a token, or loopback; onex: Onex itself.");

            migrationBuilder.AlterColumn<DateTimeOffset>(
                name: "at",
                schema: "onex",
                table: "dead_letters",
                type: "timestamp with time zone",
                nullable: false,
                comment: "When it became a dead letter.",
                oldClrType: typeof(DateTimeOffset),
                oldType: "timestamp with time zone",
                oldComment: "When it became a dead letter, the last time if it was reopened.");

            migrationBuilder.AlterColumn<Guid>(
                name: "id",
                schema: "onex",
                table: "dead_letters",
                type: "uuid",
                nullable: false,
                comment: "Derived from the record's position.",
                oldClrType: typeof(Guid),
                oldType: "uuid",
                oldComment: "Derived from the record's position, or from the message's identity.");
        }
    }
}
