using System.Text.Json.Serialization;

namespace Onex.Orchestrator.Machines;

/// <summary>A contract's files, as stored in <c>contracts.source</c>.</summary>
internal sealed record StoredSource(string Path, string Text, IReadOnlyDictionary<string, string> References);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StoredSource))]
internal sealed partial class StoredSourceJson : JsonSerializerContext;
