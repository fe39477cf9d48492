using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

// Reads the connection of a call.
internal sealed partial class StepReader
{
    private ConnectionDescriptor? ReadConnection(MapSyntax step, OperationDescriptor? operation)
    {
        var name = scope.Text(step.Find("connection"), "'connection'");
        if (operation is null)
        {
            return null;
        }

        if (operation.ConnectionType is not { } type)
        {
            if (name is not null)
            {
                scope.Report(ContractDiagnostics.ConnectionNotTaken(step.KeyAt("connection"), operation.Name));
            }

            return null;
        }

        // An absolute URL needs no connection.
        var with = step.Find("with") as MapSyntax;
        var hasUrl = with?.Has("url") == true && operation.Arguments.Any(argument => argument.Name == "url");
        if (hasUrl && with!.Has("path") && !scope.Context.IsRegistered)
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                with.KeyAt("path"), "'with'", "url", "path", "Give 'connection' and a 'path', or a whole 'url'."));
        }

        if (name is null)
        {
            if (!hasUrl && !operation.IsConnectionOptional && !step.Has("connection") && !scope.Context.IsDirect)
            {
                var at = (step.Find("effect") ?? step.Find("compute"))!.At;
                scope.Report(ContractDiagnostics.ConnectionMissing(at, operation.Name, type, ConnectionsOfType(type)));
            }

            return null;
        }

        if (hasUrl)
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                step.KeyAt("connection"), "a step", "connection", "url", "Give 'connection' and a 'path', or a whole 'url'."));
        }

        return FindConnection(name, operation, type);
    }

    private ConnectionDescriptor? FindConnection(ScalarSyntax name, OperationDescriptor operation, string type)
    {
        scope.Found.UsedConnections.Add(name.Text);
        // Without a list of connections, or for a contract that was registered with an older list, any name is accepted.
        if (scope.Context.Connections is not { } connections || scope.Context.IsRegistered)
        {
            return scope.Context.Connections?.GetValueOrDefault(name.Text) is { } known && known.Type == type
                ? known
                : new ConnectionDescriptor(name.Text, type, null, null);
        }

        if (!connections.TryGetValue(name.Text, out var connection))
        {
            scope.Report(ContractDiagnostics.UnknownConnection(name.At, name.Text, [.. connections.Keys.Order(StringComparer.Ordinal)]));
            return null;
        }

        if (!connection.IsFaulty && !string.Equals(connection.Type, type, StringComparison.Ordinal))
        {
            scope.Report(ContractDiagnostics.WrongConnection(name.At, name.Text, connection.Type, operation.Name, type));
        }

        return connection;
    }

    private List<string> ConnectionsOfType(string type) =>
        [.. (scope.Context.Connections?.Values ?? []).Where(each => each.Type == type).Select(each => each.Name)
            .Order(StringComparer.Ordinal)];
}
