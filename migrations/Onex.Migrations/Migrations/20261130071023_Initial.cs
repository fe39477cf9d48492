using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Onex.Migrations.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "onex");

            migrationBuilder.CreateTable(
                name: "connection_states",
                schema: "onex",
                columns: table => new
                {
                    connection = table.Column<string>(type: "text", nullable: false, comment: "The connection's name."),
                    process_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The effects process, new at each start."),
                    unavailable_since = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "Since when its circuit breaker is not closed."),
                    next_trial_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When the next command is tried; empty while one is."),
                    reason = table.Column<string>(type: "text", nullable: true, comment: "The latest failure, for people."),
                    valid_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "After this time the process is dead.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_connection_states", x => new { x.connection, x.process_id });
                },
                comment: "Connections that an effects process considers unavailable. Processes write their rows again before they expire.");

            migrationBuilder.CreateTable(
                name: "contracts",
                schema: "onex",
                columns: table => new
                {
                    hash = table.Column<string>(type: "text", nullable: false, comment: "SHA-256 of the file and everything it refers to, in lower-case hex."),
                    name = table.Column<string>(type: "text", nullable: false, comment: "The contract's name."),
                    version = table.Column<string>(type: "text", nullable: false, comment: "Its version."),
                    source = table.Column<string>(type: "jsonb", nullable: false, comment: "The file and everything it refers to."),
                    registered_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "When it was first loaded.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_contracts", x => x.hash);
                },
                comment: "Every contract version ever loaded, so that a saga continues with the contract that started it.");

            migrationBuilder.CreateTable(
                name: "dead_letters",
                schema: "onex",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, comment: "Derived from the record's position."),
                    topic = table.Column<string>(type: "text", nullable: false, comment: "The topic that the record was read from."),
                    partition = table.Column<int>(type: "integer", nullable: false, comment: "Its partition; -1: none."),
                    record_offset = table.Column<long>(type: "bigint", nullable: false, comment: "Its offset; -1: none."),
                    code = table.Column<string>(type: "text", nullable: false, comment: "Why it could not be handled, as a code."),
                    reason = table.Column<string>(type: "text", nullable: false, comment: "Why it could not be handled, for people."),
                    correlation_id = table.Column<Guid>(type: "uuid", nullable: true, comment: "Its correlation id, where it is known."),
                    value = table.Column<byte[]>(type: "bytea", nullable: true, comment: "Its value as it was read, secrets included; empty where it is not stored."),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it became a dead letter."),
                    key = table.Column<string>(type: "text", nullable: true, comment: "Its key."),
                    headers = table.Column<string>(type: "jsonb", nullable: true, comment: "Its headers as they were read; empty where they are not stored."),
                    error_type = table.Column<string>(type: "text", nullable: false, defaultValue: "", comment: "The type of the error."),
                    retry_count = table.Column<int>(type: "integer", nullable: false, defaultValue: 0, comment: "How often it was retried before."),
                    status = table.Column<string>(type: "text", nullable: false, defaultValue: "open", comment: "open: no decision yet; redriven: sent again; discarded: nothing will be done."),
                    redrives = table.Column<int>(type: "integer", nullable: false, defaultValue: 0, comment: "How often it was redriven."),
                    decision_id = table.Column<Guid>(type: "uuid", nullable: true, comment: "The latest decision: also the id of its message in onex.outbox, if it sent one."),
                    decided_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When it was decided."),
                    decided_by = table.Column<string>(type: "text", nullable: true, comment: "Who decided: the name of a token, or loopback."),
                    decision_reason = table.Column<string>(type: "text", nullable: true, comment: "The operator's reason.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dead_letters", x => x.id);
                    table.CheckConstraint("ck_dead_letters_status", "status IN ('open', 'redriven', 'discarded')");
                },
                comment: "Index of the dead-letter topics (<topic>.dlq), with everything that a redrive needs, and operators' decisions.");

            migrationBuilder.CreateTable(
                name: "early_events",
                schema: "onex",
                columns: table => new
                {
                    message_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The message's identity."),
                    saga_id = table.Column<Guid>(type: "uuid", nullable: true, comment: "The saga that buffers it; empty for an early event."),
                    contract = table.Column<string>(type: "text", nullable: false, comment: "The contract of the target saga."),
                    @event = table.Column<string>(name: "event", type: "text", nullable: false, comment: "The event's name."),
                    correlation_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The correlation id that identifies its saga, unless business_key does."),
                    business_key = table.Column<string>(type: "text", nullable: true, comment: "The business key that identifies its saga."),
                    request_hash = table.Column<Guid>(type: "uuid", nullable: true, comment: "Hash of its content: distinguishes a duplicate from another message with the same identity."),
                    content = table.Column<string>(type: "jsonb", nullable: false, comment: "Its payload, and the requester of the response if it is declined."),
                    received_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it arrived."),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it expires."),
                    seq = table.Column<long>(type: "bigint", nullable: false, comment: "The order of arrival.")
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityAlwaysColumn)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_early_events", x => x.message_id);
                },
                comment: "Early events, which wait for their saga, and buffered events, which wait for a state that accepts them. Limited in number and time.");

            migrationBuilder.CreateTable(
                name: "effect_ledger",
                schema: "onex",
                columns: table => new
                {
                    command_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The command: the same for all attempts of one step. It is the Idempotency-Key."),
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga that sent it."),
                    step = table.Column<string>(type: "text", nullable: false, comment: "The step's id in the contract."),
                    operation = table.Column<string>(type: "text", nullable: false, comment: "The operation: http.post, ..."),
                    attempt = table.Column<int>(type: "integer", nullable: false, comment: "The latest attempt that was claimed."),
                    lease_token = table.Column<Guid>(type: "uuid", nullable: false, comment: "The token that recording the outcome requires."),
                    leased_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "Until then nobody else may run it, unless an outcome is recorded. By the database's clock."),
                    claimed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When the latest attempt was claimed."),
                    outcome = table.Column<string>(type: "text", nullable: true, comment: "completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it, or while it was parked; parked: its connection does not let it begin; empty: not known yet."),
                    result = table.Column<string>(type: "json", nullable: true, comment: "The result as it was sent to the orchestrator."),
                    recorded_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When the outcome was recorded."),
                    parked_for = table.Column<string>(type: "text", nullable: true, comment: "The connection for which the command is parked."),
                    parked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When it was parked: parked commands begin in this order."),
                    parked_command = table.Column<byte[]>(type: "bytea", nullable: true, comment: "The parked command as JSON."),
                    may_sent = table.Column<bool>(type: "boolean", nullable: false, defaultValue: false, comment: "Whether the latest attempt may have been sent before it was parked.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_effect_ledger", x => x.command_id);
                    table.CheckConstraint("ck_effect_ledger_outcome", "outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled', 'parked')");
                    table.CheckConstraint("ck_effect_ledger_parked", "coalesce(outcome = 'parked', false) = (parked_for IS NOT NULL AND parked_at IS NOT NULL AND parked_command IS NOT NULL)");
                    table.CheckConstraint("ck_effect_ledger_result", "(outcome IS NULL OR outcome IN ('lapsed', 'cancelled', 'parked')) = (result IS NULL)");
                },
                comment: "One row per command of an effect: the lease of the process that may run it, and the outcome.")
                .Annotation("Npgsql:StorageParameter:fillfactor", 20);

            migrationBuilder.CreateTable(
                name: "halted_sagas",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga."),
                    contract = table.Column<string>(type: "text", nullable: false, comment: "Name of the contract that it runs."),
                    status = table.Column<string>(type: "text", nullable: false, comment: "Its status."),
                    since = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "Since when, by the database's clock.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_halted_sagas", x => x.saga_id);
                },
                comment: "Live sagas that do not continue by themselves: blocked, paused, or without a wake-up and an awaited event. Written by triggers of onex.sagas, so that they can be counted without reading the others.");

            migrationBuilder.CreateTable(
                name: "inbox",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga that has processed it."),
                    message_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The message's identity; of a request, its request id."),
                    request_hash = table.Column<Guid>(type: "uuid", nullable: true, comment: "Hash of its content: distinguishes a duplicate from another message with the same identity.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_inbox", x => new { x.saga_id, x.message_id });
                },
                comment: "Events that sagas have processed, and requests that joined a live saga by its business key. Kept as long as the saga's row.");

            // Partitions, arrays of JSON and views, which EF cannot say.
            migrationBuilder.Sql(CreateSagaHistory);
            migrationBuilder.Sql(CreateOutbox);

            migrationBuilder.CreateTable(
                name: "saga_items",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga."),
                    step = table.Column<string>(type: "text", nullable: false, comment: "The step's id in the contract."),
                    visit = table.Column<int>(type: "integer", nullable: false, comment: "The visit of its state: each visit has its own items."),
                    index = table.Column<int>(type: "integer", nullable: false, comment: "The item's index in the list, from 0."),
                    status = table.Column<string>(type: "text", nullable: false, comment: "completed; failed: rejected or finally failed; unknown: to be compensated; compensated; skipped: by an operator."),
                    command_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The command of its call. It is the Idempotency-Key."),
                    result = table.Column<string>(type: "jsonb", nullable: true, comment: "The stored part of its result."),
                    undo = table.Column<string>(type: "text", nullable: true, comment: "The arguments of its compensation."),
                    code = table.Column<string>(type: "text", nullable: true, comment: "The reason of a failure, as a code."),
                    message = table.Column<string>(type: "text", nullable: true, comment: "The reason of a failure, for people."),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "When it was last written, by the database's clock.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_saga_items", x => new { x.saga_id, x.step, x.visit, x.index });
                    table.CheckConstraint("ck_saga_items_status", "status IN ('completed', 'failed', 'unknown', 'compensated', 'skipped')");
                },
                comment: "Items of an each: one row per item with a final result. The saga's row has counters only.");

            migrationBuilder.CreateTable(
                name: "saga_payloads",
                schema: "onex",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The id that references use."),
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga that it belongs to."),
                    name = table.Column<string>(type: "text", nullable: false, comment: "input, output, response, arguments:... or result:...; unique within the saga."),
                    content = table.Column<string>(type: "json", nullable: false, comment: "The value.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_saga_payloads", x => x.id);
                },
                comment: "Inputs and outputs of sagas, and values that are too large for a message or a row. Written once, never updated.");

            migrationBuilder.CreateTable(
                name: "sagas",
                schema: "onex",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga's id: a UUID version 7, so ids sort by age."),
                    request_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "Identity of the request that started it: envelope_id, or derived from the record. Unique."),
                    request_hash = table.Column<Guid>(type: "uuid", nullable: true, comment: "Hash of that request's content: distinguishes a duplicate from another request with the same identity."),
                    correlation_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "Correlation id of the request. Not unique: one flow may make many requests."),
                    parent_id = table.Column<Guid>(type: "uuid", nullable: true, comment: "The saga that waits for this one, if any."),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it started."),
                    home_partition = table.Column<int>(type: "integer", nullable: false, comment: "Partition that the request came from; results come back to the same number."),
                    contract = table.Column<string>(type: "text", nullable: false, comment: "Name of the contract that it runs."),
                    contract_version = table.Column<string>(type: "text", nullable: false, comment: "Version of that contract."),
                    contract_hash = table.Column<string>(type: "text", nullable: false, comment: "Content hash of that contract: its row in onex.contracts. A saga keeps it to its end."),
                    business_key = table.Column<string>(type: "text", nullable: true, comment: "The contract's key of this saga. Unique per contract among live sagas."),
                    source = table.Column<string>(type: "text", nullable: false, comment: "Where the request came from: topic/partition/offset."),
                    reply_to = table.Column<string>(type: "text", nullable: true, comment: "Topic of the response, if not the default one."),
                    headers = table.Column<string>(type: "jsonb", nullable: true, comment: "Headers and unknown fields of the request, for the response."),
                    input = table.Column<string>(type: "json", nullable: true, comment: "The request's payload, up to 1 kB; a larger one is a row of onex.saga_payloads."),
                    version = table.Column<long>(type: "bigint", nullable: false, comment: "1 after the first transition; each one adds 1."),
                    last_transition_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "Identity of the last transition: shows whether a commit with unknown outcome was made."),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When its last transition was."),
                    ended_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When it ended; empty for a live saga."),
                    next_wakeup_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "Its next wake-up: a step's timeout, a retry, a timer."),
                    parked = table.Column<bool>(type: "boolean", nullable: false, defaultValue: false, comment: "Whether its wait is long: then its wake-up, if any, is a row of onex.timers."),
                    state = table.Column<string>(type: "text", nullable: false, comment: "Current state, by the contract's own name."),
                    status = table.Column<string>(type: "text", nullable: false, comment: "running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator)."),
                    data = table.Column<string>(type: "jsonb", nullable: false, comment: "The contract's data."),
                    progress = table.Column<string>(type: "jsonb", nullable: false, comment: "State of the engine: outstanding commands, attempts, compensation stack, counters."),
                    fault = table.Column<string>(type: "jsonb", nullable: true, comment: "Why it left its normal path: code, message, step, at."),
                    waiters = table.Column<string>(type: "jsonb", nullable: true, comment: "Requests that joined this saga by key; each gets a response.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_sagas", x => x.id);
                    table.CheckConstraint("ck_sagas_status", "status IN ('running', 'waiting', 'compensating', 'blocked', 'paused', 'completed', 'failed', 'cancelled')");
                },
                comment: "One row per saga (a running or ended instance of a contract). Ended sagas stay until retention removes them.")
                .Annotation("Npgsql:StorageParameter:autovacuum_analyze_scale_factor", 0.050000000000000003)
                .Annotation("Npgsql:StorageParameter:autovacuum_vacuum_cost_delay", 0)
                .Annotation("Npgsql:StorageParameter:autovacuum_vacuum_scale_factor", 0.02)
                .Annotation("Npgsql:StorageParameter:fillfactor", 50);

            migrationBuilder.CreateTable(
                name: "schedules",
                schema: "onex",
                columns: table => new
                {
                    contract = table.Column<string>(type: "text", nullable: false, comment: "Name of the contract."),
                    times = table.Column<string>(type: "text", nullable: false, comment: "Its times, as written in the contract. Other times make another schedule."),
                    last_due_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "The last processed time; at first, when the schedule was first seen."),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()", comment: "When it was processed."),
                    removed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true, comment: "When an orchestrator started without it. A restored schedule begins again at that time and does not make up for missed ones.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_schedules", x => new { x.contract, x.times });
                },
                comment: "The progress of contracts' schedules.");

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

            migrationBuilder.CreateTable(
                name: "timers",
                schema: "onex",
                columns: table => new
                {
                    saga_id = table.Column<Guid>(type: "uuid", nullable: false, comment: "The saga."),
                    name = table.Column<string>(type: "text", nullable: false, comment: "The name of the timer: wakeup."),
                    home_partition = table.Column<int>(type: "integer", nullable: false, comment: "The saga's home partition, whose owner fires it."),
                    due_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, comment: "When it fires.")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_timers", x => new { x.saga_id, x.name });
                },
                comment: "Wake-ups of sagas with a long wait (parked). Written and deleted with the saga's row.");

            migrationBuilder.CreateIndex(
                name: "ix_contracts_name_version",
                schema: "onex",
                table: "contracts",
                columns: new[] { "name", "version" });

            migrationBuilder.CreateIndex(
                name: "ix_dead_letters_at",
                schema: "onex",
                table: "dead_letters",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_dead_letters_open",
                schema: "onex",
                table: "dead_letters",
                column: "topic",
                filter: "status = 'open'");

            migrationBuilder.CreateIndex(
                name: "ix_early_events_saga_id",
                schema: "onex",
                table: "early_events",
                column: "saga_id",
                filter: "saga_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_early_events_waiting",
                schema: "onex",
                table: "early_events",
                columns: new[] { "contract", "correlation_id" },
                filter: "saga_id IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_effect_ledger_parked",
                schema: "onex",
                table: "effect_ledger",
                columns: new[] { "parked_for", "parked_at", "command_id" },
                filter: "parked_for IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_inbox_message_id",
                schema: "onex",
                table: "inbox",
                column: "message_id");

            migrationBuilder.CreateIndex(
                name: "ux_saga_payloads_saga_id_name",
                schema: "onex",
                table: "saga_payloads",
                columns: new[] { "saga_id", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_sagas_business_key",
                schema: "onex",
                table: "sagas",
                column: "business_key",
                filter: "business_key IS NOT NULL")
                .Annotation("Npgsql:IndexOperators", new[] { "text_pattern_ops" });

            migrationBuilder.CreateIndex(
                name: "ix_sagas_correlation_id",
                schema: "onex",
                table: "sagas",
                column: "correlation_id");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_ended_at",
                schema: "onex",
                table: "sagas",
                column: "ended_at",
                filter: "ended_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_live_home_partition",
                schema: "onex",
                table: "sagas",
                column: "home_partition",
                filter: "ended_at IS NULL AND NOT parked");

            migrationBuilder.CreateIndex(
                name: "ix_sagas_parent_id",
                schema: "onex",
                table: "sagas",
                column: "parent_id",
                filter: "parent_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ux_sagas_live_business_key",
                schema: "onex",
                table: "sagas",
                columns: new[] { "contract", "business_key" },
                unique: true,
                filter: "ended_at IS NULL AND business_key IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ux_sagas_request_id",
                schema: "onex",
                table: "sagas",
                column: "request_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_secret_handles_saga_id",
                schema: "onex",
                table: "secret_handles",
                column: "saga_id");

            migrationBuilder.CreateIndex(
                name: "ix_timers_home_partition_due_at",
                schema: "onex",
                table: "timers",
                columns: new[] { "home_partition", "due_at" });

            migrationBuilder.Sql(CreateHistoryFunctions);
            migrationBuilder.Sql(CreateViews);
            migrationBuilder.Sql(CreateTriggers);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropTriggers);
            migrationBuilder.Sql(DropViews);

            migrationBuilder.DropTable(
                name: "connection_states",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "contracts",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "dead_letters",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "early_events",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "effect_ledger",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "halted_sagas",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "inbox",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "outbox_batches",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "saga_transitions",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "saga_items",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "saga_payloads",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "sagas",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "schedules",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "secret_handles",
                schema: "onex");

            migrationBuilder.DropTable(
                name: "timers",
                schema: "onex");

            migrationBuilder.Sql(DropHistoryFunctions);
        }
    }
}
