using System.Collections.Immutable;
using Onex.Contracts;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Effects;
using Onex.Engine;
using Onex.Engine.Examples;
using Onex.Workers;

namespace Onex.Tests.Unit.Engine;

/// <summary>One saga in the engine, in virtual time: what happens to it is said line by line, and so is what must follow.</summary>
internal sealed class Story
{
    private static readonly OperationCatalogue _catalogue = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);

    private static readonly Dictionary<string, ConnectionDescriptor> _connections = new()
    {
        ["outside"] = new("outside", "http", Retry: null, TimeoutMs: null)
        {
            Public = CelValue.Map([new("region", CelValue.String("eu-1")), new("shards", CelValue.Int(4))]),
        },
        ["books"] = new("books", "postgres", Retry: null, TimeoutMs: null),
    };

    private readonly List<CommandToSend> _sent = [];
    private SagaState? _saga;
    private int _told;

    public Story(Plan plan) => Plan = plan;

    public Story(string contract)
    {
        var compilation = Compile(contract);
        Assert.True(!compilation.HasErrors, string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        Plan = compilation.Plans[0];
    }

    public Plan Plan { get; }

    public DateTimeOffset Now { get; private set; } = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);

    public SagaState Saga => _saga!;

    public Decision Last { get; private set; } = null!;

    public List<HistoryNote> History { get; } = [];

    /// <summary>The items' rows, as they would be stored.</summary>
    public ItemRows Items { get; } = new();

    public List<Answer> Answers { get; } = [];

    /// <summary>The contract, compiled where <c>outside</c> is the only connection.</summary>
    public static Compilation Compile(string contract, ContractLimits? limits = null) => ContractCompiler.Compile(
        new ContractSource("story.yaml", contract, ImmutableSortedDictionary<string, string>.Empty),
        new CompilerContext(_catalogue, _connections) { Limits = limits ?? ContractLimits.Default });

    public Story Starts(string input = "{}", bool silent = false)
    {
        var id = Guid.CreateVersion7(Now);
        _ = Plan.Input.Validate(CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(input)), out var typed);
        return Takes(new SagaStarted
        {
            SagaId = id,
            CausedBy = id,
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = Plan.Name,
                ContractVersion = Plan.Version,
                ContractHash = Plan.Hash,
                HomePartition = 3,
                StartedAt = Now,
                Input = typed,
                Requester = Requester("requests/3/17") with { Silent = silent },
            },
        });
    }

    public static Requester Requester(string source) => new()
    {
        RequestId = Identity.Request(source, null, 3, 17, []),
        CorrelationId = Identity.OfRequest(Guid.Empty, source),
        Operation = "story",
        Source = source,
    };

    /// <summary>The step in flight completes.</summary>
    public Story Completes(string step, string result = "{}", int? attempt = null) => Takes(Result(step, StepOutcome.Completed, result, null, attempt));

    /// <summary>The step in flight is answered by HTTP.</summary>
    public Story Answered(string step, int status, string body = "null") => Takes(Result(
        step,
        status switch
        {
            < 300 => StepOutcome.Completed,
            408 or 425 or 429 or >= 500 => StepOutcome.Failed,
            _ => StepOutcome.Rejected,
        },
        $$"""{"status_code":{{status}},"headers":{},"body":{{body}}}""",
        status < 300 ? null : $"http_{status}") with
    {
        Reach = HttpStatuses.ReachOf(status),
    });

    /// <summary>The attempt in flight came to nothing before it was sent.</summary>
    public Story Fails(string step, string code = "connection_failed", int? attempt = null) =>
        Takes(Result(step, StepOutcome.Failed, null, code, attempt) with { Reach = AttemptReach.NotSent });

    /// <summary>The attempt in flight was sent, and nobody knows what came of it.</summary>
    public Story Loses(string step, int? attempt = null) => Takes(Result(step, StepOutcome.Failed, null, EngineCodes.StepTimedOut, attempt));

    public StepResultArrived Result(string step, StepOutcome outcome, string? result, string? code, int? attempt = null)
    {
        var command = _sent.Last(command => command.Step == step);
        return new StepResultArrived
        {
            SagaId = Saga.Facts.SagaId,
            CausedBy = Identity.Result(command.CommandId, attempt ?? command.Attempt, outcome.ToString()),
            CommandId = command.CommandId,
            Attempt = attempt ?? command.Attempt,
            Outcome = outcome,
            Result = result is null ? null : CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(result)),
            Code = code,
            Message = code,
        };
    }

    /// <summary>Time goes on.</summary>
    public Story After(TimeSpan span)
    {
        Now += span;
        return this;
    }

    /// <summary>Someone sends the saga an event.</summary>
    public Story Tells(string name, string data = "{}", Guid? messageId = null)
    {
        var requester = Requester($"requests/1/{++_told}") with { RequestId = messageId ?? Identity.OfRequest(Guid.Empty, $"event {_told}") };
        var value = CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(data));
        Assert.True(Plan.Events[name].Data.TryConvert(value, out var typed, out _), "the event's payload is not what its contract says");
        return Takes(new ExternalEvent { SagaId = Saga.Facts.SagaId, CausedBy = requester.RequestId, Event = name, Data = typed, Requester = requester });
    }

    /// <summary>An operator asks for something.</summary>
    public Story Asks(OperatorCommand command, string by = "alice", string? reason = null) => Takes(new OperatorAsked
    {
        SagaId = Saga.Facts.SagaId,
        CausedBy = Identity.OfRequest(Guid.Empty, $"asked {++_told}"),
        Command = command,
        By = by,
        Reason = reason,
    });

    /// <summary>The messages of what is in flight may be lost.</summary>
    public Story LosesMessages() =>
        Takes(new ResendAsked { SagaId = Saga.Facts.SagaId, CausedBy = Identity.OfRequest(Guid.Empty, $"lost {++_told}") });

    /// <summary>The one rejection of an event that the last message led to.</summary>
    public DeclinedEvent Rejection => Assert.Single(Last.Rejections);

    /// <summary>What the ledger says of a command that was cancelled before anyone took it.</summary>
    public static Lease Cancelled { get; } = new(0, null) { Cancelled = true };

    /// <summary>Time goes on until the saga wants to be woken, unless it wanted to be already.</summary>
    public Story Wakes(Func<Guid, Lease?>? ledger = null)
    {
        Now = Saga.NextWakeupAt > Now ? Saga.NextWakeupAt.Value : Now;
        return Fires(ledger);
    }

    /// <summary>A wake-up comes now.</summary>
    public Story Fires(Func<Guid, Lease?>? ledger = null)
    {
        var leases = Saga.Outstanding
            .Select(command => (command.CommandId, Lease: ledger?.Invoke(command.CommandId)))
            .Where(entry => entry.Lease is not null)
            .ToDictionary(entry => entry.CommandId, entry => entry.Lease!);
        return Takes(new TimerFired
        {
            SagaId = Saga.Facts.SagaId,
            CausedBy = Identity.Wakeup(Saga.Facts.SagaId, Now),
            Leases = leases,
            Items = Items.Wanted(Plan, Saga),
        });
    }

    /// <summary>Goes on with what was read from its row.</summary>
    public void Reloads(SagaState saga) => _saga = saga;

    /// <summary>Goes on with what was read from rows that were stored at a time.</summary>
    public void Reloads(SagaState saga, DateTimeOffset at)
    {
        // What is told from now on is none of what was told before.
        (_saga, Now, _told) = (saga, at, 1000);
        _sent.AddRange(saga.Outstanding.Select(command => new CommandToSend(
            command.CommandId, command.Attempt, command.Step, command.Direction, StepKind.Effect, "", null, RawJson.EmptyObject, TimeSpan.Zero, command.NotAfter)));
    }

    public Story Takes(SagaEvent message)
    {
        Last = SagaEngine.Decide(Plan, _saga, message, Now);
        _saga = Last.State;
        _sent.AddRange(Last.Commands);
        History.AddRange(Last.History);
        Answers.AddRange(Last.Answers);
        Items.Keep(Last.Items);
        return this;
    }

    /// <summary>What the last message made the saga send: step, direction, attempt.</summary>
    public Story Sends(params string[] expected)
    {
        Assert.Equal(expected, Last.Commands.Select(command =>
            (command.Direction == StepDirections.Compensate ? "-" : "") + command.Step + (command.Attempt > 1 ? $"#{command.Attempt}" : "")));
        return this;
    }

    public Story IsIn(string state, SagaStatus status)
    {
        Assert.Equal((state, status), (Saga.State, Saga.Status));
        return this;
    }

    /// <summary>The call in flight for an item completes, or its compensation.</summary>
    public Story CompletesItem(string step, int item, string result = "{}") => Takes(ItemResult(step, item, StepOutcome.Completed, result, null));

    /// <summary>The call in flight for an item is answered with a final no.</summary>
    public Story RejectsItem(string step, int item, string code = "http_404") => Takes(ItemResult(step, item, StepOutcome.Rejected, null, code));

    /// <summary>That the attempt in flight for an item came to nothing.</summary>
    public StepResultArrived ItemFails(string step, int item) =>
        ItemResult(step, item, StepOutcome.Failed, null, "connection_failed") with { Reach = AttemptReach.NotSent };

    /// <summary>That the attempt in flight for an item was sent, and nobody knows what came of it.</summary>
    public StepResultArrived ItemLost(string step, int item) => ItemResult(step, item, StepOutcome.Failed, null, EngineCodes.StepTimedOut);

    /// <summary>The items of a step that are in flight.</summary>
    public IEnumerable<int> InFlight(string step) => Saga.Outstanding.Where(command => command.Step == step).Select(command => command.Item!.Value);

    private StepResultArrived ItemResult(string step, int item, StepOutcome outcome, string? result, string? code)
    {
        var command = Saga.Outstanding.Single(command => command.Step == step && command.Item == item);
        return new StepResultArrived
        {
            SagaId = Saga.Facts.SagaId,
            CausedBy = Identity.Result(command.CommandId, command.Attempt, outcome.ToString()),
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            Outcome = outcome,
            Result = result is null ? null : CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(result)),
            Code = code,
            Message = code,
        };
    }

    /// <summary>The items of a step that must be in flight.</summary>
    public Story InFlightAre(string step, params int[] items)
    {
        Assert.Equal(items, InFlight(step).Order());
        return this;
    }

    /// <summary>The arguments that the latest attempt of a step must have.</summary>
    public Story ArgumentsAre(string step, string expected)
    {
        Assert.Equal(expected, Arguments(step));
        return this;
    }

    /// <summary>What the saga must have ended with.</summary>
    public Story OutputIs(string expected)
    {
        Assert.Equal(expected, Saga.Output?.ToString());
        return this;
    }

    public string Arguments(string step) => _sent.Last(command => command.Step == step).Arguments.ToString();
}
