using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Onex.Operations;

/// <summary>Reads arguments and writes results as JSON, like built-in operations: names in snake case, no unknown members.</summary>
internal static class OperationJson
{
    /// <summary>The code of arguments that do not have the types that the operation declares.</summary>
    public const string ArgumentsInvalid = "arguments_invalid";

    // Deeper than any value of a saga, so that no value fails because of it.
    private const int DepthMax = 1000;

    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Does not escape for HTML, because the text is never HTML.</summary>
    public static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = DepthMax };

    /// <summary>Reads arguments; rejects those of wrong types. Names only the path, because the value may be a secret.</summary>
    public static T Read<T>(ReadOnlySpan<byte> json)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options) ?? throw new JsonException();
        }
        catch (JsonException exception)
        {
            throw new OperationRejectedException(ArgumentsInvalid, $"The arguments are invalid at {exception.Path ?? "$"}.");
        }
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = DepthMax,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        };
        options.MakeReadOnly();
        return options;
    }
}
