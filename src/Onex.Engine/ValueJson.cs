using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Values as JSON text.</summary>
internal static class ValueJson
{
    /// <summary>How Onex writes JSON that it may read again.</summary>
    public static JsonWriterOptions WriterOptions => RentedJsonWriter.Options;

    /// <summary>How stored values are read: as deep as they are written, plus a margin for the objects around them.</summary>
    public static JsonDocumentOptions ReaderOptions { get; } = new() { MaxDepth = ExpressionLimits.StoredDepth + 64 };

    /// <summary>Evaluates a template to JSON. False, with the reason, if an expression fails or the value has no JSON form.</summary>
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

    /// <summary>Writes a value. False, with the reason, if it has no JSON form, or may be neither sent nor stored.</summary>
    public static bool TryWrite(CelValue value, out RawJson json, out string? problem)
    {
        using var rented = RentedJsonWriter.Rent();
        if (!value.TryWriteChecked(rented.Writer, out problem))
        {
            json = default;
            return false;
        }

        json = rented.ToJson();
        return true;
    }

    /// <summary>Why a value has no JSON form, or may be neither sent nor stored; or null.</summary>
    public static string? ProblemOf(CelValue value)
    {
        using var rented = RentedJsonWriter.Rent();
        _ = value.TryWriteChecked(rented.Writer, out var problem);
        return problem;
    }

    /// <summary>The value in the form that a row stores. False, with the reason, for a value that has no JSON form.</summary>
    public static bool TryWriteStored(CelValue value, out RawJson json, out string? problem)
    {
        using var rented = RentedJsonWriter.Rent();
        if (!StoredValues.TryWrite(value, rented.Writer, out problem))
        {
            json = default;
            return false;
        }

        json = rented.ToJson();
        return true;
    }
}
