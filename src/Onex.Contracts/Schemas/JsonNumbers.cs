using Onex.Contracts.Expressions;

namespace Onex.Contracts.Schemas;

/// <summary>Numbers of JSON, which has no bounds for them, that no value here can be.</summary>
public static class JsonNumbers
{
    /// <summary>
    /// The numbers that have become infinite, and the whole ones that were rounded unasked, for no 64 bits hold them: of a value that has passed
    /// its schema, whose <c>number</c> says that a double is meant.
    /// </summary>
    public static IReadOnlyList<SchemaProblem> Problems(CelValue value)
    {
        var problems = new List<SchemaProblem>();
        Check(value, [], problems);
        return problems;
    }

    private static void Check(CelValue value, List<(string? Key, int Index)> path, List<SchemaProblem> problems)
    {
        switch (value.Kind)
        {
            case CelKind.Double when Problem(value) is { } problem && problems.Count < Limits.SchemaProblemsMax:
                problems.Add(new SchemaProblem(JsonPointer.Of(path), problem));
                break;
            case CelKind.List:
                var items = value.AsList();
                for (var index = 0; index < items.Count; index++)
                {
                    path.Add((null, index));
                    Check(items[index], path, problems);
                    path.RemoveAt(path.Count - 1);
                }

                break;
            case CelKind.Map:
                foreach (var (name, field) in value.AsMap())
                {
                    path.Add((name, 0));
                    Check(field, path, problems);
                    path.RemoveAt(path.Count - 1);
                }

                break;
        }
    }

    private static string? Problem(CelValue number) =>
        !double.IsFinite(number.AsDouble()) ? "must be a number that a double can hold, which is at most about 1.8e308"
        : number.IsRounded ? $"must be from {long.MinValue} to {ulong.MaxValue}, being an integer: write it as text, or with '.0' if it may be rounded, or let the schema say 'number'"
        : null;
}
