using Onex.Contracts.Expressions;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Schemas;

/// <summary>Finds the parts of an incoming value that cannot be stored or sent.</summary>
public static class ValueBounds
{
    /// <summary>
    /// At most 20 problems of a value that its schema accepts: infinite numbers, integers of more than 64 bits that were rounded although
    /// the schema does not say <c>number</c>, nesting deeper than <see cref="ExpressionLimits.KeptDepth"/>, and text that cannot be stored.
    /// </summary>
    public static IReadOnlyList<SchemaProblem> Problems(CelValue value)
    {
        var problems = new List<SchemaProblem>();
        Check(value, [], problems);
        return problems;
    }

    private static void Check(CelValue value, List<(string? Key, int Index)> path, List<SchemaProblem> problems)
    {
        if (path.Count >= ExpressionLimits.KeptDepth && value.Kind is (CelKind.List or CelKind.Map))
        {
            Add(problems, path, $"is nested deeper than {ExpressionLimits.KeptDepth} levels");
            return;
        }

        switch (value.Kind)
        {
            case CelKind.Error:
                Add(problems, path, value.AsError());
                break;
            case CelKind.String when CelJson.ProblemOfText(value.AsString()) is { } textProblem:
                Add(problems, path, textProblem);
                break;
            case CelKind.Double when ProblemOfNumber(value) is { } numberProblem:
                Add(problems, path, numberProblem);
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
                foreach (var (name, field) in value.MapValue.TextEntries)
                {
                    path.Add((name, 0));
                    if (CelJson.ProblemOfText(name) is { } nameProblem)
                    {
                        Add(problems, path, nameProblem.Replace("the text", "its name", StringComparison.Ordinal));
                    }

                    Check(field, path, problems);
                    path.RemoveAt(path.Count - 1);
                }

                break;
        }
    }

    private static void Add(List<SchemaProblem> problems, List<(string? Key, int Index)> path, string problem)
    {
        if (problems.Count < Limits.SchemaProblemsMax)
        {
            problems.Add(new SchemaProblem(JsonPointer.From(path), problem));
        }
    }

    private static string? ProblemOfNumber(CelValue number) =>
        !double.IsFinite(number.AsDouble()) ? "must be a number that a double can hold, which is at most about 1.8e308"
        : number.IsRounded ? $"must be from {long.MinValue} to {ulong.MaxValue}, being an integer: write it as text, or with '.0' if it "
            + "may be rounded, or let the schema say 'number'"
        : null;
}
