using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class EarlyEventsByAddress : Migration
    {
        private const string CommentOnStuck = "COMMENT ON VIEW onex.stuck IS '";

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterColumn<string>(
                name: "waiters",
                schema: "onex",
                table: "sagas",
                type: "jsonb",
                nullable: true,
                comment: "Other requests that get its response: joined by key, or duplicates of its own request.",
                oldClrType: typeof(string),
                oldType: "jsonb",
                oldNullable: true,
                oldComment: "Requests that joined this saga by key; each gets a response.");

            migrationBuilder.AlterColumn<int>(
                name: "home_partition",
                schema: "onex",
                table: "sagas",
                type: "integer",
                nullable: false,
                comment: "The partition to which its results come back: that of its request or of another record of the same batch; without a record, one derived from its id.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "Partition of the request, or one chosen for it if it came from no topic; results come back to the same number.");

            migrationBuilder.AlterColumn<string>(
                name: "headers",
                schema: "onex",
                table: "sagas",
                type: "jsonb",
                nullable: true,
                comment: "The rest of the request, for the response: operation, envelope_id, headers, unknown fields, the parent's step.",
                oldClrType: typeof(string),
                oldType: "jsonb",
                oldNullable: true,
                oldComment: "Headers and unknown fields of the request, for the response.");

            migrationBuilder.AlterColumn<string>(
                name: "hash",
                schema: "onex",
                table: "contracts",
                type: "text",
                nullable: false,
                comment: "SHA-256, in lower-case hex, of the contract without its description and examples, and of the files that it refers to. Comments and layout do not change it.",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "SHA-256 of the file and everything it refers to, in lower-case hex.");

            migrationBuilder.Sql(
                CommentOnStuck
                + "Live sagas that nothing will wake, or whose wake-up is five minutes late, with the reason. "
                + "Without those that are blocked or paused or have a message to send. Must be empty.';");

            // Only the beginning of a key, because an entry of an index has a maximum size.
            migrationBuilder.CreateIndexConcurrently(
                "ix_early_events_address",
                "early_events (contract, left(coalesce(business_key, correlation_id::text), 200)) WHERE saga_id IS NULL",
                replaces: "ix_early_events_waiting");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("DROP INDEX onex.ix_early_events_address;");

            migrationBuilder.CreateIndex(
                name: "ix_early_events_waiting",
                schema: "onex",
                table: "early_events",
                columns: new[] { "contract", "correlation_id" },
                filter: "saga_id IS NULL");

            migrationBuilder.Sql(
                CommentOnStuck
                + "Live sagas that will never continue by themselves, with the reason: not blocked or paused, nothing to send, no wake-up "
                + "and no awaited event. Must be empty.';");

            migrationBuilder.AlterColumn<string>(
                name: "waiters",
                schema: "onex",
                table: "sagas",
                type: "jsonb",
                nullable: true,
                comment: "Requests that joined this saga by key; each gets a response.",
                oldClrType: typeof(string),
                oldType: "jsonb",
                oldNullable: true,
                oldComment: "Other requests that get its response: joined by key, or duplicates of its own request.");

            migrationBuilder.AlterColumn<int>(
                name: "home_partition",
                schema: "onex",
                table: "sagas",
                type: "integer",
                nullable: false,
                comment: "Partition of the request, or one chosen for it if it came from no topic; results come back to the same number.",
                oldClrType: typeof(int),
                oldType: "integer",
                oldComment: "The partition to which its results come back: that of its request or of another record of the same batch; without a record, one derived from its id.");

            migrationBuilder.AlterColumn<string>(
                name: "headers",
                schema: "onex",
                table: "sagas",
                type: "jsonb",
                nullable: true,
                comment: "Headers and unknown fields of the request, for the response.",
                oldClrType: typeof(string),
                oldType: "jsonb",
                oldNullable: true,
                oldComment: "The rest of the request, for the response: operation, envelope_id, headers, unknown fields, the parent's step.");

            migrationBuilder.AlterColumn<string>(
                name: "hash",
                schema: "onex",
                table: "contracts",
                type: "text",
                nullable: false,
                comment: "SHA-256 of the file and everything it refers to, in lower-case hex.",
                oldClrType: typeof(string),
                oldType: "text",
                oldComment: "SHA-256, in lower-case hex, of the contract without its description and examples, and of the files that it refers to. Comments and layout do not change it.");
        }
    }
}
