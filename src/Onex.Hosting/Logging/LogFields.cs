using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Onex.Hosting.Logging;

/// <summary>The named values of a log call and of the scopes around it.</summary>
internal static class LogFields
{
    /// <summary>Merges the values, with names in snake case. For a repeated name the log call wins, then the innermost scope.</summary>
    public static IReadOnlyCollection<KeyValuePair<string, object?>> From<TState>(TState state, IExternalScopeProvider? scopes)
    {
        var fields = new Dictionary<string, object?>(StringComparer.Ordinal);
        scopes?.ForEachScope(static (scope, fields) => Add(scope, fields), fields);
        Add(state, fields);
        return fields;
    }

    public static string? Text(object? value)
    {
        try
        {
            return value is IFormattable formattable ? formattable.ToString(null, CultureInfo.InvariantCulture) : value?.ToString();
        }
        catch (Exception failure)
        {
            // A value that cannot be formatted must not cost the line.
            return $"({failure.GetType().Name})";
        }
    }

    private static void Add(object? values, Dictionary<string, object?> fields)
    {
        if (values is not IEnumerable<KeyValuePair<string, object?>> pairs)
        {
            return;
        }

        foreach (var (name, value) in pairs)
        {
            // Not the message template, which the logging library adds to every call.
            if (name is not "{OriginalFormat}" and not "")
            {
                fields[char.IsAsciiLetterLower(name[0]) ? name : JsonNamingPolicy.SnakeCaseLower.ConvertName(name)] = value;
            }
        }
    }
}
