using System.Buffers;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Values as JSON text.</summary>
internal static class ValueJson
{
    /// <summary>How Onex writes JSON that it may read again; text stays as it is but for what JSON itself forbids.</summary>
    public static JsonWriterOptions Writing { get; } = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>How what stands in a row is read: as deep as it was ever written, and the objects around it.</summary>
    public static JsonDocumentOptions Reading { get; } = new() { MaxDepth = ExpressionLimits.StoredDepth + 64 };

    /// <summary>Evaluates a template to JSON. False, with the reason, if an expression fails or the value has no JSON.</summary>
    public static bool TryEvaluate(Template template, IExpressionScope scope, out RawJson json, out string? problem)
    {
        var value = template.Evaluate(scope);
        if (value.IsError)
        {
            json = default;
            problem = value.AsError();
            return false;
        }

        return TryWrite(value, out json, out problem);
    }

    /// <summary>False, with the reason, for a value that has no JSON, or that may be neither sent nor kept.</summary>
    public static bool TryWrite(CelValue value, out RawJson json, out string? problem)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, Writing);
        if (!value.TryWriteChecked(writer, out problem))
        {
            json = default;
            return false;
        }

        writer.Flush();
        json = new RawJson(buffer.WrittenMemory);
        return true;
    }

    /// <summary>The value as a row keeps it. False, with the reason, for a value that has no JSON.</summary>
    public static bool TryWriteStored(CelValue value, out RawJson json, out string? problem)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, Writing);
        if (!StoredValues.TryWrite(value, writer, out problem))
        {
            json = default;
            return false;
        }

        writer.Flush();
        json = new RawJson(buffer.WrittenMemory);
        return true;
    }
}
