using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Effects;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Ledger;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Orchestrator.Routing;

/// <summary>Overdue commands are looked up in a real ledger.</summary>
public sealed class LedgerInquiryTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const string Contract = """
        contract: calls
        version: 1.0.0
        description: Two calls.
        input: { type: object }
        initial: calling
        states:
          calling:
            steps:
              - { id: first, effect: http.get, with: { url: "http://127.0.0.1/" } }
              - { id: second, effect: http.get, with: { url: "http://127.0.0.1/" } }
            next: done
          done: { end: completed }
        """;

    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly PostgresEffectLedger _ledger = new(database.DataSource);
    private readonly PostgresSagaStore _store = new(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    [Fact]
    public async Task Every_known_outcome_becomes_a_result_before_the_wakeup()
    {
        var (completed, large, claimed, unclaimed) = (Command("first"), Command("second"), Command("first"), Command("second"));
        var reference = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await _store.SavePayloadsAsync([new SagaPayload(reference, default, "result", RawJson.FromText("""{"large":true}"""))], _none);
        await RecordAsync(completed, null);
        await RecordAsync(large, reference);
        await _ledger.ClaimAsync(Message(claimed), _none);

        var deliveries = await AddOutcomesAsync(completed, large, claimed, unclaimed);

        var results = deliveries.SkipLast(1).ToList();
        Assert.Equal([completed.CommandId, large.CommandId], results.Select(result => ((StepResultArrived)result.Message).CommandId));
        Assert.All(results, result => Assert.True(result.IsFromLedger));
        var largeResult = ((StepResultArrived)deliveries[1].Message).Result!.Value;
        Assert.True(largeResult.TryGetField("large", out var isLarge) && isLarge.AsBool());
        var timer = Assert.IsType<TimerFired>(deliveries[^1].Message);
        Assert.Equal([completed, large, claimed, unclaimed], timer.Queried);
        var leases = timer.Leases;
        Assert.Equal([claimed.CommandId], leases.Keys);
        Assert.NotNull(leases[claimed.CommandId].ValidUntil);
    }

    [Fact]
    public async Task An_unclaimed_interrupted_command_is_cancelled_and_can_never_be_claimed()
    {
        var (unclaimed, claimed, completed) = (
            Command("first", interrupted: true), Command("second", interrupted: true), Command("first", interrupted: true));
        await _ledger.ClaimAsync(Message(claimed), _none);
        await RecordAsync(completed, null);

        var deliveries = await AddOutcomesAsync(unclaimed, claimed, completed);

        Assert.Equal(completed.CommandId, Assert.IsType<StepResultArrived>(deliveries[0].Message).CommandId);
        var leases = Assert.IsType<TimerFired>(deliveries[^1].Message).Leases;
        Assert.Equal((true, false), (leases[unclaimed.CommandId].Cancelled, leases[claimed.CommandId].Cancelled));
        Assert.NotNull(leases[claimed.CommandId].ValidUntil);
        Assert.IsType<ClaimResult.Expired>(await _ledger.ClaimAsync(Message(unclaimed), _none));
    }

    [Fact]
    public async Task An_attempt_without_a_reported_outcome_is_closed_before_it_counts_as_failed()
    {
        var command = Command("first");
        await _ledger.ClaimAsync(Message(command), _none);
        await database.Database.ExecuteAsync(
            $"UPDATE onex.effect_ledger SET leased_until = now() - interval '1s' WHERE command_id = '{command.CommandId}'");

        var deliveries = await AddOutcomesAsync(command);

        var lease = Assert.IsType<TimerFired>(Assert.Single(deliveries).Message).Leases[command.CommandId];
        Assert.Equal(new Lease(1, null), lease);
        Assert.IsType<ClaimResult.Expired>(await _ledger.ClaimAsync(Message(command), _none));
    }

    [Fact]
    public async Task An_attempt_whose_outcome_is_being_committed_counts_as_leased_after_its_lease_has_expired()
    {
        var command = Command("first");
        var granted = Assert.IsType<ClaimResult.Granted>(await _ledger.ClaimAsync(Message(command), _none));
        await database.Database.ExecuteAsync(
            $"UPDATE onex.effect_ledger SET leased_until = now() - interval '1s' WHERE command_id = '{command.CommandId}'");
        await using var connection = await database.DataSource.OpenConnectionAsync(_none);
        await using var transaction = await connection.BeginTransactionAsync(_none);
        Assert.True(await PostgresEffectLedger.RecordAsync(transaction, granted.LeaseToken, Completed(command, null), _none));

        var deliveries = await AddOutcomesAsync(command);

        Assert.NotNull(Assert.IsType<TimerFired>(Assert.Single(deliveries).Message).Leases[command.CommandId].ValidUntil);
    }

    private static Outstanding Command(string step, bool interrupted = false) => new()
    {
        CommandId = new(Guid.CreateVersion7(TimeProvider.System.GetUtcNow())),
        Step = step,
        Direction = StepDirection.Forward,
        Attempt = 1,
        Phase = AttemptPhase.InFlight,
        DueAt = TimeProvider.System.GetUtcNow().AddSeconds(-1),
        FirstSentAt = TimeProvider.System.GetUtcNow().AddMinutes(-1),
        Interrupted = interrupted,
    };

    private static StepCommand Message(Outstanding command) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = default,
        CorrelationId = Guid.Empty,
        Contract = "calls",
        Step = command.Step,
        Direction = command.Direction.ToText(),
        Operation = "http.get",
        HomePartition = 0,
        TimeoutMs = 30_000,
        NotAfter = command.NotAfter,
    };

    private async Task RecordAsync(Outstanding command, Guid? reference)
    {
        var granted = Assert.IsType<ClaimResult.Granted>(await _ledger.ClaimAsync(Message(command), _none));
        Assert.True(await _ledger.RecordAsync(granted.LeaseToken, Completed(command, reference), _none));
    }

    private static StepResult Completed(Outstanding command, Guid? reference) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = default,
        CorrelationId = Guid.Empty,
        Outcome = StepOutcomes.Completed,
        Result = reference is null ? RawJson.EmptyObject : null,
        ResultRef = reference,
    };

    private async Task<IReadOnlyList<Delivery>> AddOutcomesAsync(params Outstanding[] outstanding)
    {
        var now = TimeProvider.System.GetUtcNow();
        var plan = ContractCompiler.Compile(
            new ContractSource("calls.yaml", Contract, ImmutableSortedDictionary<string, string>.Empty),
            new CompilerContext(
                new OperationCatalogue(EffectOperations.Descriptors), new Dictionary<string, ConnectionDescriptor>())).Plans[0];
        var id = SagaId.Create(now);
        var saga = new SagaState
        {
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = plan.Name,
                ContractVersion = plan.Version,
                ContractHash = plan.Hash,
                HomePartition = 0,
                StartedAt = now,
                Input = CelValue.Null,
                Requester = new Requester
                {
                    RequestId = new(id.Value),
                    CorrelationId = id.Value,
                    Operation = plan.Name,
                    Source = "requests/0/0",
                },
            },
            State = plan.Initial,
            Status = SagaStatus.Running,
            UpdatedAt = now,
            Outstanding = [.. outstanding],
        };
        var timer = new TimerFired { SagaId = id, CausedBy = new(id.Value), Leases = new Dictionary<CommandId, Lease>() };
        return await new LedgerInquiry(_store, _ledger, _ledger, new MemoryBudget(1L << 30)).AddOutcomesAsync(
            [new Delivery(timer, OutcomeSink.None)],
            new Dictionary<SagaId, SagaWork> { [id] = new(id, new PlanMachine(plan), saga, 1) },
            now,
            [],
            _none);
    }
}
