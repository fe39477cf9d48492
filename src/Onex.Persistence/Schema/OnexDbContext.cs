using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Registry;
using Onex.Persistence.Sagas;
using Onex.Persistence.Secrets;

namespace Onex.Persistence.Schema;

/// <summary>
/// Defines the schema <c>onex</c> for its migrations. Nothing reads or writes rows through it: see <see cref="ISagaStore"/>. What EF cannot
/// express (partitions, views, functions, triggers, an index of an expression) is SQL in the migrations.
/// </summary>
public sealed class OnexDbContext(DbContextOptions<OnexDbContext> options) : DbContext(options)
{
    /// <summary>The schema of all tables.</summary>
    public const string Schema = "onex";

    /// <summary>The table that names the applied migrations.</summary>
    public const string MigrationsTable = "schema_migrations";

    /// <summary>The assembly that holds the migrations.</summary>
    public const string MigrationsAssembly = "Onex.Migrations";

    /// <inheritdoc />
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<RawJson>().HaveConversion<JsonText>().HaveColumnType("jsonb");
        configurationBuilder.Properties<MessageHeaders>().HaveConversion<HeadersText>().HaveColumnType("jsonb");
        configurationBuilder.Properties<SagaId>().HaveConversion<SagaIdValue>();
        configurationBuilder.Properties<MessageId>().HaveConversion<MessageIdValue>();
        configurationBuilder.Properties<DateTimeOffset>().HaveColumnType("timestamp with time zone");
    }

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(Schema);
        modelBuilder.Entity<SagaRow>(MapSagas);
        modelBuilder.Entity<SagaPayload>(MapSagaPayloads);
        modelBuilder.Entity<SagaItemRow>(MapSagaItems);
        modelBuilder.Entity<SagaHistoryRow>(MapSagaHistory);
        modelBuilder.Entity<OutboxRow>(MapOutbox);
        modelBuilder.Entity<InboxRow>(MapInbox);
        modelBuilder.Entity<TimerRow>(MapTimers);
        modelBuilder.Entity<HaltedSagaRow>(MapHaltedSagas);
        modelBuilder.Entity<ScheduleRow>(MapSchedules);
        modelBuilder.Entity<EarlyEvent>(MapEarlyEvents);
        modelBuilder.Entity<DeadLetterRow>(MapDeadLetters);
        modelBuilder.Entity<EffectLedgerRow>(MapEffectLedger);
        modelBuilder.Entity<ConnectionStateRow>(MapConnectionStates);
        modelBuilder.Entity<SecretHandle>(MapSecretHandles);
        modelBuilder.Entity<RegisteredContract>(MapContracts);
    }

    private static void MapSagas(EntityTypeBuilder<SagaRow> saga)
    {
        saga.ToTable("sagas", table =>
        {
            table
                .HasComment("One row per saga (a running or ended instance of a contract). Ended sagas stay until retention removes them.");
            table.HasCheckConstraint(
                "ck_sagas_status",
                "status IN ('running', 'waiting', 'compensating', 'blocked', 'paused', 'completed', 'failed', 'cancelled')");
        });

        // Updates stay HOT: the page has room for the new version, and no column that each transition changes is indexed.
        saga.HasStorageParameter("fillfactor", 50);
        saga.HasStorageParameter("autovacuum_vacuum_scale_factor", 0.02);
        saga.HasStorageParameter("autovacuum_vacuum_cost_delay", 0);
        saga.HasStorageParameter("autovacuum_analyze_scale_factor", 0.05);

        saga.HasKey(row => row.Id).HasName("pk_sagas");
        saga.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever()
            .HasComment("The saga's id: a UUID version 7, so ids sort by age.");
        saga.Property(row => row.Contract).HasColumnName("contract").HasComment("Name of the contract that it runs.");
        saga.Property(row => row.ContractVersion).HasColumnName("contract_version").HasComment("Version of that contract.");
        saga.Property(row => row.ContractHash).HasColumnName("contract_hash")
            .HasComment("Content hash of that contract: its row in onex.contracts. A saga keeps it to its end.");
        saga.Property(row => row.CorrelationId).HasColumnName("correlation_id")
            .HasComment("Correlation id of the request. Not unique: one flow may make many requests.");
        saga.Property(row => row.RequestId).HasColumnName("request_id")
            .HasComment("Identity of the request that started it: envelope_id, or derived from the record. Unique.");
        saga.Property(row => row.RequestHash).HasColumnName("request_hash")
            .HasComment("Hash of that request's content: distinguishes a duplicate from another request with the same identity.");
        saga.Property(row => row.BusinessKey).HasColumnName("business_key")
            .HasComment("The contract's key of this saga. Unique per contract among live sagas.");
        saga.Property(row => row.ParentId).HasColumnName("parent_id")
            .HasComment("The saga whose step started this one, whether that step waits for it or is detached; empty for others.");
        saga.Property(row => row.Source).HasColumnName("source")
            .HasComment("Origin of the request: topic/partition/offset (and the dead letter, if redriven), http/id, or schedule:time.");
        saga.Property(row => row.State).HasColumnName("state").HasComment("Current state, by the contract's own name.");
        saga.Property(row => row.Status).HasColumnName("status").HasColumnType("text").HasConversion<StatusText>()
            .HasComment(
                "running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator or its parent).");
        saga.Property(row => row.Data).HasColumnName("data").HasComment("The contract's data.");
        saga.Property(row => row.Progress).HasColumnName("progress")
            .HasComment("State of the engine: outstanding commands, attempts, compensation stack, counters.");
        saga.Property(row => row.Fault).HasColumnName("fault").HasComment("Why it left its normal path: code, message, step, at.");
        saga.Property(row => row.ReplyTo).HasColumnName("reply_to").HasComment("Topic of the response, if not the default one.");
        saga.Property(row => row.Headers).HasColumnName("headers")
            .HasComment("The rest of the request, for the response: operation, envelope_id, headers, unknown fields, the parent's step.");

        // Not in SagaRow, because only the start of a saga writes it: CommitSql names the column.
        saga.Property<string>("input").HasColumnType("json")
            .HasComment("The request's payload, up to 1 kB; a larger one is a row of onex.saga_payloads.");
        saga.Property(row => row.Waiters).HasColumnName("waiters")
            .HasComment("Other requests that get its response: joined by key, or duplicates of its own request.");
        saga.Property(row => row.HomePartition).HasColumnName("home_partition")
            .HasComment("The partition to which its results come back: that of its request or of another record of the same batch; "
                + "without a record, one derived from its id.");
        saga.Property(row => row.Version).HasColumnName("version").HasComment("1 after the first transition; each one adds 1.");
        saga.Property(row => row.LastTransitionId).HasColumnName("last_transition_id")
            .HasComment("Identity of the last transition: shows whether a commit with unknown outcome was made.");
        saga.Property(row => row.StartedAt).HasColumnName("started_at").HasComment("When it started.");
        saga.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasComment("When its last transition was.");
        saga.Property(row => row.EndedAt).HasColumnName("ended_at").HasComment("When it ended; empty for a live saga.");
        saga.Property(row => row.NextWakeupAt).HasColumnName("next_wakeup_at")
            .HasComment("Its next wake-up: a step's timeout, a retry, a timer.");
        saga.Property(row => row.Parked).HasColumnName("parked").HasDefaultValue(false)
            .HasComment("Whether its wait is long: then its wake-up, if any, is a row of onex.timers.");

        saga.HasIndex(row => row.RequestId).IsUnique().HasDatabaseName("ux_sagas_request_id");

        // The predicate must not use the status: transitions change it, and updates would no longer be HOT.
        saga.HasIndex(row => new { row.Contract, row.BusinessKey }).IsUnique()
            .HasFilter("ended_at IS NULL AND business_key IS NOT NULL").HasDatabaseName("ux_sagas_live_business_key");

        // Without parked sagas, because a sweep must not read a million of them. A saga changes its parked flag only when a long wait
        // begins or ends, so other updates stay HOT.
        saga.HasIndex(row => row.HomePartition)
            .HasFilter("ended_at IS NULL AND NOT parked").HasDatabaseName("ix_sagas_live_home_partition");
        saga.HasIndex(row => row.CorrelationId).HasDatabaseName("ix_sagas_correlation_id");

        // For searches by key, for the retention, and for lists of the children of a saga.
        saga.HasIndex(row => row.BusinessKey).HasOperators("text_pattern_ops")
            .HasFilter("business_key IS NOT NULL").HasDatabaseName("ix_sagas_business_key");
        saga.HasIndex(row => row.EndedAt).HasFilter("ended_at IS NOT NULL").HasDatabaseName("ix_sagas_ended_at");
        saga.HasIndex(row => row.ParentId).HasFilter("parent_id IS NOT NULL").HasDatabaseName("ix_sagas_parent_id");

        // For the report of contracts that are not loaded. Holds no ended saga, and the hash never changes: updates stay HOT.
        saga.HasIndex(row => row.ContractHash).HasFilter("ended_at IS NULL").HasDatabaseName("ix_sagas_live_contract_hash");
    }

    private static void MapSagaPayloads(EntityTypeBuilder<SagaPayload> payload)
    {
        payload.ToTable("saga_payloads", table => table.HasComment(
            "Inputs and outputs of sagas, and values that are too large for a message or a row. Written once, never updated."));
        payload.HasKey(row => row.Id).HasName("pk_saga_payloads");
        payload.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever().HasComment("The id that references use.");
        payload.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that it belongs to.");
        payload.Property(row => row.Name).HasColumnName("name")
            .HasComment("input, output, response, arguments:... or result:...; unique within the saga.");

        // json, not jsonb: a repeated request with the same idempotency key, and a repeated response, must have the same bytes.
        payload.Property(row => row.Content).HasColumnName("content").HasColumnType("json").HasComment("The value.");
        payload.HasIndex(row => new { row.SagaId, row.Name }).IsUnique().HasDatabaseName("ux_saga_payloads_saga_id_name");
    }

    private static void MapSagaItems(EntityTypeBuilder<SagaItemRow> item)
    {
        item.ToTable("saga_items", table =>
        {
            table.HasComment("Items of an each: one row per item with a final result. The saga's row has counters only.");
            table.HasCheckConstraint("ck_saga_items_status", "status IN ('completed', 'failed', 'unknown', 'compensated', 'skipped')");
        });
        item.HasKey(row => new { row.SagaId, row.Step, row.Visit, row.Index }).HasName("pk_saga_items");
        item.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga.");
        item.Property(row => row.Step).HasColumnName("step").HasComment("The step's id in the contract.");
        item.Property(row => row.Visit).HasColumnName("visit").HasComment("The visit of its state: each visit has its own items.");
        item.Property(row => row.Index).HasColumnName("index").HasComment("The item's index in the list, from 0.");
        item.Property(row => row.Status).HasColumnName("status")
            .HasComment("completed; failed: rejected or finally failed; unknown: to be compensated; compensated; skipped: by an operator.");
        item.Property(row => row.CommandId).HasColumnName("command_id").HasComment("The command of its call. It is the Idempotency-Key.");
        item.Property(row => row.Result).HasColumnName("result").HasComment("The stored part of its result.");

        // text, not jsonb: a repeated request with the same idempotency key must have the same bytes.
        item.Property(row => row.CompensationArguments).HasColumnName("undo").HasComment("The arguments of its compensation.");
        item.Property(row => row.Code).HasColumnName("code").HasComment("The reason of a failure, as a code.");
        item.Property(row => row.Message).HasColumnName("message").HasComment("The reason of a failure, for people.");
        item.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasDefaultValueSql("now()")
            .HasComment("When it was last written, by the database's clock.");
    }

    private static void MapSagaHistory(EntityTypeBuilder<SagaHistoryRow> history)
    {
        // A view over saga_transitions.
        history.HasNoKey().ToView("saga_history");
        history.Property(row => row.SagaId).HasColumnName("saga_id");
        history.Property(row => row.Version).HasColumnName("version");
        history.Property(row => row.Ordinal).HasColumnName("ordinal");
        history.Property(row => row.At).HasColumnName("at");
        history.Property(row => row.Kind).HasColumnName("kind");
        history.Property(row => row.State).HasColumnName("state");
        history.Property(row => row.Step).HasColumnName("step");
        history.Property(row => row.Detail).HasColumnName("detail").HasColumnType("json");
    }

    private static void MapInbox(EntityTypeBuilder<InboxRow> inbox)
    {
        inbox.ToTable("inbox", table => table.HasComment(
            "Events that sagas have processed, and requests that joined a live saga by its business key. "
            + "Kept as long as the saga's row."));
        inbox.HasKey(row => new { row.SagaId, row.MessageId }).HasName("pk_inbox");
        inbox.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that has processed it.");
        inbox.Property(row => row.MessageId).HasColumnName("message_id")
            .HasComment("The message's identity; of a request, its request id.");
        inbox.Property(row => row.RequestHash).HasColumnName("request_hash")
            .HasComment("Hash of its content: distinguishes a duplicate from another message with the same identity.");
        inbox.HasIndex(row => row.MessageId).HasDatabaseName("ix_inbox_message_id");
    }

    private static void MapTimers(EntityTypeBuilder<TimerRow> timer)
    {
        timer.ToTable("timers", table => table
            .HasComment("Wake-ups of sagas with a long wait (parked). Written and deleted with the saga's row."));
        timer.HasKey(row => new { row.SagaId, row.Name }).HasName("pk_timers");
        timer.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga.");
        timer.Property(row => row.Name).HasColumnName("name").HasComment("The name of the timer: wakeup.");
        timer.Property(row => row.HomePartition).HasColumnName("home_partition")
            .HasComment("The saga's home partition, whose owner fires it.");
        timer.Property(row => row.DueAt).HasColumnName("due_at").HasComment("When it fires.");
        timer.HasIndex(row => new { row.HomePartition, row.DueAt }).HasDatabaseName("ix_timers_home_partition_due_at");
    }

    private static void MapHaltedSagas(EntityTypeBuilder<HaltedSagaRow> halted)
    {
        halted.ToTable("halted_sagas", table => table.HasComment(
            "Live sagas that do not continue by themselves: blocked, paused, or without a wake-up and an awaited event. "
            + "Written by triggers of onex.sagas, so that they can be counted without reading the others."));
        halted.HasKey(row => row.SagaId).HasName("pk_halted_sagas");
        halted.Property(row => row.SagaId).HasColumnName("saga_id").ValueGeneratedNever().HasComment("The saga.");
        halted.Property(row => row.Contract).HasColumnName("contract").HasComment("Name of the contract that it runs.");
        halted.Property(row => row.Status).HasColumnName("status").HasComment("Its status.");
        halted.Property(row => row.Since).HasColumnName("since").HasDefaultValueSql("now()")
            .HasComment("Since when, by the database's clock.");
    }

    private static void MapSchedules(EntityTypeBuilder<ScheduleRow> schedule)
    {
        schedule.ToTable("schedules", table => table.HasComment("The progress of contracts' schedules."));
        schedule.HasKey(row => new { row.Contract, row.Times }).HasName("pk_schedules");
        schedule.Property(row => row.Contract).HasColumnName("contract").HasComment("Name of the contract.");
        schedule.Property(row => row.Times).HasColumnName("times")
            .HasComment("Its times, as written in the contract. Other times make another schedule.");
        schedule.Property(row => row.LastDueAt).HasColumnName("last_due_at")
            .HasComment("The last processed time; at first, when the schedule was first seen.");
        schedule.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasDefaultValueSql("now()")
            .HasComment("When it was processed.");
        schedule.Property(row => row.RemovedAt).HasColumnName("removed_at")
            .HasComment("When an orchestrator started without it. A restored schedule begins again at that time and does not make up "
                + "for missed ones.");
    }

    private static void MapEarlyEvents(EntityTypeBuilder<EarlyEvent> early)
    {
        early.ToTable("early_events", table => table.HasComment(
            "Early events, which wait for their saga, and buffered events, which wait for a state that accepts them. "
            + "Limited in number and time."));
        early.HasKey(row => row.MessageId).HasName("pk_early_events");
        early.Property(row => row.MessageId).HasColumnName("message_id").ValueGeneratedNever().HasComment("The message's identity.");
        early.Property<long>("Seq").HasColumnName("seq").UseIdentityAlwaysColumn().HasComment("The order of arrival.");
        early.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that buffers it; empty for an early event.");
        early.Property(row => row.Contract).HasColumnName("contract").HasComment("The contract of the target saga.");
        early.Property(row => row.Event).HasColumnName("event").HasComment("The event's name.");
        early.Property(row => row.CorrelationId).HasColumnName("correlation_id")
            .HasComment("The correlation id that identifies its saga, unless business_key does.");
        early.Property(row => row.BusinessKey).HasColumnName("business_key").HasComment("The business key that identifies its saga.");
        early.Property(row => row.RequestHash).HasColumnName("request_hash")
            .HasComment("Hash of its content: distinguishes a duplicate from another message with the same identity.");
        early.Property(row => row.Content).HasColumnName("content")
            .HasComment("Its payload, and the requester of the response if it is declined.");
        early.Property(row => row.ReceivedAt).HasColumnName("received_at").HasComment("When it arrived.");
        early.Property(row => row.ExpiresAt).HasColumnName("expires_at").HasComment("When it expires.");
        early.HasIndex(row => row.SagaId).HasFilter("saga_id IS NOT NULL").HasDatabaseName("ix_early_events_saga_id");
    }

    private static void MapOutbox(EntityTypeBuilder<OutboxRow> outbox)
    {
        // A view over outbox_batches.
        outbox.HasNoKey().ToView("outbox");
        outbox.Property(row => row.MessageId).HasColumnName("message_id");
        outbox.Property(row => row.Seq).HasColumnName("seq");
        outbox.Property(row => row.SagaId).HasColumnName("saga_id");
        outbox.Property(row => row.HomePartition).HasColumnName("home_partition");
        outbox.Property(row => row.Topic).HasColumnName("topic");
        outbox.Property(row => row.Partition).HasColumnName("partition");
        outbox.Property(row => row.Key).HasColumnName("key");
        outbox.Property(row => row.Value).HasColumnName("value");
        outbox.Property(row => row.Headers).HasColumnName("headers").HasColumnType("json");
        outbox.Property(row => row.CreatedAt).HasColumnName("created_at");
    }

    private static void MapDeadLetters(EntityTypeBuilder<DeadLetterRow> deadLetter)
    {
        deadLetter.ToTable("dead_letters", table =>
        {
            table.HasComment(
                "Index of the dead-letter topics (<topic>.dlq), with everything that a redrive needs, and operators' decisions.");
            table.HasCheckConstraint("ck_dead_letters_status", "status IN ('open', 'redriven', 'discarded')");
        });
        deadLetter.HasKey(row => row.Id).HasName("pk_dead_letters");
        deadLetter.Ignore(row => row.Reopens);
        deadLetter.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever()
            .HasComment("Derived from the record's position, or from the message's identity.");
        deadLetter.Property(row => row.Topic).HasColumnName("topic")
            .HasComment("The topic that the record was read from, or that did not accept the message.");
        deadLetter.Property(row => row.Partition).HasColumnName("partition").HasComment("Its partition; -1: none.");
        deadLetter.Property(row => row.Offset).HasColumnName("record_offset").HasComment("Its offset; -1: none.");
        deadLetter.Property(row => row.Code).HasColumnName("code").HasComment("Why it could not be handled, as a code.");
        deadLetter.Property(row => row.Reason).HasColumnName("reason").HasComment("Why it could not be handled, for people.");
        deadLetter.Property(row => row.CorrelationId).HasColumnName("correlation_id").HasComment("Its correlation id, where it is known.");
        deadLetter.Property(row => row.Value).HasColumnName("value")
            .HasComment("Its value as it was read, secrets included; empty where it is not stored.");
        deadLetter.Property(row => row.At).HasColumnName("at")
            .HasComment("When it became a dead letter, the last time if it was reopened.");
        deadLetter.Property(row => row.Key).HasColumnName("key").HasComment("Its key.");
        deadLetter.Property(row => row.Headers).HasColumnName("headers")
            .HasComment("Its headers as they were read; empty where they are not stored.");
        deadLetter.Property(row => row.ErrorType).HasColumnName("error_type").HasDefaultValue("").HasComment("The type of the error.");
        deadLetter.Property(row => row.RetryCount).HasColumnName("retry_count").HasDefaultValue(0)
            .HasComment("How often it was retried before.");
        deadLetter.Property(row => row.Status).HasColumnName("status").HasColumnType("text").HasDefaultValue(DeadLetterStatus.Open)
            .HasConversion<DeadLetterStatusConverter>()
            .HasComment("open: no decision yet; redriven: sent again; discarded: nothing will be done.");
        deadLetter.Property(row => row.Redrives).HasColumnName("redrives").HasDefaultValue(0).HasComment("How often it was redriven.");
        deadLetter.Property(row => row.DecisionId).HasColumnName("decision_id")
            .HasComment("The latest decision: also the id of its message in onex.outbox, if it sent one.");
        deadLetter.Property(row => row.DecidedAt).HasColumnName("decided_at").HasComment("When it was decided.");
        deadLetter.Property(row => row.DecidedBy).HasColumnName("decided_by")
            .HasComment("Who decided: the name of a token, or loopback; onex: Onex itself.");
        deadLetter.Property(row => row.DecisionReason).HasColumnName("decision_reason")
            .HasComment("The reason that the operator or Onex gave.");
        deadLetter.HasIndex(row => row.At).HasDatabaseName("ix_dead_letters_at");
        deadLetter.HasIndex(row => row.Topic).HasDatabaseName("ix_dead_letters_open").HasFilter("status = 'open'");
    }

    private static void MapEffectLedger(EntityTypeBuilder<EffectLedgerRow> effect)
    {
        effect.ToTable("effect_ledger", table =>
        {
            table.HasComment("One row per command of an effect: the lease of the process that may run it, and the outcome.");
            table.HasCheckConstraint(
                "ck_effect_ledger_outcome", "outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled', 'parked')");
            table.HasCheckConstraint(
                "ck_effect_ledger_result", "(outcome IS NULL OR outcome IN ('lapsed', 'cancelled', 'parked')) = (result IS NULL)");
            table.HasCheckConstraint(
                "ck_effect_ledger_parked",
                "coalesce(outcome = 'parked', false) = (parked_for IS NOT NULL AND parked_at IS NOT NULL AND parked_command IS NOT NULL)");
        });

        // A row is normally written twice (claimed, recorded), and both versions fit on one page.
        effect.HasStorageParameter("fillfactor", 20);
        effect.HasKey(row => row.CommandId).HasName("pk_effect_ledger");
        effect.Property(row => row.CommandId).HasColumnName("command_id").ValueGeneratedNever()
            .HasComment("The command: the same for all attempts of one step. It is the Idempotency-Key.");
        effect.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that sent it.");
        effect.Property(row => row.Step).HasColumnName("step").HasComment("The step's id in the contract.");
        effect.Property(row => row.Operation).HasColumnName("operation").HasComment("The operation: http.post, ...");
        effect.Property(row => row.Attempt).HasColumnName("attempt")
            .HasComment("The latest attempt that was claimed or parked; 0: it was cancelled before that.");
        effect.Property(row => row.LeaseToken).HasColumnName("lease_token").HasComment("The token that recording the outcome requires.");
        effect.Property(row => row.LeasedUntil).HasColumnName("leased_until")
            .HasComment("Until then nobody else may run it, unless an outcome is recorded. By the database's clock.");
        effect.Property(row => row.ClaimedAt).HasColumnName("claimed_at")
            .HasComment("When that attempt was claimed or parked; with attempt 0, when the command was cancelled.");
        effect.Property(row => row.Outcome).HasColumnName("outcome")
            .HasComment("completed, rejected, failed; lapsed: closed when its lease had expired; cancelled: before anyone claimed it, "
                + "or while it was parked; parked: its connection does not let it begin; empty: not known yet.");

        // json, not jsonb: results of external systems are stored as they are, also those that jsonb rejects.
        effect.Property(row => row.Result).HasColumnName("result").HasColumnType("json")
            .HasComment("The result as it was sent to the orchestrator.");
        effect.Property(row => row.RecordedAt).HasColumnName("recorded_at").HasComment("When the outcome was recorded.");
        effect.Property(row => row.ParkedFor).HasColumnName("parked_for").HasComment("The connection for which the command is parked.");
        effect.Property(row => row.ParkedAt).HasColumnName("parked_at")
            .HasComment("When it was parked: parked commands begin in this order.");
        effect.Property(row => row.ParkedCommand).HasColumnName("parked_command").HasComment("The parked command as JSON.");
        effect.Property(row => row.MaySent).HasColumnName("may_sent").HasDefaultValue(false)
            .HasComment("Whether the latest attempt may have been sent before it was parked.");
        effect.HasIndex(row => new { row.ParkedFor, row.ParkedAt, row.CommandId }).HasDatabaseName("ix_effect_ledger_parked")
            .HasFilter("parked_for IS NOT NULL");
    }

    private static void MapConnectionStates(EntityTypeBuilder<ConnectionStateRow> state)
    {
        state.ToTable("connection_states", table => table.HasComment(
            "Connections that an effects process considers unavailable. Processes write their rows again before they expire."));
        state.HasKey(row => new { row.Connection, row.ProcessId }).HasName("pk_connection_states");
        state.Property(row => row.Connection).HasColumnName("connection").HasComment("The connection's name.");
        state.Property(row => row.ProcessId).HasColumnName("process_id").HasComment("The effects process, new at each start.");
        state.Property(row => row.UnavailableSince).HasColumnName("unavailable_since")
            .HasComment("Since when its circuit breaker is not closed.");
        state.Property(row => row.NextTrialAt).HasColumnName("next_trial_at")
            .HasComment("When the next command is tried; empty while one is.");
        state.Property(row => row.Reason).HasColumnName("reason").HasComment("The latest failure, for people.");
        state.Property(row => row.ValidUntil).HasColumnName("valid_until").HasComment("After this time the process is dead.");
    }

    private static void MapSecretHandles(EntityTypeBuilder<SecretHandle> handle)
    {
        handle.ToTable("secret_handles", table => table.HasComment(
            "What the handles of secrets stand for in the data of a saga. The values are in Vault alone."));
        handle.HasKey(row => row.Id).HasName("pk_secret_handles");
        handle.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever().HasComment("128 random bits: onex-secret:<id>.");
        handle.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that may use it.");
        handle.Property(row => row.Connection).HasColumnName("connection").HasComment("The connection to Vault.");
        handle.Property(row => row.Path).HasColumnName("path").HasComment("The secret's path.");
        handle.Property(row => row.Version).HasColumnName("version").HasComment("The secret's version.");
        handle.Property(row => row.Field).HasColumnName("field").HasComment("The field of the secret.");
        handle.Property<DateTimeOffset>("CreatedAt").HasColumnName("created_at").HasDefaultValueSql("now()")
            .HasComment("When the effect returned it.");
        handle.HasIndex(row => row.SagaId).HasDatabaseName("ix_secret_handles_saga_id");
    }

    private static void MapContracts(EntityTypeBuilder<RegisteredContract> contract)
    {
        contract.ToTable("contracts", table => table.HasComment(
            "Every contract version ever loaded, so that a saga continues with the contract that started it."));
        contract.HasKey(row => row.Hash).HasName("pk_contracts");
        contract.Property(row => row.Hash).HasColumnName("hash").ValueGeneratedNever()
            .HasComment("SHA-256, in lower-case hex, of the contract without its description and examples, and of the files that it refers "
                + "to. Comments and layout do not change it.");
        contract.Property(row => row.Name).HasColumnName("name").HasComment("The contract's name.");
        contract.Property(row => row.Version).HasColumnName("version").HasComment("Its version.");
        contract.Property(row => row.Source).HasColumnName("source").HasComment("The file and everything it refers to.");
        contract.Property<DateTimeOffset>("RegisteredAt").HasColumnName("registered_at").HasDefaultValueSql("now()")
            .HasComment("When it was first loaded.");
        contract.HasIndex(row => new { row.Name, row.Version }).HasDatabaseName("ix_contracts_name_version");
    }

    private sealed class JsonText() : ValueConverter<RawJson, string>(json => json.ToString(), text => RawJson.FromText(text));

    private sealed class HeadersText()
        : ValueConverter<MessageHeaders, string>(
            headers => headers.ToJson().ToString(), text => MessageHeaders.Parse(RawJson.FromText(text)));

    private sealed class SagaIdValue() : ValueConverter<SagaId, Guid>(id => id.Value, value => new SagaId(value));

    private sealed class MessageIdValue() : ValueConverter<MessageId, Guid>(id => id.Value, value => new MessageId(value));

    private sealed class DeadLetterStatusConverter()
        : ValueConverter<DeadLetterStatus, string>(status => status.ToText(), text => DeadLetterStatusText.Parse(text));

    private sealed class StatusText() : ValueConverter<SagaStatus, string>(status => status.ToText(), text => SagaStatusText.Parse(text));
}
