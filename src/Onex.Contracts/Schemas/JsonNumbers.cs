using System.Runtime.InteropServices;
using System.Text.Json;

namespace Onex.Contracts.Schemas;

/// <summary>Numbers of JSON, which has no bounds for them, that no value here can be.</summary>
public static class JsonNumbers
{
    /// <summary>
    /// The numbers that would become infinite, and the whole ones that would be rounded unasked, for no 64 bits hold them. What has a fraction or
    /// an exponent is a double, and rounded as such.
    /// </summary>
    public static IReadOnlyList<SchemaProblem> Problems(JsonElement json)
    {
        var problems = new List<SchemaProblem>();
        Check(json, [], problems);
        return problems;
    }

    private static void Check(JsonElement json, List<(string? Key, int Index)> path, List<SchemaProblem> problems)
    {
        if (problems.Count == Limits.SchemaProblemsMax)
        {
            return;
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.Number when Problem(json) is { } problem:
                problems.Add(new SchemaProblem(JsonPointer.Of(path), problem));
                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in json.EnumerateArray())
                {
                    path.Add((null, index++));
                    Check(item, path, problems);
                    path.RemoveAt(path.Count - 1);
                }

                break;
            case JsonValueKind.Object:
                foreach (var property in json.EnumerateObject())
                {
                    path.Add((property.Name, 0));
                    Check(property.Value, path, problems);
                    path.RemoveAt(path.Count - 1);
                }

                break;
        }
    }

    private static string? Problem(JsonElement number)
    {
        if (number.TryGetInt64(out _) || number.TryGetUInt64(out _))
        {
            return null;
        }

        if (!JsonMarshal.GetRawUtf8Value(number).ContainsAny(".eE"u8))
        {
            return $"must be from {long.MinValue} to {ulong.MaxValue}, being an integer: write it as text, or with '.0' if it may be rounded";
        }

        return double.IsFinite(number.GetDouble()) ? null : "must be a number that a double can hold, which is at most about 1.8e308";
    }
}
