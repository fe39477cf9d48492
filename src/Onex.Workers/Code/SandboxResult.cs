using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;

namespace Onex.Workers.Code;

internal sealed record SandboxResult
{
    private const int BytesShownMax = 100;

    // One less than what readers of JSON accept, because the value becomes a field of an object.
    private static readonly JsonDocumentOptions _strictJson = new() { MaxDepth = 63, AllowDuplicateProperties = false };

    [Result("What the script returned, or what the module wrote to standard output.")]
    public required JsonElement Value { get; init; }

    /// <summary>Parses the result of a sandbox. It is checked here, because a sandbox runs code that is not trusted.</summary>
    public static SandboxResult Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > ComputeLimits.ResultBytesMax)
        {
            throw ComputeRejectedException.TooLarge();
        }

        try
        {
            // The document is not disposed of, because the element refers to it. The garbage collector frees both.
            return new SandboxResult { Value = JsonDocument.Parse(json, _strictJson).RootElement };
        }
        catch (JsonException problem)
        {
            var start = Encoding.UTF8.GetString(json.Span[..Math.Min(json.Length, BytesShownMax)]);
            throw SandboxCodes.Exception(SandboxCodes.ResultNotJson, string.Create(
                CultureInfo.InvariantCulture,
                $"its {json.Length:N0} bytes are not JSON: {problem.Message.TrimEnd('.')}. They begin with '{start}'"));
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
