using Onex.Effects;
using Onex.Engine.Examples;
using Onex.Workers;

namespace Onex.Tests.Unit.Engine;

/// <summary>
/// One saga in the engine, in virtual time. An act (<c>Starts</c>, <c>Answered</c>, <c>Receives</c>, <c>Wakes</c>, ...) hands the engine
/// one message; an assertion (<c>Sends</c>, <c>IsIn</c>, ...) behind it checks its effects. A test has one act per line, followed by its
/// assertions.
/// </summary>
/// <remarks>
/// Shorthand of <c>Sends</c>: <c>"a"</c> is the command of step a, <c>"-a"</c> its compensation, <c>"a#2"</c> its second attempt;
/// <c>Sends()</c> means that nothing was sent. Acts name the step alone and concern its latest command: after <c>Sends("-a")</c>,
/// <c>Completes("a")</c> completes the compensation. <c>Answered("a", 402)</c> is an HTTP response with that status. The connections of the
/// contract are <c>outside</c>, <c>books</c>, and <c>shared</c>, whose limits have the key <c>${input.tenant}</c>.
/// </remarks>
internal sealed class SagaScenario
{
    private static readonly OperationCatalogue _catalogue = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);

    private static readonly Dictionary<string, ConnectionDescriptor> _connections = new()
    {
        ["outside"] = new("outside", "http", Retry: null, TimeoutMs: null)
        {
            Public = CelValue.Map([new("region", CelValue.String("eu-1")), new("shards", CelValue.Int(4))]),
        },
        ["books"] = new("books", "postgres", Retry: null, TimeoutMs: null),
        ["shared"] = new("shared", "http", Retry: null, TimeoutMs: null) { LimitKey = "${input.tenant}" },
    };

    private readonly List<CommandToSend> _sent = [];
    private SagaState? _saga;
    private int _messages;

    public SagaScenario(Plan plan) => Plan = plan;

    public SagaScenario(string contract)
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

    /// <summary>The rows of the items, as they would be stored.</summary>
    public ItemRows Items { get; } = new();

    public List<Answer> Answers { get; } = [];

    /// <summary>Compiles a contract that may use the connections of the scenario.</summary>
    public static Compilation Compile(string contract, ContractLimits? limits = null) => ContractCompiler.Compile(
        new ContractSource("story.yaml", contract, ImmutableSortedDictionary<string, string>.Empty),
        new CompilerContext(_catalogue, _connections) { Limits = limits ?? ContractLimits.Default });

    public SagaScenario Starts(string input = "{}", bool silent = false)
    {
        var id = SagaId.Create(Now);
        _ = Plan.Input.Validate(CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(input)), out var typed);
        return Handles(new SagaStarted
        {
            SagaId = id,
            CausedBy = new(id.Value),
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
        CorrelationId = Identity.OfRequest(default, source),
        Operation = "story",
        Source = source,
    };

    /// <summary>The step in flight completes.</summary>
    public SagaScenario Completes(string step, string result = "{}", int? attempt = null) =>
        Handles(Result(step, StepOutcome.Completed, result, null, attempt));

    /// <summary>The step in flight is answered by HTTP.</summary>
    public SagaScenario Answered(string step, int status, string body = "null") => Handles(Result(
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

    /// <summary>The attempt in flight failed before anything was sent.</summary>
    public SagaScenario Fails(string step, string code = "connection_failed", int? attempt = null) =>
        Handles(Result(step, StepOutcome.Failed, null, code, attempt) with { Reach = AttemptReach.NotSent });

    /// <summary>The attempt in flight was sent and its outcome is unknown.</summary>
    public SagaScenario LosesResult(string step, int? attempt = null) =>
        Handles(Result(step, StepOutcome.Failed, null, StepCodes.StepTimedOut, attempt));

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

    /// <summary>Time passes; no timer fires by itself.</summary>
    public SagaScenario AdvancesTime(TimeSpan span)
    {
        Now += span;
        return this;
    }

    /// <summary>The saga receives an event of its contract.</summary>
    public SagaScenario Receives(string name, string data = "{}", MessageId? messageId = null)
    {
        var requester = Requester($"requests/1/{++_messages}") with
        {
            RequestId = messageId ?? new(Identity.OfRequest(default, $"event {_messages}")),
        };
        var value = CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(data));
        Assert.True(Plan.Events[name].Data.TryConvert(value, out var typed, out _), "the event's payload is not what its contract says");
        return Handles(
            new ExternalEvent
            {
                SagaId = Saga.Facts.SagaId,
                CausedBy = requester.RequestId,
                Event = name,
                Data = typed,
                Requester = requester
            });
    }

    /// <summary>An operator sends the saga a command.</summary>
    public SagaScenario OperatorSends(OperatorCommand command, string by = "alice", string? reason = null) => Handles(new OperatorRequested
    {
        SagaId = Saga.Facts.SagaId,
        CausedBy = new(Identity.OfRequest(default, $"asked {++_messages}")),
        Command = command,
        By = by,
        Reason = reason,
    });

    /// <summary>Messages in flight may be lost, so the saga must resend them.</summary>
    public SagaScenario LosesMessages() =>
        Handles(new ResendRequested { SagaId = Saga.Facts.SagaId, CausedBy = new(Identity.OfRequest(default, $"lost {++_messages}")) });

    /// <summary>The event that the last act declined.</summary>
    public DeclinedEvent Declined => Assert.Single(Last.Declined);

    /// <summary>The ledger's entry of a command that was cancelled before a role claimed it.</summary>
    public static Lease Cancelled { get; } = new(0, null) { Cancelled = true };

    /// <summary>Time passes until the saga's next wake-up is due, and the timer fires.</summary>
    public SagaScenario Wakes(Func<CommandId, Lease?>? ledger = null)
    {
        Now = Saga.NextWakeupAt > Now ? Saga.NextWakeupAt.Value : Now;
        return Fires(ledger);
    }

    /// <summary>The timer fires now.</summary>
    public SagaScenario Fires(Func<CommandId, Lease?>? ledger = null)
    {
        var leases = Saga.Outstanding
            .Select(command => (command.CommandId, Lease: ledger?.Invoke(command.CommandId)))
            .Where(entry => entry.Lease is not null)
            .ToDictionary(entry => entry.CommandId, entry => entry.Lease!);
        return Handles(new TimerFired
        {
            SagaId = Saga.Facts.SagaId,
            CausedBy = Identity.Wakeup(Saga.Facts.SagaId, Now),
            Leases = leases,
            Items = Items.Wanted(Plan, Saga),
        });
    }

    /// <summary>Continues with the state that was read from its row.</summary>
    public void Reloads(SagaState saga) => _saga = saga;

    /// <summary>Continues with the state that was read from rows stored at a given time.</summary>
    public void Reloads(SagaState saga, DateTimeOffset at)
    {
        // Later message ids differ from all earlier ones.
        (_saga, Now, _messages) = (saga, at, 1000);
        _sent.AddRange(saga.Outstanding.Select(command => new CommandToSend(
            command.CommandId, command.Attempt, command.Step, command.Direction,
            CallRole.Effect, "", null, RawJson.EmptyObject, TimeSpan.Zero, command.NotAfter)));
    }

    public SagaScenario Handles(SagaEvent message)
    {
        Last = SagaEngine.Decide(Plan, _saga, message, Now);
        _saga = Last.State;
        _sent.AddRange(Last.Commands);
        History.AddRange(Last.History);
        Answers.AddRange(Last.Answers);
        Items.Keep(Last.Items);
        return this;
    }

    /// <summary>The commands that the last act made the saga send, in the shorthand above.</summary>
    public SagaScenario Sends(params string[] expected)
    {
        Assert.Equal(expected, Last.Commands.Select(command =>
            (command.Direction == StepDirection.Compensation ? "-" : "") + command.Step
                + (command.Attempt > 1 ? $"#{command.Attempt}" : "")));
        return this;
    }

    public SagaScenario IsIn(string state, SagaStatus status)
    {
        Assert.Equal((state, status), (Saga.State, Saga.Status));
        return this;
    }

    /// <summary>The call in flight for an item completes, or its compensation.</summary>
    public SagaScenario CompletesItem(string step, int item, string result = "{}") =>
        Handles(ItemResult(step, item, StepOutcome.Completed, result, null));

    /// <summary>The call in flight for an item is rejected.</summary>
    public SagaScenario RejectsItem(string step, int item, string code = "http_404") =>
        Handles(ItemResult(step, item, StepOutcome.Rejected, null, code));

    /// <summary>The result of an item's attempt that failed before anything was sent.</summary>
    public StepResultArrived ItemFails(string step, int item) =>
        ItemResult(step, item, StepOutcome.Failed, null, "connection_failed") with { Reach = AttemptReach.NotSent };

    /// <summary>The result of an item's attempt with an unknown outcome.</summary>
    public StepResultArrived ItemLosesResult(string step, int item) =>
        ItemResult(step, item, StepOutcome.Failed, null, StepCodes.StepTimedOut);

    /// <summary>The items of a step that are in flight.</summary>
    public IEnumerable<int> InFlight(string step) =>
        Saga.Outstanding.Where(command => command.Step == step).Select(command => command.Item!.Value);

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

    /// <summary>Asserts which items of a step are in flight.</summary>
    public SagaScenario InFlightAre(string step, params int[] items)
    {
        Assert.Equal(items, InFlight(step).Order());
        return this;
    }

    /// <summary>Asserts the arguments of a step's latest command.</summary>
    public SagaScenario ArgumentsAre(string step, string expected)
    {
        Assert.Equal(expected, Arguments(step));
        return this;
    }

    /// <summary>Asserts the output that the saga ended with.</summary>
    public SagaScenario OutputIs(string expected)
    {
        Assert.Equal(expected, Saga.Output?.ToString());
        return this;
    }

    public string? LimitKey(string step) => _sent.Last(command => command.Step == step).LimitKey;

    public string Arguments(string step) => _sent.Last(command => command.Step == step).Arguments.ToString();
}
