using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Registry;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Schema;

/// <summary>
/// Owns the schema <c>onex</c> and its migrations, and serves queries and tools. The hot path does not pass here: see
/// <see cref="ISagaStore"/>. What EF cannot say (partitions, views, the store's functions) stands as SQL in the migrations.
/// </summary>
public sealed class OnexDbContext(DbContextOptions<OnexDbContext> options) : DbContext(options)
{
    /// <summary>The schema of all tables.</summary>
    public const string Schema = "onex";

    /// <summary>The table that names the applied migrations.</summary>
    public const string MigrationsTable = "schema_migrations";

    /// <summary>The assembly that holds the migrations.</summary>
    public const string MigrationsAssembly = "Onex.Migrations";

    /// <summary>Current state of every saga.</summary>
    public DbSet<SagaRow> Sagas => Set<SagaRow>();

    /// <summary>Inputs, outputs and large values.</summary>
    public DbSet<SagaPayload> SagaPayloads => Set<SagaPayload>();

    /// <summary>Items of an <c>each</c>.</summary>
    public DbSet<SagaItemRow> SagaItems => Set<SagaItemRow>();

    /// <summary>What happened.</summary>
    public DbSet<SagaHistoryRow> SagaHistory => Set<SagaHistoryRow>();

    /// <summary>Messages that must leave.</summary>
    public DbSet<OutboxRow> Outbox => Set<OutboxRow>();

    /// <summary>Messages that sagas have seen.</summary>
    public DbSet<InboxRow> Inbox => Set<InboxRow>();

    /// <summary>Wake-ups of sagas that wait for long.</summary>
    public DbSet<TimerRow> Timers => Set<TimerRow>();

    /// <summary>How far schedules have come.</summary>
    public DbSet<ScheduleRow> Schedules => Set<ScheduleRow>();

    /// <summary>Events that wait.</summary>
    public DbSet<EarlyEvent> EarlyEvents => Set<EarlyEvent>();

    /// <summary>An index of what went to dead-letter topics.</summary>
    public DbSet<DeadLetterRow> DeadLetters => Set<DeadLetterRow>();

    /// <summary>Lease and outcome per command.</summary>
    public DbSet<EffectLedgerRow> EffectLedger => Set<EffectLedgerRow>();

    /// <summary>Every contract version ever loaded.</summary>
    public DbSet<RegisteredContract> Contracts => Set<RegisteredContract>();

    /// <inheritdoc />
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<RawJson>().HaveConversion<JsonText>().HaveColumnType("jsonb");
        configurationBuilder.Properties<SagaId>().HaveConversion<SagaIdValue>();
        configurationBuilder.Properties<MessageId>().HaveConversion<MessageIdValue>();
        configurationBuilder.Properties<MessageHeaders>().HaveConversion<HeadersText>().HaveColumnType("jsonb");
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
        modelBuilder.Entity<ScheduleRow>(MapSchedules);
        modelBuilder.Entity<EarlyEvent>(MapEarlyEvents);
        modelBuilder.Entity<DeadLetterRow>(MapDeadLetters);
        modelBuilder.Entity<EffectLedgerRow>(MapEffectLedger);
        modelBuilder.Entity<RegisteredContract>(MapContracts);
    }

    private static void MapSagas(EntityTypeBuilder<SagaRow> saga)
    {
        saga.ToTable("sagas", table =>
        {
            table.HasComment("One row per saga (a running or ended instance of a contract). Ended sagas stay until retention removes them.");
            table.HasCheckConstraint(
                "ck_sagas_status",
                "status IN ('running', 'waiting', 'compensating', 'blocked', 'paused', 'completed', 'failed', 'cancelled')");
        });

        // Updates stay on their page, and so HOT, while there is room on it: nothing that a transition changes is indexed.
        saga.HasStorageParameter("fillfactor", 80);
        saga.HasStorageParameter("autovacuum_vacuum_scale_factor", 0.02);
        saga.HasStorageParameter("autovacuum_vacuum_cost_delay", 0);
        saga.HasStorageParameter("autovacuum_analyze_scale_factor", 0.05);

        saga.HasKey(row => row.Id).HasName("pk_sagas");
        saga.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever()
            .HasComment("The saga's id: a UUID version 7, so ids sort by age.");
        saga.Property(row => row.Contract).HasColumnName("contract").HasComment("Name of the contract that it runs.");
        saga.Property(row => row.ContractVersion).HasColumnName("contract_version").HasComment("Version of that contract.");
        saga.Property(row => row.ContractHash).HasColumnName("contract_hash")
            .HasComment("Content hash of that contract: the row of onex.contracts which it keeps to its end.");
        saga.Property(row => row.CorrelationId).HasColumnName("correlation_id")
            .HasComment("Correlation id of the request. Not unique: one flow may make many requests.");
        saga.Property(row => row.RequestId).HasColumnName("request_id")
            .HasComment("Identity of the request that started it: envelope_id, or derived from the record. Unique.");
        saga.Property(row => row.RequestHash).HasColumnName("request_hash")
            .HasComment("Hash of what that request asks for: tells a duplicate from another request under the same identity.");
        saga.Property(row => row.BusinessKey).HasColumnName("business_key")
            .HasComment("The contract's key of this saga. Unique per contract among live sagas.");
        saga.Property(row => row.ParentId).HasColumnName("parent_id").HasComment("The saga that waits for this one, if any.");
        saga.Property(row => row.Source).HasColumnName("source").HasComment("Where the request came from: topic/partition/offset.");
        saga.Property(row => row.State).HasColumnName("state").HasComment("Current state, by the contract's own name.");
        saga.Property(row => row.Status).HasColumnName("status").HasColumnType("text").HasConversion<StatusText>()
            .HasComment("running, waiting, compensating, blocked, paused; or ended: completed, failed, cancelled (by an operator).");
        saga.Property(row => row.Data).HasColumnName("data").HasComment("The contract's data.");
        saga.Property(row => row.Progress).HasColumnName("progress")
            .HasComment("The engine's own: outstanding commands, attempts, what is to be compensated, counters.");
        saga.Property(row => row.Fault).HasColumnName("fault").HasComment("What went wrong: code, message, step, at.");
        saga.Property(row => row.ReplyTo).HasColumnName("reply_to").HasComment("Topic of the response, if not the usual one.");
        saga.Property(row => row.Headers).HasColumnName("headers").HasComment("Headers and unknown fields of the request, for the response.");
        saga.Property(row => row.Waiters).HasColumnName("waiters").HasComment("Requests that joined this saga by key; each gets a response.");
        saga.Property(row => row.HomePartition).HasColumnName("home_partition")
            .HasComment("Partition that the request came from; results come back to the same number.");
        saga.Property(row => row.Version).HasColumnName("version").HasComment("1 after the first transition, one more with each.");
        saga.Property(row => row.LastTransitionId).HasColumnName("last_transition_id")
            .HasComment("Identity of the last transition: tells whether a commit with unknown outcome was made.");
        saga.Property(row => row.StartedAt).HasColumnName("started_at").HasComment("When it began.");
        saga.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasComment("When it last moved.");
        saga.Property(row => row.EndedAt).HasColumnName("ended_at").HasComment("When it ended; empty while it lives.");
        saga.Property(row => row.NextWakeupAt).HasColumnName("next_wakeup_at")
            .HasComment("When it wants to be woken: a step's timeout, a retry, a timer.");
        saga.Property(row => row.Parked).HasColumnName("parked").HasDefaultValue(false)
            .HasComment("Whether it waits for long: its wake-up, if it has one, is then a row of onex.timers.");

        saga.HasIndex(row => row.RequestId).IsUnique().HasDatabaseName("ux_sagas_request_id");

        // The predicate must not name the status: it changes with transitions, and an update would no longer be HOT.
        saga.HasIndex(row => new { row.Contract, row.BusinessKey }).IsUnique()
            .HasFilter("ended_at IS NULL").HasDatabaseName("ux_sagas_live_business_key");

        // Not those that wait for long: a sweep must not pass a million of them. A saga becomes parked, or ceases to be, only when such a wait
        // begins or ends, so the others' updates stay HOT.
        saga.HasIndex(row => row.HomePartition).HasFilter("ended_at IS NULL AND NOT parked").HasDatabaseName("ix_sagas_live_home_partition");
        saga.HasIndex(row => row.CorrelationId).HasDatabaseName("ix_sagas_correlation_id");

        // For pages of a list, for the question after a key, and for retention.
        saga.HasIndex(row => new { row.StartedAt, row.Id }).HasDatabaseName("ix_sagas_started_at");
        saga.HasIndex(row => row.BusinessKey).HasOperators("text_pattern_ops")
            .HasFilter("business_key IS NOT NULL").HasDatabaseName("ix_sagas_business_key");
        saga.HasIndex(row => row.EndedAt).HasFilter("ended_at IS NOT NULL").HasDatabaseName("ix_sagas_ended_at");
        saga.HasIndex(row => row.ParentId).HasFilter("parent_id IS NOT NULL").HasDatabaseName("ix_sagas_parent_id");
    }

    private static void MapSagaPayloads(EntityTypeBuilder<SagaPayload> payload)
    {
        payload.ToTable("saga_payloads", table => table.HasComment(
            "Input and output of sagas, and values that are too large to travel or to sit in a row. Written once, never updated."));
        payload.HasKey(row => row.Id).HasName("pk_saga_payloads");
        payload.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever().HasComment("What a reference names.");
        payload.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that it belongs to.");
        payload.Property(row => row.Name).HasColumnName("name")
            .HasComment("input, output, response, arguments:... or result:...; unique within the saga.");

        // json, not jsonb: what is asked again under one idempotency key, and what is answered again, must say the same to the letter.
        payload.Property(row => row.Content).HasColumnName("content").HasColumnType("json").HasComment("The value.");
        payload.HasIndex(row => new { row.SagaId, row.Name }).IsUnique().HasDatabaseName("ux_saga_payloads_saga_id_name");
    }

    private static void MapSagaItems(EntityTypeBuilder<SagaItemRow> item)
    {
        item.ToTable("saga_items", table =>
        {
            table.HasComment("Items of an each: one row per item whose call was answered finally. The saga's row keeps counters only.");
            table.HasCheckConstraint("ck_saga_items_status", "status IN ('completed', 'failed', 'unknown', 'compensated', 'skipped')");
        });
        item.HasKey(row => new { row.SagaId, row.Step, row.Visit, row.Index }).HasName("pk_saga_items");
        item.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga.");
        item.Property(row => row.Step).HasColumnName("step").HasComment("The step's id in the contract.");
        item.Property(row => row.Visit).HasColumnName("visit").HasComment("Which visit of its state: another visit has items of its own.");
        item.Property(row => row.Index).HasColumnName("index").HasComment("The item's place in the list, from 0.");
        item.Property(row => row.Status).HasColumnName("status")
            .HasComment("completed; failed: rejected or failed finally; unknown: to be taken back; compensated; skipped: by an operator.");
        item.Property(row => row.CommandId).HasColumnName("command_id").HasComment("The command of its call. It is the Idempotency-Key.");
        item.Property(row => row.Result).HasColumnName("result").HasComment("What of its result is kept.");

        // text, not jsonb: what is asked again under one idempotency key must say the same to the letter.
        item.Property(row => row.Undo).HasColumnName("undo").HasComment("The arguments of its compensation.");
        item.Property(row => row.Code).HasColumnName("code").HasComment("Why it failed, as a code.");
        item.Property(row => row.Message).HasColumnName("message").HasComment("Why it failed, for people.");
        item.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasDefaultValueSql("now()")
            .HasComment("When it was last written, by the database's clock.");
    }

    private static void MapSagaHistory(EntityTypeBuilder<SagaHistoryRow> history)
    {
        history.ToTable("saga_history", table => table.HasComment(
            "What happened in each saga, in order of (version, ordinal). Append only; one partition per day (UTC), made ahead."));
        history.HasKey(row => new { row.SagaId, row.Version, row.Ordinal, row.At }).HasName("pk_saga_history");
        history.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga.");
        history.Property(row => row.Version).HasColumnName("version").HasComment("Version of the saga that the entry belongs to.");
        history.Property(row => row.Ordinal).HasColumnName("ordinal").HasComment("0, 1, ... within the version.");
        history.Property(row => row.At).HasColumnName("at").HasComment("When it was decided.");
        history.Property(row => row.Kind).HasColumnName("kind")
            .HasComment("started, state_entered, step_started, step_completed, ...");
        history.Property(row => row.State).HasColumnName("state").HasComment("The state it happened in.");
        history.Property(row => row.Step).HasColumnName("step").HasComment("The step it is about, if any.");
        history.Property(row => row.Detail).HasColumnName("detail").HasComment("What else is worth telling; no secrets, no payloads.");
    }

    private static void MapInbox(EntityTypeBuilder<InboxRow> inbox)
    {
        inbox.ToTable("inbox", table => table.HasComment(
            "Messages that sagas have seen and that nothing else of them identifies: events, and requests that joined a live saga by its business key. "
            + "Kept as long as the saga's row."));
        inbox.HasKey(row => new { row.SagaId, row.MessageId }).HasName("pk_inbox");
        inbox.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that has seen it.");
        inbox.Property(row => row.MessageId).HasColumnName("message_id").HasComment("The message's identity; of a request, its request id.");
        inbox.Property(row => row.RequestHash).HasColumnName("request_hash")
            .HasComment("Hash of what it asks for: tells a duplicate from another message under the same identity.");
        inbox.HasIndex(row => row.MessageId).HasDatabaseName("ix_inbox_message_id");
    }

    private static void MapTimers(EntityTypeBuilder<TimerRow> timer)
    {
        timer.ToTable("timers", table => table.HasComment("When sagas that wait for long (parked) want to be woken. Written and removed with the saga's row."));
        timer.HasKey(row => new { row.SagaId, row.Name }).HasName("pk_timers");
        timer.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga.");
        timer.Property(row => row.Name).HasColumnName("name").HasComment("Which of its timers: wakeup.");
        timer.Property(row => row.HomePartition).HasColumnName("home_partition").HasComment("The saga's home partition, whose reader fires it.");
        timer.Property(row => row.DueAt).HasColumnName("due_at").HasComment("When it fires.");
        timer.HasIndex(row => new { row.HomePartition, row.DueAt }).HasDatabaseName("ix_timers_home_partition_due_at");
    }

    private static void MapSchedules(EntityTypeBuilder<ScheduleRow> schedule)
    {
        schedule.ToTable("schedules", table => table.HasComment("How far the schedules of contracts have come."));
        schedule.HasKey(row => new { row.Contract, row.Times }).HasName("pk_schedules");
        schedule.Property(row => row.Contract).HasColumnName("contract").HasComment("Name of the contract.");
        schedule.Property(row => row.Times).HasColumnName("times").HasComment("Its times, as the contract says them: other times begin anew.");
        schedule.Property(row => row.LastDueAt).HasColumnName("last_due_at")
            .HasComment("The last time that was dealt with; at first, when the schedule was seen for the first time.");
        schedule.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasDefaultValueSql("now()").HasComment("When it was dealt with.");
        schedule.Property(row => row.RemovedAt).HasColumnName("removed_at")
            .HasComment("When a main began without it. Restored, it begins anew: what came meanwhile was not missed.");
    }

    private static void MapEarlyEvents(EntityTypeBuilder<EarlyEvent> early)
    {
        early.ToTable("early_events", table => table.HasComment(
            "Events that wait for their saga, or for a state of their saga that wants them. Bounded in number, and in time."));
        early.HasKey(row => row.MessageId).HasName("pk_early_events");
        early.Property(row => row.MessageId).HasColumnName("message_id").ValueGeneratedNever().HasComment("The message's identity.");
        early.Property<long>("Seq").HasColumnName("seq").UseIdentityAlwaysColumn().HasComment("The order of arrival.");
        early.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that has it; empty for one that came before its saga.");
        early.Property(row => row.Contract).HasColumnName("contract").HasComment("The contract that it is for.");
        early.Property(row => row.Event).HasColumnName("event").HasComment("The event's name.");
        early.Property(row => row.CorrelationId).HasColumnName("correlation_id")
            .HasComment("The correlation id by which it finds its saga, unless business_key does.");
        early.Property(row => row.BusinessKey).HasColumnName("business_key").HasComment("The business key that it named.");
        early.Property(row => row.RequestHash).HasColumnName("request_hash")
            .HasComment("Hash of what it asks for: tells a duplicate from another message under the same identity.");
        early.Property(row => row.Content).HasColumnName("content").HasComment("Its payload, and who is told if it is refused.");
        early.Property(row => row.ReceivedAt).HasColumnName("received_at").HasComment("When it came.");
        early.Property(row => row.ExpiresAt).HasColumnName("expires_at").HasComment("Until when it is kept.");
        early.HasIndex(row => row.SagaId).HasFilter("saga_id IS NOT NULL").HasDatabaseName("ix_early_events_saga_id");
        early.HasIndex(row => new { row.Contract, row.CorrelationId }).HasFilter("saga_id IS NULL").HasDatabaseName("ix_early_events_waiting");
    }

    private static void MapOutbox(EntityTypeBuilder<OutboxRow> outbox)
    {
        outbox.ToTable("outbox", table => table.HasComment(
            "Messages that are committed and not yet acknowledged by the broker. Normally nearly empty; a row is deleted once it is sent."));

        // Every row is deleted within moments: vacuum by count, not by a share of a table that is empty most of the time.
        outbox.HasStorageParameter("autovacuum_vacuum_scale_factor", 0);
        outbox.HasStorageParameter("autovacuum_vacuum_threshold", 2000);
        outbox.HasStorageParameter("autovacuum_vacuum_insert_threshold", -1);
        outbox.HasStorageParameter("autovacuum_vacuum_cost_delay", 0);

        outbox.HasKey(row => row.MessageId).HasName("pk_outbox");
        outbox.Property(row => row.MessageId).HasColumnName("message_id").ValueGeneratedNever()
            .HasComment("Identity of the message; every copy carries the same.");
        outbox.Property(row => row.Seq).HasColumnName("seq").UseIdentityAlwaysColumn().HasComment("The order in which messages were committed.");
        outbox.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that sends it.");
        outbox.Property(row => row.HomePartition).HasColumnName("home_partition").HasComment("That saga's home partition.");
        outbox.Property(row => row.Topic).HasColumnName("topic").HasComment("Where to.");
        outbox.Property(row => row.Partition).HasColumnName("partition").HasComment("Partition to send to; empty: chosen by key.");
        outbox.Property(row => row.Key).HasColumnName("key").HasComment("The record's key.");
        outbox.Property(row => row.Value).HasColumnName("value").HasComment("The record's value: JSON in UTF-8.");
        outbox.Property(row => row.Headers).HasColumnName("headers").HasComment("The record's headers, name to text.");
        outbox.Property(row => row.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()")
            .HasComment("When it was committed, by the database's clock.");
        outbox.HasIndex(row => row.SagaId).HasDatabaseName("ix_outbox_saga_id");
    }

    private static void MapDeadLetters(EntityTypeBuilder<DeadLetterRow> letter)
    {
        letter.ToTable("dead_letters", table =>
        {
            table.HasComment(
                "What went to dead-letter topics (<topic>.dlq), with all that sending it again needs, and what operators decided about it.");
            table.HasCheckConstraint("ck_dead_letters_status", "status IN ('open', 'redriven', 'discarded')");
        });
        letter.HasKey(row => row.Id).HasName("pk_dead_letters");
        letter.Ignore(row => row.Reopens);
        letter.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever().HasComment("Derived from the record's position.");
        letter.Property(row => row.Topic).HasColumnName("topic").HasComment("The topic that the record was read from.");
        letter.Property(row => row.Partition).HasColumnName("partition").HasComment("Its partition; -1: none.");
        letter.Property(row => row.Offset).HasColumnName("record_offset").HasComment("Its offset; -1: none.");
        letter.Property(row => row.Code).HasColumnName("code").HasComment("Why it could not be handled, as a code.");
        letter.Property(row => row.Reason).HasColumnName("reason").HasComment("Why it could not be handled, for people.");
        letter.Property(row => row.CorrelationId).HasColumnName("correlation_id").HasComment("Its correlation id, where one can be read.");
        letter.Property(row => row.Value).HasColumnName("value")
            .HasComment("Its value as it was read, secrets included; empty where it is not kept.");
        letter.Property(row => row.At).HasColumnName("at").HasComment("When it was given up.");
        letter.Property(row => row.Key).HasColumnName("key").HasComment("Its key.");
        letter.Property(row => row.Headers).HasColumnName("headers").HasComment("Its headers as they were read, name to text; empty where they are not kept.");
        letter.Property(row => row.ErrorType).HasColumnName("error_type").HasDefaultValue("").HasComment("The kind of failure.");
        letter.Property(row => row.RetryCount).HasColumnName("retry_count").HasDefaultValue(0)
            .HasComment("How often it was tried again before it was given up.");
        letter.Property(row => row.Status).HasColumnName("status").HasColumnType("text").HasDefaultValue(DeadLetterStatus.Open).HasConversion<DeadLetterStatusConverter>()
            .HasComment("open: nobody has decided yet; redriven: sent again; discarded: nothing is wanted of it any more.");
        letter.Property(row => row.Redrives).HasColumnName("redrives").HasDefaultValue(0).HasComment("How often it was sent again since.");
        letter.Property(row => row.DecisionId).HasColumnName("decision_id")
            .HasComment("The latest decision about it: the id of its message in onex.outbox, if it sent one.");
        letter.Property(row => row.DecidedAt).HasColumnName("decided_at").HasComment("When that was.");
        letter.Property(row => row.DecidedBy).HasColumnName("decided_by").HasComment("Who decided: the name of a token, or loopback.");
        letter.Property(row => row.DecisionReason).HasColumnName("decision_reason").HasComment("Why, in the operator's words.");
        letter.HasIndex(row => row.At).HasDatabaseName("ix_dead_letters_at");
    }

    private static void MapEffectLedger(EntityTypeBuilder<EffectLedgerRow> effect)
    {
        effect.ToTable("effect_ledger", table =>
        {
            table.HasComment("One row per command to the outside world: who may run it now, and what came of it.");
            table.HasCheckConstraint("ck_effect_ledger_outcome", "outcome IN ('completed', 'rejected', 'failed', 'lapsed', 'cancelled')");
            table.HasCheckConstraint("ck_effect_ledger_result", "(outcome IS NULL OR outcome IN ('lapsed', 'cancelled')) = (result IS NULL)");
        });

        // A row is written twice (claimed, recorded); both versions fit on one page.
        effect.HasStorageParameter("fillfactor", 70);
        effect.HasKey(row => row.CommandId).HasName("pk_effect_ledger");
        effect.Property(row => row.CommandId).HasColumnName("command_id").ValueGeneratedNever()
            .HasComment("The command: the same for all attempts of one step. It is the Idempotency-Key.");
        effect.Property(row => row.SagaId).HasColumnName("saga_id").HasComment("The saga that waits for it.");
        effect.Property(row => row.Step).HasColumnName("step").HasComment("The step's id in the contract.");
        effect.Property(row => row.Operation).HasColumnName("operation").HasComment("The operation: http.post, ...");
        effect.Property(row => row.Attempt).HasColumnName("attempt").HasComment("The latest attempt that was claimed.");
        effect.Property(row => row.LeaseToken).HasColumnName("lease_token").HasComment("Only who holds this token may record the outcome.");
        effect.Property(row => row.LeasedUntil).HasColumnName("leased_until")
            .HasComment("Until then nobody else may run it (unless an outcome is recorded), by the database's clock.");
        effect.Property(row => row.ClaimedAt).HasColumnName("claimed_at").HasComment("When the latest attempt was claimed.");
        effect.Property(row => row.Outcome).HasColumnName("outcome")
            .HasComment("completed, rejected, failed; lapsed: given up when its lease had run out; cancelled: before anyone took it; empty: not known yet.");

        // json, not jsonb: what the outside world returned is kept as it is, also what jsonb refuses.
        effect.Property(row => row.Result).HasColumnName("result").HasColumnType("json").HasComment("The whole result as it was told to main.");
        effect.Property(row => row.RecordedAt).HasColumnName("recorded_at").HasComment("When the outcome was recorded.");
    }

    private static void MapContracts(EntityTypeBuilder<RegisteredContract> contract)
    {
        contract.ToTable("contracts", table => table.HasComment(
            "Every contract version ever loaded, so that a saga can go on with the contract it started with."));
        contract.HasKey(row => row.Hash).HasName("pk_contracts");
        contract.Property(row => row.Hash).HasColumnName("hash").ValueGeneratedNever()
            .HasComment("SHA-256 over the file and what it refers to, in lower-case hex.");
        contract.Property(row => row.Name).HasColumnName("name").HasComment("The contract's name.");
        contract.Property(row => row.Version).HasColumnName("version").HasComment("Its version.");
        contract.Property(row => row.Source).HasColumnName("source").HasComment("The file and everything that it refers to.");
        contract.Property<DateTimeOffset>("RegisteredAt").HasColumnName("registered_at").HasDefaultValueSql("now()")
            .HasComment("When it was first loaded.");
        contract.HasIndex(row => new { row.Name, row.Version }).HasDatabaseName("ix_contracts_name_version");
    }

    private sealed class JsonText() : ValueConverter<RawJson, string>(json => json.ToString(), text => RawJson.FromText(text));

    private sealed class SagaIdValue() : ValueConverter<SagaId, Guid>(id => id.Value, value => new SagaId(value));

    private sealed class MessageIdValue() : ValueConverter<MessageId, Guid>(id => id.Value, value => new MessageId(value));

    private sealed class HeadersText()
        : ValueConverter<MessageHeaders, string>(headers => headers.ToJson().ToString(), text => MessageHeaders.Parse(RawJson.FromText(text)));

    private sealed class DeadLetterStatusConverter()
        : ValueConverter<DeadLetterStatus, string>(status => status.ToText(), text => DeadLetterStatusText.Parse(text));

    private sealed class StatusText() : ValueConverter<SagaStatus, string>(status => status.ToText(), text => SagaStatusText.Parse(text));
}
