using System.Globalization;

namespace Onex.Contracts.Expressions;

/// <summary>Values as text.</summary>
public static class CelText
{
    /// <summary>
    /// Formats a value for insertion into text: strings unchanged, numbers, bools and times as <c>string()</c> does, bytes as base64, lists
    /// and maps as JSON. False, with the reason, for a value without text: null, an error, a type, an optional, a list or map without JSON.
    /// </summary>
    public static bool TryToText(CelValue value, out string text, out string? problem)
    {
        problem = null;
        text = "";
        switch (value.Kind)
        {
            case CelKind.Null:
                problem = "null has no text";
                return false;
            case CelKind.List or CelKind.Map:
                return CelJson.TryToText(value, out text, out problem);
            case CelKind.Bytes:
                text = Convert.ToBase64String(value.AsBytes().Span);
                return true;
            case CelKind.Error:
                problem = value.AsError();
                return false;
            case CelKind.Type:
                problem = "a type has no text: take its name with string(type(...))";
                return false;
            case CelKind.Optional:
                problem = "an optional has no text: take its value with .orValue(...)";
                return false;
            default:
                text = Scalar(value);
                return true;
        }
    }

    /// <summary>The result of <c>string()</c> for a string, a number, a bool or a time.</summary>
    internal static string Scalar(CelValue value) => value.Kind switch
    {
        CelKind.String => value.AsString(),
        CelKind.Bool => value.AsBool() ? "true" : "false",
        CelKind.Int => value.AsInt().ToString(CultureInfo.InvariantCulture),
        CelKind.Uint => value.AsUint().ToString(CultureInfo.InvariantCulture),
        CelKind.Double => value.AsDouble().ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e'),
        CelKind.Timestamp => CelTime.TimestampText(value),
        CelKind.Duration => CelTime.DurationText(value),
        _ => CelTypes.NameOf(value),
    };
}
