using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Orchestrator.Machines;

namespace Onex.Orchestrator.Intake;

/// <summary>Requests that name an effect operation instead of a contract. They run only if <c>handlers.direct</c> lists it.</summary>
/// <param name="plans">The built-in contracts.</param>
/// <param name="operations">The catalogue.</param>
/// <param name="listed"><c>handlers.direct</c>.</param>
internal sealed class DirectOperations(PlanCatalogue plans, OperationCatalogue operations, IReadOnlyCollection<string> listed)
{
    private readonly HashSet<string> _allowed = listed.Select(OperationAliases.Resolve).ToHashSet(StringComparer.Ordinal);

    /// <summary>The operation that a request names: <c>handler_type</c> replaces its prefix, and aliases are resolved.</summary>
    public static string NameOf(ReadRequest read)
    {
        var named = read.Requester.Operation;
        return OperationAliases.Resolve(
            read.HandlerType is { } prefix ? $"{prefix}.{named[(named.IndexOf('.', StringComparison.Ordinal) + 1)..]}" : named);
    }

    /// <summary>The one-step saga that runs the operation, or why it is rejected.</summary>
    public (AcceptedRequest? Request, Rejection? Rejection) Start(
        string operation, ReadRequest read, SagaId sagaId, int homePartition, DateTimeOffset now)
    {
        var requester = read.Requester with { RequestHash = RequestHash.ForStart(operation, read.Payload) };
        if (operations.Find(operation) is not { Role: OperationRole.Effect } found)
        {
            return Reject(
                ErrorCodes.OperationForbidden,
                $"'{Spelling.Clip(operation)}' is no effect operation of this runtime, and only those can be requested directly "
                + "(handlers.direct). " + Spelling.Suggest(operation, "operations", [.. Effects]));
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

        var given = read.Payload.AsMap().FirstOrDefault(entry => entry.Key == DirectContracts.ConnectionKey);
        var connection = given is { Key: not null, Value.Kind: CelKind.String } ? given.Value.AsString() : null;
        if (given.Key is not null && connection is null)
        {
            return Reject(ErrorCodes.PayloadInvalid, "'connection' must be the name of a connection.");
        }

        var contracts = plans.Direct.Where(each => each.Operation == found.Name).ToList();
        if (contracts.Find(each => each.Connection == connection) is not { } contract)
        {
            var names = contracts.Select(each => each.Connection).OfType<string>().Order(StringComparer.Ordinal).ToList();
            return Reject(
                ErrorCodes.PayloadInvalid,
                (connection is null
                    ? $"{found.Name} needs a connection: add 'connection' to the payload. "
                    : $"There is no connection '{Spelling.Clip(connection)}' of type {found.ConnectionType}. ")
                + $"Connections of that type: {(names.Count == 0 ? "none" : Spelling.Listed(names))}.");
        }

        return RequestRules.Start(contract.Plan, requester, Arguments(read.Payload), sagaId, homePartition, now);

        (AcceptedRequest?, Rejection?) Reject(string code, string error) => (null, new Rejection(code, error, requester));
    }

    private IEnumerable<string> Effects => operations.All.Where(each => each.Role == OperationRole.Effect).Select(each => each.Name);

    private static CelValue Arguments(CelValue payload) =>
        CelValue.Map([.. payload.AsMap().Where(entry => entry.Key != DirectContracts.ConnectionKey)]);
}
