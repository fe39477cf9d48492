namespace Onex.Operations;

/// <summary>Describes a field of a result, on the property that holds it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ResultAttribute(string description) : Attribute
{
    /// <summary>A short text, for documents.</summary>
    public string Description { get; } = description;
}
