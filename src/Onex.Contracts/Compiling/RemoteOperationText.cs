using System.Text.Json.Nodes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The declarations of remote operations as part of a contract's content, so that running sagas keep the types that they started with. No
/// file can have their paths.
/// </summary>
internal static class RemoteOperationText
{
    private const string PathPrefix = "operation:";
    private const int DepthMax = 16;

    /// <summary>The declarations as files that the contract refers to.</summary>
    public static IReadOnlyDictionary<string, string> Texts(IEnumerable<OperationDescriptor> operations) =>
        operations.ToDictionary(PathOf, operation => Write(operation, withRoute: true), StringComparer.Ordinal);

    /// <summary>
    /// What of them belongs to the contract's identity, in order of path. Topic and timeout do not: those in use are the ones of the
    /// current declaration, as with connections.
    /// </summary>
    public static IEnumerable<ReferencedFile> Identities(IEnumerable<OperationDescriptor> operations) =>
        from operation in operations
        let file = new SourceFile(PathOf(operation), Write(operation, withRoute: false))
        orderby file.Path
        select new ReferencedFile(file.Path, file, JsonReader.Read(file, DepthMax));

    /// <summary>The operations that the content of a contract declares, with the current topics and timeouts where there are any.</summary>
    public static IEnumerable<OperationDescriptor> Read(IReadOnlyDictionary<string, string> texts, OperationCatalogue current)
    {
        foreach (var (path, text) in texts.Where(entry => entry.Key.StartsWith(PathPrefix, StringComparison.Ordinal)))
        {
            var file = new SourceFile(path, text);
            foreach (var operation in new RemoteOperationsReader(file).Read(JsonReader.Read(file, DepthMax)))
            {
                yield return operation with { Remote = current.Find(operation.Name)?.Remote ?? operation.Remote };
            }
        }
    }

    private static string PathOf(OperationDescriptor operation) => PathPrefix + operation.Name;

    private static string Write(OperationDescriptor operation, bool withRoute)
    {
        var declared = new JsonObject
        {
            ["changes_world"] = operation.ChangesWorld,
            ["idempotent"] = operation.Idempotent,
            ["arguments"] = new JsonObject(
                operation.Arguments.Select(argument => KeyValuePair.Create(argument.Name, (JsonNode?)JsonValue.Create(argument.Type)))),
            ["result"] = new JsonObject(
                operation.Result.Select(field => KeyValuePair.Create(field.Key, (JsonNode?)JsonValue.Create(field.Value)))),
        };
        if (withRoute && operation.Remote is { } remote)
        {
            declared["topic"] = remote.Topic;
            declared["timeout"] = Durations.Format(remote.Timeout);
        }

        return new JsonObject { ["operations"] = new JsonObject { [operation.Name] = declared } }.ToJsonString();
    }
}
