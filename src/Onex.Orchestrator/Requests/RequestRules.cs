using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Orchestrator.Engine;
using Onex.Orchestrator.Plans;

namespace Onex.Orchestrator.Requests;

/// <summary>Which requests are accepted, and what saga each of them starts.</summary>
internal sealed class RequestRules(
    PlanCatalogue plans, OperationCatalogue operations, Topics topics, IReadOnlyCollection<string> replyTopics)
{
    // A btree entry holds at most a third of a page; a key is a name, not a document.
    private const int KeyCharsMax = 512;

    // The prefixes of effect operations (operations, 4), also of those that come later.
    private static readonly FrozenSet<string> _prefixes = FrozenSet.ToFrozenSet(
        ["consul", "database", "db", "filesystem", "http", "kafka", "redis", "vault"], StringComparer.Ordinal);

    /// <summary>The facts of the saga that the request starts, or why it is refused.</summary>
    public (SagaFacts? Facts, Refusal? Refusal) Accept(ReadRequest read, Guid sagaId, int homePartition, DateTimeOffset now)
    {
        var asker = read.Asker;
        (SagaFacts?, Refusal?) Refuse(string code, string type, string error, RawJson? details = null) =>
            (null, new Refusal(code, error, type, asker, details));

        if (asker.ReplyTo is { } reply && (!replyTopics.Contains(reply, StringComparer.Ordinal) || topics.All.Contains(reply, StringComparer.Ordinal)))
        {
            return Refuse(
                ErrorCodes.ReplyToForbidden, "ReplyToForbidden",
                $"'reply_to' names the topic '{reply}', which is not on the list handlers.reply_to. Add it there, or leave 'reply_to' out.");
        }

        if (plans.Newest(asker.Operation) is not { } plan)
        {
            return IsOperation(asker.Operation)
                ? Refuse(
                    ErrorCodes.OperationForbidden, "OperationForbidden",
                    $"'{asker.Operation}' is an operation of contracts' steps and may not be asked for directly. Ask for a contract that has such a step.")
                : Refuse(ErrorCodes.OperationUnknown, "OperationUnknown", Unknown(asker.Operation));
        }

        var given = CelValue.FromJson(read.Request.Payload.Utf8.Span);
        var problems = plan.Input.Validate(given, out var input);
        if (problems.Count > 0)
        {
            return Refuse(
                ErrorCodes.PayloadInvalid, "SchemaMismatch",
                $"The payload does not fit the input of '{plan.Name}' {plan.Version}: "
                + string.Join("; ", problems.Select(problem => $"{At(problem)} {problem.Problem}")),
                Details(problems));
        }

        var facts = new SagaFacts
        {
            SagaId = sagaId,
            Contract = plan.Name,
            ContractVersion = plan.Version,
            ContractHash = plan.Hash,
            HomePartition = homePartition,
            StartedAt = now,
            Asker = asker,
            Input = input,
        };
        return plan.Key is null ? (facts, null) : WithKey(plan, facts, now, asker);
    }

    private static (SagaFacts?, Refusal?) WithKey(Plan plan, SagaFacts facts, DateTimeOffset now, Asker asker)
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
            ? (facts with { BusinessKey = text }, null)
            : (null, new Refusal(
                ErrorCodes.KeyInvalid,
                $"The business key of '{plan.Name}' ({plan.Key.Text}) must be text of 1 to {KeyCharsMax} characters, or an int: "
                + (key.IsError ? key.AsError() : text is null ? $"it is of kind {key.Kind}." : $"it has {text.Length} characters."),
                "KeyInvalid",
                asker));
    }

    // `database.` is an alias of `db.`; a prefix of known operations is enough, for not all of them are in this catalogue.
    private bool IsOperation(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var prefix = dot < 0 ? name : name[..dot];
        return operations.Find(name) is not null
            || (dot > 0 && (_prefixes.Contains(prefix) || operations.All.Any(operation => operation.Name.StartsWith(prefix + ".", StringComparison.Ordinal))));
    }

    private string Unknown(string operation)
    {
        var names = plans.Names.Order(StringComparer.Ordinal).ToList();
        return $"Nothing here is called '{operation}'. Contracts here: {(names.Count == 0 ? "none" : string.Join(", ", names.Take(20)))}"
            + (names.Count > 20 ? $" and {names.Count - 20} more." : ".");
    }

    private static string At(SchemaProblem problem) => problem.Pointer.Length == 0 ? "the payload" : problem.Pointer;

    private static RawJson Details(IReadOnlyList<SchemaProblem> problems)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer, ValueJson.Writing);
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
        writer.Flush();
        return new RawJson(buffer.WrittenMemory);
    }
}
