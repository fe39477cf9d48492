namespace Onex.Operations;

/// <summary>The JSON type of a property whose own type says less.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class JsonTypeAttribute(string shortForm) : Attribute
{
    /// <summary>The type in the short form of contracts: <c>list(map(any))</c>.</summary>
    public string ShortForm { get; } = shortForm;
}
