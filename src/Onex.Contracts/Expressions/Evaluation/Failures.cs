namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>The texts of failed evaluations.</summary>
internal static class Failures
{
    public static readonly CelValue Budget = CelValue.Error("expression budget exceeded");
    public static readonly CelValue Overflow = CelValue.Error("the number is out of range");
    public static readonly CelValue TimeRange = CelValue.Error("the time is out of range");

    public static CelValue NoOverload(string what, CelValue a) => CelValue.Error($"no matching overload for {what}: {CelTypes.Plain(a)}");

    public static CelValue NoOverload(string what, CelValue a, CelValue b)
    {
        var advice = CelComparison.IsNumber(a.Kind) && CelComparison.IsNumber(b.Kind) && a.Kind != b.Kind
            ? "; convert one with int(), uint() or double()"
            : "";
        return CelValue.Error($"no matching overload for {what}: {CelTypes.Plain(a)} and {CelTypes.Plain(b)}{advice}");
    }

    public static CelValue NoKey(CelValue key) => CelValue.Error($"no such key: {Short(key)}");

    private static string Short(CelValue key)
    {
        var text = key.ToString();
        return text.Length <= 100 ? text : text[..100] + "...";
    }
}
