namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>The names and values for an expression of a test.</summary>
internal sealed class Scope(Dictionary<string, CelValue> values) : IExpressionScope
{
    public static Scope Empty => new([]);

    /// <summary>A scope with the fields of a JSON object as names.</summary>
    public static Scope Parse(string json) =>
        new(JsonDocument.Parse(json).RootElement.EnumerateObject().ToDictionary(
            field => field.Name, field => CelValue.FromJson(field.Value)));

    public bool TryGet(string name, out CelValue value) => values.TryGetValue(name, out value);
}
