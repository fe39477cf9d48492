using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Orchestrator.Machines;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Accepts requests that name an effect operation instead of a contract, if <c>handlers.direct</c> lists the operation.
/// </summary>
/// <param name="plans">Has a built-in contract for each of these operations and each of its connections.</param>
/// <param name="operations">The operations that contracts may name here.</param>
/// <param name="allowed">The value of <c>handlers.direct</c>.</param>
internal sealed class DirectOperations(PlanCatalogue plans, OperationCatalogue operations, IReadOnlyCollection<string> allowed)
{
    private readonly HashSet<string> _allowed = allowed.Select(OperationAliases.Resolve).ToHashSet(StringComparer.Ordinal);

    /// <summary>The name of the operation that a request asks for: <c>handler_type</c> replaces the prefix; aliases are resolved.</summary>
    public static string NameOf(ParsedRequest parsed)
    {
        var name = parsed.Requester.Operation;
        return OperationAliases.Resolve(
            parsed.HandlerType is { } prefix ? $"{prefix}.{name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..]}" : name);
    }

    /// <summary>The one-step saga that runs the operation, or why it is rejected.</summary>
    public (AcceptedRequest? Request, Rejection? Rejection) Start(
        string operation, ParsedRequest parsed, SagaId sagaId, int homePartition, DateTimeOffset now)
    {
        var requester = parsed.Requester with { RequestHash = RequestHash.ForStart(operation, parsed.Payload) };
        if (operations.Find(operation) is not { Role: OperationRole.Effect } found)
        {
            return Reject(
                ErrorCodes.OperationForbidden,
                $"'{Spelling.Clip(operation)}' is no effect operation of this runtime, and only those can be requested directly "
                + "(handlers.direct). " + Spelling.Suggest(operation, "operations", [.. EffectNames]));
        }

        if (!_allowed.Contains(found.Name))
        {
            return Reject(
                ErrorCodes.OperationForbidden,
                $"'{found.Name}' is an operation of a step, and handlers.direct does not list it. Request a contract that has such a step, "
                + "or let the operator add it to handlers.direct in runtime/runtime_config.yaml.");
        }

        if (requester.Target is not null)
        {
            return Reject(ErrorCodes.FieldInvalid, "'target' is for events. Leave it out: an operation starts a saga of its own.");
        }

        var field = parsed.Payload.AsMap().FirstOrDefault(entry => entry.Key == DirectContracts.ConnectionKey);
        var connection = field is { Key: not null, Value.Kind: CelKind.String } ? field.Value.AsString() : null;
        if (field.Key is not null && connection is null)
        {
            return Reject(ErrorCodes.PayloadInvalid, "'connection' must be the name of a connection.");
        }

        var contracts = plans.Direct.Where(direct => direct.Operation == found.Name).ToList();
        if (contracts.Find(direct => direct.Connection == connection) is not { } contract)
        {
            var names = contracts.Select(direct => direct.Connection).OfType<string>().Order(StringComparer.Ordinal).ToList();
            return Reject(
                ErrorCodes.PayloadInvalid,
                (connection is null
                    ? $"{found.Name} needs a connection: add 'connection' to the payload. "
                    : $"There is no connection '{Spelling.Clip(connection)}' of type {found.ConnectionType}. ")
                + $"Connections of that type: {(names.Count == 0 ? "none" : Spelling.Listed(names))}.");
        }

        return RequestRules.Start(contract.Plan, requester, WithoutConnection(parsed.Payload), sagaId, homePartition, now);

        (AcceptedRequest?, Rejection?) Reject(string code, string error) => (null, new Rejection(code, error, requester));
    }

    private IEnumerable<string> EffectNames =>
        operations.All.Where(operation => operation.Role == OperationRole.Effect).Select(operation => operation.Name);

    private static CelValue WithoutConnection(CelValue payload) =>
        CelValue.Map([.. payload.AsMap().Where(entry => entry.Key != DirectContracts.ConnectionKey)]);
}
