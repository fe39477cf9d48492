using System.Text.Json.Nodes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The declarations of remote operations, as files that belong to a contract's content, so that running sagas keep what they started
/// with, except topic and timeout. Their paths begin with a prefix that no path of a real file has.
/// </summary>
internal static class RemoteOperationText
{
    private const string PathPrefix = "operation:";

    /// <summary>The declarations as files that the contract refers to.</summary>
    public static IReadOnlyDictionary<string, string> Texts(IEnumerable<OperationDescriptor> operations) =>
        operations.ToDictionary(PathOf, operation => Write(operation, withTopicAndTimeout: true), StringComparer.Ordinal);

    /// <summary>
    /// The part of the declarations that belongs to the contract's identity. Topic and timeout do not: a saga uses those of the current
    /// declaration while there is one.
    /// </summary>
    public static IEnumerable<ReferencedFile> Identities(IEnumerable<OperationDescriptor> operations) =>
        from operation in operations
        let file = new SourceFile(PathOf(operation), Write(operation, withTopicAndTimeout: false))
        select new ReferencedFile(file.Path, file, JsonReader.Read(file, RemoteOperationsReader.DepthMax));

    /// <summary>
    /// The operations that the content of a contract declares. Topic and timeout are those of the current declaration, if there still is
    /// one.
    /// </summary>
    public static IEnumerable<OperationDescriptor> Read(IReadOnlyDictionary<string, string> texts, OperationCatalogue current)
    {
        foreach (var (path, text) in texts.Where(entry => entry.Key.StartsWith(PathPrefix, StringComparison.Ordinal)))
        {
            var file = new SourceFile(path, text);
            foreach (var operation in new RemoteOperationsReader(file).Read(JsonReader.Read(file, RemoteOperationsReader.DepthMax)))
            {
                yield return operation with { Remote = current.Find(operation.Name)?.Remote ?? operation.Remote };
            }
        }
    }

    private static string PathOf(OperationDescriptor operation) => PathPrefix + operation.Name;

    private static string Write(OperationDescriptor operation, bool withTopicAndTimeout)
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
        if (withTopicAndTimeout && operation.Remote is { } remote)
        {
            declared["topic"] = remote.Topic;
            declared["timeout"] = Durations.Format(remote.Timeout);
        }

        return new JsonObject { ["operations"] = new JsonObject { [operation.Name] = declared } }.ToJsonString();
    }
}
