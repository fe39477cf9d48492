using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;
using Onex.Workers.Sandbox;

namespace Onex.Workers.Operations.Code;

internal sealed record SandboxResult
{
    private const int ShownMax = 100;

    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 63, AllowDuplicateProperties = false };

    [Result("What the script returned, or what the module wrote to standard output.")]
    public required JsonElement Value { get; init; }

    /// <summary>Reads a result from a sandbox, which is checked here because the process may do anything.</summary>
    public static SandboxResult Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > ComputeLimits.ResultBytesMax)
        {
            throw ComputeRejectedException.TooLarge();
        }

        try
        {
            // Not disposed of, because the element refers to it. It has no pooled memory beyond its own.
            return new SandboxResult { Value = JsonDocument.Parse(json, _strict).RootElement };
        }
        catch (JsonException problem)
        {
            var begin = Encoding.UTF8.GetString(json.Span[..Math.Min(json.Length, ShownMax)]);
            throw SandboxCodes.Exception(SandboxCodes.ResultNotJson, string.Create(
                CultureInfo.InvariantCulture,
                $"its {json.Length:N0} bytes are not JSON: {problem.Message.TrimEnd('.')}. They begin with '{begin}'"));
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ScriptArguments))]
[JsonSerializable(typeof(WasmArguments))]
[JsonSerializable(typeof(SandboxResult))]
internal sealed partial class SandboxOperationsJson : JsonSerializerContext;
