using System.Collections.Frozen;
using Onex.Contracts.Schemas;

namespace Onex.Tests.Unit.Engine;

/// <summary>Builds plans without the text of a contract, including plans that the compiler rejects.</summary>
internal static class TestStates
{
    private static readonly Plan _smallestPlan = new SagaScenario("""
        contract: story
        version: 1.0.0
        input: {}
        initial: done
        states:
          done: { end: completed }
        """).Plan;

    private static readonly FrozenSet<EventKind> _eventsOfLiveSaga =
        FrozenSet.ToFrozenSet([EventKind.StepResult, EventKind.Timer, EventKind.Joined, EventKind.External, EventKind.Operator]);

    /// <summary>Three attempts with delays of one and two seconds.</summary>
    public static RetryPolicy Quick { get; } = new(3, TimeSpan.FromSeconds(1), 2, TimeSpan.FromSeconds(10), Jitter.None, null);

    /// <summary>
    /// Creates a plan. The first state is the initial one. <c>compensating</c> and <c>failed</c> are added unless failures lead elsewhere.
    /// </summary>
    public static Plan Plan(
        StatePlan[] states,
        string? onFailure = null,
        DataField[]? data = null,
        EventPlan[]? events = null,
        EventRule[]? anyState = null,
        TimeLimit? deadline = null)
    {
        List<StatePlan> all = [.. states];
        if (onFailure is null)
        {
            all.AddRange([CompensatingState("compensating", "failed"), End("failed", EndKind.Failed)]);
        }

        var cancelState = CancelStates.GetOrAdd(all, onFailure ?? "compensating");

        return new Plan
        {
            Name = "story",
            Version = "1.0.0",
            Description = "Made by hand.",
            Hash = "0",
            Source = _smallestPlan.Source,
            Input = _smallestPlan.Input,
            OnDuplicate = DuplicatePolicy.Join,
            BufferedEventsMax = 100,
            IdleEntriesMax = ContractLimits.Default.IdleEntries,
            Data = [.. data ?? []],
            Events = (events ?? []).ToFrozenDictionary(declared => declared.Name, StringComparer.Ordinal),
            AnyState = [.. anyState ?? []],
            Deadline = deadline,
            Initial = all[0].Name,
            States = [.. all],
            StatesByName = all.ToFrozenDictionary(state => state.Name, StringComparer.Ordinal),
            OnFailure = onFailure ?? "compensating",
            CancelState = cancelState,
        };
    }

    public static StatePlan State(
        string name,
        string? next = null,
        StepPlan[]? steps = null,
        EventRule[]? on = null,
        TimeLimit? timeout = null,
        Choice[]? choose = null,
        CatchRule[]? catches = null,
        bool pivot = false) => new()
        {
            Name = name,
            Kind = StateKind.Ordinary,
            Pivot = pivot,
            Steps = [.. steps ?? []],
            OnEvent = [.. on ?? []],
            Timeout = timeout,
            Choices = [.. choose ?? (next is null ? [] : [new Choice(null, next, null)])],
            Catch = [.. catches ?? []],
            Accepts = _eventsOfLiveSaga,
        };

    public static StatePlan CompensatingState(string name, string next) => new()
    {
        Name = name,
        Kind = StateKind.Compensating,
        Choices = [new Choice(null, next, null)],
        Accepts = _eventsOfLiveSaga,
    };

    public static StatePlan End(string name, EndKind end = EndKind.Completed, Template? output = null) => new()
    {
        Name = name,
        Kind = StateKind.End,
        End = end,
        Output = output,
        Accepts = FrozenSet.ToFrozenSet([EventKind.Joined]),
    };

    /// <summary>An effect; <paramref name="compensation"/> is the expression of the only argument of its compensation.</summary>
    public static CallStep Effect(
        string id,
        string with = "input",
        string? compensation = null,
        WhenUnknown whenUnknown = WhenUnknown.Block,
        RejectRule[]? reject = null,
        Assignment[]? save = null,
        CatchRule[]? catches = null,
        CallRole role = CallRole.Effect) => new()
        {
            Id = id,
            Role = role,
            Invocation = new Invocation(role == CallRole.Effect ? "http.post" : "hash.sha256", null, Map(("with", with))),
            ResultType = DataType.Any,
            Retry = Quick,
            Timeout = TimeSpan.FromSeconds(10),
            Reject = [.. reject ?? []],
            Save = [.. save ?? []],
            Catch = [.. catches ?? []],
            Compensation = compensation is null
                ? null
                : new CompensationPlan(
                    CallRole.Effect, new Invocation(
                        "http.delete", null, Map(("undo", compensation))), Quick, TimeSpan.FromSeconds(10), whenUnknown),
        };

    public static CallStep Compute(string id) => Effect(id, role: CallRole.Compute);

    public static WaitStep Wait(string id, TimeSpan span) => new() { Id = id, For = span };

    public static WaitStep WaitUntil(string id, string until) => new() { Id = id, Until = Cel(until) };

    public static SetStep Set(string id, params Assignment[] assignments) => new() { Id = id, Assignments = [.. assignments] };

    public static RespondStep Respond(string id, params (string Name, string Value)[] payload) => new() { Id = id, Payload = Map(payload) };

    public static FailStep Fail(string id, string code, string message, params CatchRule[] catches) =>
        new() { Id = id, Code = code, Message = new Template.Single(Cel(message)), Catch = [.. catches] };

    public static EventPlan Event(string name, DataType? data = null, TimeSpan? early = null) => new(name, data ?? DataType.Any, early);

    /// <summary>A rule of an event; without a target the saga stays.</summary>
    public static EventRule On(string name, string? next = null, string? when = null, params Assignment[] set) =>
        new(name, when is null ? null : Cel(when), [.. set], next);

    public static TimeLimit After(TimeSpan span, string next) => new(span, next);

    public static Assignment Put(string field, string value, DataType? type = null) => new(field, type ?? DataType.Any, Cel(value));

    public static DataField Field(string name, DataType? type = null, CelValue? initial = null) => new(name, type ?? DataType.Any, initial);

    public static DataType Text { get; } = new DataType.Basic(CelKind.String);

    public static DataType Number { get; } = new DataType.Basic(CelKind.Int);

    public static DataType Time { get; } = new DataType.Basic(CelKind.Timestamp);

    public static Template Map(params (string Name, string Value)[] entries) => new Template.Map(
        [.. entries.Select(entry => KeyValuePair.Create<string, Template>(entry.Name, new Template.Single(Cel(entry.Value))))]);

    public static Expression Cel(string text) =>
        Expression.TryParse(text, out var expression, out var problem)
            ? expression
            : throw new InvalidOperationException($"{text}: {problem.Problem}");
}
