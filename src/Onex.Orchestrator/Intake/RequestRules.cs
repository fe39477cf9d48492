using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Orchestrator.Machines;

namespace Onex.Orchestrator.Intake;

/// <summary>Accepts or rejects requests, and determines what an accepted one does.</summary>
internal sealed class RequestRules(
    PlanCatalogue plans, OperationCatalogue operations, IReadOnlyCollection<string> replyTopics,
    IReadOnlyCollection<string> directOperations)
{
    private readonly DirectOperations _direct = new(plans, operations, directOperations);

    // A much longer key could exceed the maximum size of an entry in PostgreSQL's btree index, a third of a page.
    public const int KeyCharsMax = 512;

    public (AcceptedRequest? Request, Rejection? Rejection) Accept(
        ParsedRequest parsed, SagaId sagaId, int homePartition, DateTimeOffset now)
    {
        var requester = parsed.Requester;
        if (requester.ReplyTo is { } reply && !replyTopics.Contains(reply, StringComparer.Ordinal))
        {
            return Reject(
                requester with { ReplyTo = null }, ErrorCodes.ReplyToForbidden,
                $"'reply_to' names the topic '{reply}', which is not on the list handlers.reply_to. "
                + "Add it there, or leave 'reply_to' out.");
        }

        // Read once, so that no rejection suggests a contract that is loaded meanwhile.
        var contracts = plans.Newest;
        if (parsed.HandlerType is null && contracts.GetValueOrDefault(requester.Operation) is { } plan)
        {
            return Start(plan, parsed, sagaId, homePartition, now);
        }

        var name = DirectOperations.NameOf(parsed);
        if (parsed.HandlerType is not null || IsOperation(name))
        {
            return _direct.Start(name, parsed, sagaId, homePartition, now);
        }

        // A contract that is not loaded may have live sagas, which accept events.
        var dot = requester.Operation.IndexOf('.', StringComparison.Ordinal);
        return dot > 0
            ? (Event(requester.Operation[..dot], requester.Operation[(dot + 1)..], parsed, contracts), null)
            : Reject(
                requester with { RequestHash = RequestHash.ForStart(requester.Operation, parsed.Payload) },
                ErrorCodes.OperationUnknown,
                DescribeUnknown(requester.Operation, contracts.Keys));
    }

    /// <summary>
    /// The child saga that a call starts, or why the call is rejected. A call that is cancelled before start needs no input. The input is
    /// null if it is not stored any more, as when the dead letter of a call is redriven after its parent was deleted.
    /// </summary>
    public (SagaFacts? Facts, Rejection? Rejection) AcceptCall(
        SagaCall call, RawJson? input, string source, SagaId sagaId, int homePartition, DateTimeOffset now)
    {
        var requester = new Requester
        {
            RequestId = new(call.CommandId.Value),
            CorrelationId = call.CorrelationId,
            Operation = call.Contract,
            Source = source,
            Parent = new ParentLink(call.ParentId, call.CommandId, call.Attempt, call.HomePartition, call.Awaits),
        };
        var contracts = plans.Newest;
        if (contracts.GetValueOrDefault(call.Contract) is not { } plan)
        {
            return (null, new Rejection(ErrorCodes.OperationUnknown, DescribeUnknown(call.Contract, contracts.Keys), requester));
        }

        if (call.Cancels)
        {
            return (Facts(plan, requester, CelValue.Map([]), sagaId, homePartition, now), null);
        }

        if (input is not { } json)
        {
            return (null, new Rejection(ErrorCodes.PayloadInvalid, "The stored input of the call no longer exists.", requester));
        }

        var (accepted, rejection) = Start(plan, requester, CelValue.FromJson(json.Utf8.Span), sagaId, homePartition, now);
        return ((accepted as AcceptedRequest.Start)?.Facts, rejection);
    }

    /// <summary>The rejection of an event whose payload does not match the plan's schema of the event.</summary>
    public static Rejection Mismatch(Plan plan, string @event, SchemaProblem problem, Requester requester) => new(
        ErrorCodes.PayloadInvalid,
        $"The payload does not fit the event '{@event}' of '{plan.Name}' {plan.Version}: {At(problem)} {problem.Problem}",
        requester,
        Details([problem]));

    private static (AcceptedRequest? Request, Rejection? Rejection) Start(
        Plan plan, ParsedRequest parsed, SagaId sagaId, int homePartition, DateTimeOffset now)
    {
        var requester = parsed.Requester;
        if (requester.Target is not null)
        {
            return Reject(
                requester, ErrorCodes.FieldInvalid,
                $"'target' is for events. '{plan.Name}' starts a saga, which has no id yet: "
                + $"leave 'target' out, or name an event ({plan.Name}.EVENT).");
        }

        return Start(plan, requester, parsed.Payload, sagaId, homePartition, now);
    }

    public static (AcceptedRequest? Request, Rejection? Rejection) Start(
        Plan plan, Requester requester, CelValue input, SagaId sagaId, int homePartition, DateTimeOffset now)
    {
        requester = requester with { RequestHash = requester.RequestHash ?? RequestHash.ForStart(plan.Name, input) };
        var problems = plan.Input.Validate(input, out input);
        if (problems.Count == 0)
        {
            // A number that no type holds (1e999) would fail in the first step that writes it, when it is too late to reject the request.
            problems = ValueBounds.Problems(input);
        }

        if (problems.Count > 0)
        {
            return Reject(
                requester, ErrorCodes.PayloadInvalid,
                $"The payload does not fit the input of '{plan.Name}' {plan.Version}: "
                + string.Join("; ", problems.Select(problem => $"{At(problem)} {problem.Problem}")),
                Details(problems));
        }

        var facts = Facts(plan, requester, input, sagaId, homePartition, now);
        return plan.Key is null ? (new AcceptedRequest.Start(facts), null) : WithKey(plan, facts, now, requester);
    }

    private static SagaFacts Facts(Plan plan, Requester requester, CelValue input, SagaId sagaId, int homePartition, DateTimeOffset now) =>
        new()
        {
            SagaId = sagaId,
            Contract = plan.Name,
            ContractVersion = plan.Version,
            ContractHash = plan.Hash,
            HomePartition = homePartition,
            StartedAt = now,
            Requester = requester,
            Input = input,
        };

    // The plan that the saga started with decides, even if a newer version is loaded or its file is gone. The newest plan decides only if
    // there is no live saga: whether to reject the event, and whether it may be early.
    private static AcceptedRequest.Event Event(
        string contract, string name, ParsedRequest parsed, FrozenDictionary<string, Plan> contracts)
    {
        var payload = parsed.Payload;
        var requester = parsed.Requester with { RequestHash = RequestHash.ForEvent(contract, name, parsed.Requester, payload) };
        var newest = contracts.GetValueOrDefault(contract);
        var declared = newest?.Events.GetValueOrDefault(name);
        Rejection? rejection = null;
        if (newest is null)
        {
            rejection = new Rejection(ErrorCodes.OperationUnknown, DescribeUnknown(requester.Operation, contracts.Keys), requester);
        }
        else if (declared is null)
        {
            rejection = new Rejection(
                ErrorCodes.OperationUnknown,
                $"The contract '{newest.Name}' {newest.Version} has no event '{Spelling.Clip(name)}'. "
                + Spelling.Suggest(name, "events", [.. newest.Events.Keys.Order(StringComparer.Ordinal)]),
                requester);
        }
        else if (!TryRead(declared, payload, out _, out var problem))
        {
            rejection = Mismatch(newest, name, problem, requester);
        }

        return new AcceptedRequest.Event(new EventRequest(contract, name, payload, requester)
        {
            Early = rejection is null ? declared?.Early : null,
            RejectionByNewest = rejection,
        });
    }

    /// <summary>Converts an event's payload to the declared types. Returns false, with the problem, if it does not match.</summary>
    public static bool TryRead(EventPlan declared, CelValue payload, out CelValue data, [NotNullWhen(false)] out SchemaProblem? problem)
    {
        // A number that no type holds would fail in the first step that writes it, when it is too late to reject the event.
        if (declared.Data.TryConvert(payload, out data, out problem))
        {
            problem = ValueBounds.Problems(data) is [var first, ..] ? first : null;
        }

        return problem is null;
    }

    private static (AcceptedRequest? Request, Rejection? Rejection) Reject(
        Requester requester, string code, string error, RawJson? details = null) =>
        (null, new Rejection(code, error, requester, details));

    private static (AcceptedRequest? Request, Rejection? Rejection) WithKey(
        Plan plan, SagaFacts facts, DateTimeOffset now, Requester requester)
    {
        var saga = new SagaState { Facts = facts, State = plan.Initial, Status = default, UpdatedAt = now };
        var key = plan.Key!.Evaluate(new SagaScope(plan, saga, now));
        var text = key.Kind switch
        {
            CelKind.String => key.AsString(),
            CelKind.Int => key.AsInt().ToString(),
            _ => null,
        };
        return text is { Length: > 0 and <= KeyCharsMax }
            ? (new AcceptedRequest.Start(facts with { BusinessKey = text }), null)
            : (null, new Rejection(
                ErrorCodes.KeyInvalid,
                $"The business key of '{plan.Name}' ({plan.Key.Text}) must be text of 1 to {KeyCharsMax} characters, or an int: "
                + (key.IsError ? key.AsError()
                    : text is null ? $"its type is {key.Kind}."
                    : $"it has {Plural.Format(text.Length, "character")}."),
                requester));
    }

    // The prefix of an operation is enough, because the catalogue lacks those that the settings do not enable.
    private bool IsOperation(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var prefix = dot < 0 ? name : name[..dot];
        return operations.Find(name) is not null || (dot > 0 && OperationAliases.IsPrefix(prefix, operations));
    }

    private static string DescribeUnknown(string operation, IEnumerable<string> contracts)
    {
        var names = contracts.Order(StringComparer.Ordinal).ToList();
        var (name, rest) = operation.Split('.', 2) is [var contract, var @event] ? (contract, "." + @event) : (operation, "");
        var near = Spelling.Nearest(name, names) is { } nearest ? $" Did you mean '{nearest}{Spelling.Clip(rest)}'?" : "";
        return $"There is no contract or operation '{Spelling.Clip(operation)}' here.{near} "
            + $"Contracts here: {(names.Count == 0 ? "none" : Spelling.Listed(names))}.";
    }

    private static string At(SchemaProblem problem) => problem.Pointer.Length == 0 ? "the payload" : problem.Pointer;

    private static RawJson Details(IReadOnlyList<SchemaProblem> problems)
    {
        using var rented = RentedJsonWriter.Rent();
        var writer = rented.Writer;
        writer.WriteStartObject();
        writer.WriteStartArray("problems");
        foreach (var problem in problems)
        {
            writer.WriteStartObject();
            writer.WriteString("pointer", problem.Pointer);
            writer.WriteString("problem", problem.Problem);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        return rented.ToJson();
    }
}
