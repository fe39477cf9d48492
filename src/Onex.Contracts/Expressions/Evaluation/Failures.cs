namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>The error values of failed evaluations.</summary>
internal static class Failures
{
    private const int ShownMax = 100;

    public static readonly CelValue Budget = CelValue.Error("expression budget exceeded");
    public static readonly CelValue Overflow = CelValue.Error("the number is out of range");
    public static readonly CelValue TimeRange = CelValue.Error("the time is out of range");

    public static CelValue NoOverload(string what, CelValue a) =>
        CelValue.Error($"no matching overload for {what}: {CelTypes.DisplayName(a)}");

    public static CelValue NoOverload(string what, CelValue a, CelValue b)
    {
        var advice = CelComparison.IsNumber(a.Kind) && CelComparison.IsNumber(b.Kind) && a.Kind != b.Kind
            ? "; convert one with int(), uint() or double()"
            : "";
        return CelValue.Error($"no matching overload for {what}: {CelTypes.DisplayName(a)} and {CelTypes.DisplayName(b)}{advice}");
    }

    public static CelValue NoKey(CelValue key) => CelValue.Error($"no such key: {Clip(key.ToString())}");

    /// <summary>The start of a text that may be long.</summary>
    public static string Clip(string text) => text.Length <= ShownMax ? text : text[..ShownMax] + "...";
}
